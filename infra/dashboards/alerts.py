"""Alert rules and what they record, as data. Each has a page in `docs/runbooks`. [R-D5, R-D6]."""

from typing import Final, Literal

import msgspec

from infra.dashboards.objectives import OBJECTIVES, Objective, burning, recorded_name

Severity = Literal["page", "ticket"]

FAST: Final = (14.4, "1h", "5m")
"""Two percent of a month's budget in an hour."""

SLOW: Final = (6.0, "6h", "30m")
"""Five percent of it in six hours."""

SERVICES: Final = ("api", "orchestrator", "reporting", "scoring_worker", "sim_worker")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    name: str
    expression: str
    lasts: str
    """How long it must be so."""
    severity: Severity
    summary: str
    page: str
    """Of `docs/runbooks`, without its ending."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded series."""

    name: str
    expression: str


def records() -> tuple[Record, ...]:
    """Return what is recorded: the bad share of every objective over every window."""
    windows = ("5m", "30m", "1h", "6h")
    return tuple(
        Record(name=recorded_name(one, window), expression=one.bad_share(window))
        for one in OBJECTIVES
        for window in windows
    )


def alerts() -> tuple[Alert, ...]:
    """Return every alert."""
    burns = [alert for one in OBJECTIVES for alert in (_burn(one, FAST), _burn(one, SLOW))]
    return (*burns, *_WORK, *_MODELS, *_DUTIES, *_PROCESSES)


def _burn(one: Objective, how: tuple[float, str, str]) -> Alert:
    factor, long, short = how
    is_fast = how == FAST
    pace = "fast" if is_fast else "slowly"
    return Alert(
        name=f"{one.name}Burns{'Fast' if is_fast else 'Slowly'}",
        expression=burning(one, factor, long, short),
        lasts="1m" if is_fast else "10m",
        severity="page" if is_fast else "ticket",
        summary=f"{one.words}: the error budget is being spent {pace}",
        page=one.page,
    )


_WORK: Final = (
    Alert(
        name="OutboxLags",
        expression="max by (kind) (outbox_lag_seconds) > 60",
        lasts="1m",
        severity="page",
        summary="Committed {{ $labels.kind }} have not been delivered for over a minute",
        page="outbox-lags",
    ),
    Alert(
        name="LearnersWait",
        expression='max(jobs_oldest_seconds{kind="turn"}) > 5',
        lasts="30s",
        severity="page",
        summary="A learner's words have waited for a worker for over five seconds",
        page="learners-wait",
    ),
    Alert(
        name="OneTenantHoldsTheFleet",
        expression=(
            "max by (kind) (tenant_inflight_share) > 0.7 and on (kind)"
            ' max by (kind) (jobs_queued{state="waiting"}) > 0 and on () max(tenants_with_work) > 1'
        ),
        lasts="10m",
        severity="ticket",
        summary="One tenant has over 70 % of the lane {{ $labels.kind }} while others wait",
        page="one-tenant-holds-the-fleet",
    ),
    Alert(
        name="DeadLetters",
        expression="max by (kind) (jobs_dead) > 0",
        lasts="1m",
        severity="ticket",
        summary="Jobs of the lane {{ $labels.kind }} failed for good",
        page="dead-letters",
    ),
    Alert(
        name="WorkersFull",
        expression="sum by (kind) (worker_slots_busy) / sum by (kind) (worker_slots) > 0.95",
        lasts="10m",
        severity="ticket",
        summary="The workers of the lane {{ $labels.kind }} have no room left",
        page="workers-full",
    ),
    Alert(
        name="WorkflowsDisagree",
        expression="sum(increase(workflow_nondeterminism_total[15m])) > 0",
        lasts="0s",
        severity="page",
        summary="A workflow's replay took another way than its history: a release broke it",
        page="workflows-disagree",
    ),
    Alert(
        name="TemporalBacklog",
        expression="max by (type) (temporal_task_queue_backlog) > 1000",
        lasts="5m",
        severity="ticket",
        summary="{{ $value }} {{ $labels.type }} tasks wait for an orchestrator",
        page="temporal-backlog",
    ),
    Alert(
        name="TenantFails",
        expression=(
            'sum by (tenant_top) (rate(work_total{outcome="failed"}[10m]))'
            " / sum by (tenant_top) (rate(work_total[10m])) > 0.2"
            " and sum by (tenant_top) (rate(work_total[10m])) > 0.05"
        ),
        lasts="10m",
        severity="ticket",
        summary="Over a fifth of the work of {{ $labels.tenant_top }} fails",
        page="tenant-fails",
    ),
)

_MODELS: Final = (
    Alert(
        name="ModelsFail",
        expression=(
            'sum(rate(llm_calls_total{outcome!="ok"}[5m])) / sum(rate(llm_calls_total[5m])) > 0.2'
            " and sum(rate(llm_calls_total[5m])) > 0.1"
        ),
        lasts="5m",
        severity="page",
        summary="Over a fifth of the calls to language models fail",
        page="models-fail",
    ),
    Alert(
        name="TenantSpendsFast",
        # `other` is thousands of tenants together: that may be dear without anybody being.
        expression=(
            'sum by (tenant_top) (increase(llm_cost_usd_total{tenant_top!="other"}[1h])) > 25'
        ),
        lasts="5m",
        severity="ticket",
        summary="{{ $labels.tenant_top }} spent over 25 dollars on models within an hour",
        page="tenant-spends-fast",
    ),
)

_DUTIES: Final = (
    Alert(
        name="KeyExpires",
        expression=(
            "max(api_keys_expiring) > 0 and on () max(api_key_next_expiry_seconds) < 3 * 86400"
        ),
        lasts="10m",
        severity="ticket",
        summary="A key in use expires within three days",
        page="key-expires",
    ),
    Alert(
        name="ErasureLate",
        expression="max(erasure_oldest_seconds) > 3000",
        lasts="1m",
        severity="page",
        summary="The erasure of a person is not done after 50 minutes; an hour is promised",
        page="erasure-late",
    ),
    Alert(
        name="ReportingLate",
        expression="max(reporting_lag_seconds) > 60",
        lasts="5m",
        severity="ticket",
        summary="Reports are over a minute behind what happened",
        page="reporting-late",
    ),
    Alert(
        name="RightsDenied",
        expression="sum(increase(rls_denied_total[10m])) > 0",
        lasts="0s",
        severity="page",
        summary="PostgreSQL refused a statement of ours for its rights: a bug, or an attack",
        page="rights-denied",
    ),
)

_PROCESSES: Final = (
    Alert(
        name="ProcessGone",
        expression=" or ".join(
            f'absent(rapport_process_info{{service="{one}"}})' for one in SERVICES
        ),
        lasts="1m",
        severity="page",
        summary="No process of the service {{ $labels.service }} is left",
        page="process-gone",
    ),
    Alert(
        name="ProcessSilent",
        # From the heartbeats in the database: it also sees one of many, and where nothing scrapes.
        expression="max by (service) (processes_silent) > 0",
        lasts="1m",
        severity="ticket",
        summary="A process of the service {{ $labels.service }} hangs or died without a word",
        page="process-silent",
    ),
    Alert(
        name="PoolExhausted",
        expression="max by (role, job, instance) (db_pool_waiting) > 0",
        lasts="2m",
        severity="ticket",
        summary="Work waits for connections to PostgreSQL ({{ $labels.role }})",
        page="pool-exhausted",
    ),
    Alert(
        name="LoopLags",
        expression="max by (job, instance) (event_loop_lag_seconds) > 0.5",
        lasts="3m",
        severity="ticket",
        summary="Something holds up everything in a process for over half a second",
        page="loop-lags",
    ),
    Alert(
        name="NumbersOld",
        expression=(
            "time() - max(fleet_look_timestamp_seconds) > 60"
            " or absent(fleet_look_timestamp_seconds)"
        ),
        lasts="2m",
        severity="page",
        summary="No orchestrator reads the fleet's numbers: alerts on queues are blind",
        page="numbers-old",
    ),
    Alert(
        name="OrchestratorHangs",
        expression="time() - max by (job, instance) (fleet_look_timestamp_seconds) > 120",
        lasts="2m",
        severity="ticket",
        summary="The orchestrator {{ $labels.instance }} no longer looks at the fleet",
        page="numbers-old",
    ),
)

"""Histories in which each alert must fire, and ones in which it must not: promtool's tests."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec

from infra.dashboards.alerts import SERVICES, Alert, alerts

STEP: Final = "1m"
"""Between two values of a series."""

HTTP: Final = 'http_server_request_duration_seconds_count{route="/v1/x",method="GET",status_class='
WORK: Final = 'work_seconds_count{kind="scoring",outcome='
HOOK: Final = "webhook_first_attempt_delay_seconds_"
ACCEPT: Final = "http_accept_seconds_"

Series = Mapping[str, str]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A history and what follows from it."""

    name: str
    at: str
    fires: Series
    """Values by series, as promtool writes them."""
    rests: Series
    """Likewise; the alert must keep quiet."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Of the alert that fires, besides its severity."""
    value: str = ""
    """What the alert's words show of the number."""


def _gauge(name: str, high: str, low: str, at: str = "20m", **labels: str) -> Case:
    """Return a case of a gauge that is too high, and one that is not."""
    alert, series = name.split("=", 1)
    return Case(
        name=alert,
        at=at,
        fires={series: f"{high}x80"},
        rests={series: f"{low}x80"},
        labels=labels,
    )


def _looks(hangs: str) -> Series:
    """Return the looks of two orchestrators; one may hang."""
    series = 'fleet_look_timestamp_seconds{job="rapport",instance='
    return {f'{series}"a"}}': "0+60x80", f'{series}"b"}}': hangs}


def _http(bad: str) -> Series:
    return {f'{HTTP}"2xx"}}': "0+600x800", f'{HTTP}"5xx"}}': f"0+{bad}x800"}


def _scored(bad: str) -> Series:
    return {f'{WORK}"ok"}}': "0+600x800", f'{WORK}"failed"}}': f"0+{bad}x800"}


def _late(name: str, bound: str, late: int) -> Series:
    """Return a thousand a minute, of which some are over a bound."""
    return {
        f"{name}count": "0+1000x800",
        f'{name}bucket{{le="{bound}"}}': f"0+{1000 - late}x800",
    }


_hooked = partial(_late, HOOK, "5.0")
_accepted = partial(_late, ACCEPT, "0.15")


def _processes(without: str = "") -> Series:
    return {
        f'rapport_process_info{{service="{one}",version="1"}}': "1x80"
        for one in SERVICES
        if one != without
    }


_HELD: Final = {
    'tenant_inflight_share{kind="score"}': "0.9x80",
    'jobs_queued{kind="score",state="waiting"}': "50x80",
}

_CALLS: Final = 'llm_calls_total{task="wording",outcome='

_DONE: Final = 'work_total{kind="turn",tenant_top="ten_1",outcome='

CASES: Final = (
    Case(name="ApiBurnsFast", at="70m", fires=_http("60"), rests=_http("6")),
    Case(name="ApiBurnsSlowly", at="380m", fires=_http("6"), rests=_http("0.3")),
    Case(name="AcceptingBurnsFast", at="70m", fires=_accepted(200), rests=_accepted(70)),
    Case(name="AcceptingBurnsSlowly", at="380m", fires=_accepted(70), rests=_accepted(5)),
    Case(name="ScoringBurnsFast", at="70m", fires=_scored("60"), rests=_scored("6")),
    Case(name="ScoringBurnsSlowly", at="380m", fires=_scored("6"), rests=_scored("0.3")),
    Case(name="WebhooksBurnsFast", at="70m", fires=_hooked(200), rests=_hooked(70)),
    Case(name="WebhooksBurnsSlowly", at="380m", fires=_hooked(70), rests=_hooked(5)),
    _gauge('OutboxLags=outbox_lag_seconds{kind="events"}', "61", "59", kind="events"),
    _gauge('LearnersWait=jobs_oldest_seconds{kind="turn"}', "6", "4"),
    Case(
        name="OneTenantHoldsTheFleet",
        at="20m",
        fires={**_HELD, "tenants_with_work": "2x80"},
        rests={**_HELD, "tenants_with_work": "1x80"},
        labels={"kind": "score"},
    ),
    _gauge('DeadLetters=jobs_dead{kind="flow"}', "1", "0", kind="flow"),
    Case(
        name="WorkersFull",
        at="20m",
        fires={'worker_slots_busy{kind="turn"}': "99x80", 'worker_slots{kind="turn"}': "100x80"},
        rests={'worker_slots_busy{kind="turn"}': "90x80", 'worker_slots{kind="turn"}': "100x80"},
        labels={"kind": "turn"},
    ),
    Case(
        name="WorkflowsDisagree",
        at="8m",
        fires={"workflow_nondeterminism_total": "0x5 1x40"},
        rests={"workflow_nondeterminism_total": "0x40"},
    ),
    Case(
        name="TemporalBacklog",
        at="20m",
        fires={'temporal_task_queue_backlog{queue="rapport",type="activity"}': "1500x80"},
        rests={'temporal_task_queue_backlog{queue="rapport",type="activity"}': "500x80"},
        labels={"type": "activity"},
        value="1500",
    ),
    Case(
        name="TenantFails",
        at="40m",
        fires={f'{_DONE}"ok"}}': "0+60x80", f'{_DONE}"failed"}}': "0+30x80"},
        rests={f'{_DONE}"ok"}}': "0+60x80", f'{_DONE}"failed"}}': "0+3x80"},
        labels={"tenant_top": "ten_1"},
    ),
    Case(
        name="ModelsFail",
        at="20m",
        fires={f'{_CALLS}"ok"}}': "0+60x80", f'{_CALLS}"timeout"}}': "0+30x80"},
        rests={f'{_CALLS}"ok"}}': "0+60x80", f'{_CALLS}"timeout"}}': "0+6x80"},
    ),
    Case(
        name="TenantSpendsFast",
        at="70m",
        fires={'llm_cost_usd_total{tenant_top="ten_1"}': "0+0.5x160"},
        rests={
            'llm_cost_usd_total{tenant_top="ten_1"}': "0+0.1x160",
            'llm_cost_usd_total{tenant_top="other"}': "0+50x160",
        },
        labels={"tenant_top": "ten_1"},
    ),
    Case(
        name="KeyExpires",
        at="20m",
        fires={"api_keys_expiring": "1x80", "api_key_next_expiry_seconds": "86400x80"},
        rests={"api_keys_expiring": "1x80", "api_key_next_expiry_seconds": "864000x80"},
    ),
    _gauge("ErasureLate=erasure_oldest_seconds", "3060", "2900"),
    _gauge("ReportingLate=reporting_lag_seconds", "90", "30"),
    Case(
        name="RightsDenied",
        at="8m",
        fires={"rls_denied_total": "0x5 1x40"},
        rests={"rls_denied_total": "0x40"},
    ),
    Case(
        name="ProcessGone",
        at="20m",
        fires=_processes("reporting"),
        rests=_processes(),
        labels={"service": "reporting"},
    ),
    Case(
        name="PoolExhausted",
        at="20m",
        fires={'db_pool_waiting{role="app",job="rapport",instance="a"}': "3x80"},
        rests={'db_pool_waiting{role="app",job="rapport",instance="a"}': "0x80"},
        labels={"role": "app", "job": "rapport", "instance": "a"},
    ),
    Case(
        name="LoopLags",
        at="20m",
        fires={'event_loop_lag_seconds{job="rapport",instance="a"}': "0.8x80"},
        rests={'event_loop_lag_seconds{job="rapport",instance="a"}': "0.1x80"},
        labels={"job": "rapport", "instance": "a"},
    ),
    Case(
        name="NumbersOld",
        at="20m",
        fires={"fleet_look_timestamp_seconds": "0x80"},
        rests={"fleet_look_timestamp_seconds": "0+60x80"},
    ),
    Case(
        name="OrchestratorHangs",
        at="20m",
        fires=_looks(hangs="0x80"),
        rests=_looks(hangs="0+60x80"),
        labels={"job": "rapport", "instance": "b"},
    ),
    _gauge('ProcessSilent=processes_silent{service="api"}', "1", "0", service="api"),
)


def tests() -> dict[str, Any]:
    """Return promtool's file: for every alert one history in which it fires, one in which not."""
    by_name = {one.name: one for one in alerts()}
    found = []
    for case in CASES:
        alert = by_name[case.name]
        found.append(_test(case, case.fires, [_expected(alert, case)]))
        found.append(_test(case, case.rests, []))
    return {"rule_files": ["rapport.rules.yml"], "evaluation_interval": STEP, "tests": found}


def _test(case: Case, series: Series, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": STEP,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": case.at, "alertname": case.name, "exp_alerts": expected}],
    }


def _expected(alert: Alert, case: Case) -> dict[str, Any]:
    words = alert.summary.replace("{{ $value }}", case.value)
    for label, value in case.labels.items():
        words = words.replace(f"{{{{ $labels.{label} }}}}", value)
    return {
        "exp_labels": {"severity": alert.severity, **case.labels},
        "exp_annotations": {"summary": words, "runbook": f"docs/runbooks/{alert.page}.md"},
    }

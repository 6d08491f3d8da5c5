"""The six dashboards. Most questions begin with the first one."""

from typing import Final

from infra.dashboards.panels import RATE, Board, panel, percentiles

_TENANT: Final = '{tenant_top="$tenant"}'

FLEET: Final = Board(
    slug="fleet",
    title="fleet",
    rows=(
        (
            panel(
                "Requests by outcome",
                (
                    (
                        "sum by (status_class)"
                        f" (rate(http_server_request_duration_seconds_count[{RATE}]))"
                    ),
                    "{{status_class}}",
                ),
                unit="reqps",
            ),
            panel(
                "Share of errors",
                ("slo:api_bad:ratio_rate5m", "API"),
                ("slo:accepting_bad:ratio_rate5m", "accepting"),
                ("slo:scoring_bad:ratio_rate5m", "scoring"),
                ("slo:webhooks_bad:ratio_rate5m", "webhooks"),
                unit="percentunit",
            ),
            panel(
                "Processes",
                ("sum by (service, version) (rapport_process_info)", "{{service}} {{version}}"),
            ),
        ),
        (
            panel("Accepting work", *percentiles("http_accept_seconds"), unit="s"),
            panel("Turn", *percentiles("work_seconds", where='{kind="turn"}'), unit="s"),
            panel("Scoring", *percentiles("work_seconds", where='{kind="scoring"}'), unit="s"),
            panel("Webhook", *percentiles("webhook_first_attempt_delay_seconds"), unit="s"),
        ),
        (
            panel(
                "Slowest routes, p95",
                (
                    (
                        "topk(10, histogram_quantile(0.95, sum by (le, route, method)"
                        f" (rate(http_server_request_duration_seconds_bucket[{RATE}]))))"
                    ),
                    "{{method}} {{route}}",
                ),
                unit="s",
            ),
            panel(
                "Refused by limits",
                (
                    f'sum by (policy) (rate(ratelimit_total{{outcome="refused"}}[{RATE}]))',
                    "{{policy}}",
                ),
                (f"sum by (kind) (rate(http_server_shed_total[{RATE}]))", "overload: {{kind}}"),
                unit="reqps",
            ),
            panel(
                "Answers to nobody's routes, and without a key",
                (
                    (
                        "sum by (status, is_matched) (rate(http_server_responses_total"
                        f'{{status=~"401|404|413|429"}}[{RATE}]))'
                    ),
                    "{{status}} {{is_matched}}",
                ),
                unit="reqps",
            ),
        ),
        (
            panel(
                "Idempotency keys",
                (f"sum by (outcome) (rate(idempotency_total[{RATE}]))", "{{outcome}}"),
                unit="reqps",
            ),
            panel(
                "Streams",
                ("sum(sse_streams_open)", "open"),
                (f"sum by (result) (rate(sse_resume_total[{RATE}]))", "{{result}}/s"),
            ),
            panel("First piece of a reply", *percentiles("sse_first_delta_seconds"), unit="s"),
        ),
        (
            panel(
                "Event loop, worst delay",
                ("max by (job, instance) (event_loop_lag_seconds)", "{{instance}}"),
                unit="s",
            ),
            panel(
                "Processor",
                (
                    f"sum by (job, instance) (rate(process_cpu_seconds_total[{RATE}]))",
                    "{{instance}}",
                ),
                unit="percentunit",
            ),
            panel(
                "Memory",
                ("sum by (job, instance) (process_resident_memory_bytes)", "{{instance}}"),
                unit="bytes",
            ),
        ),
    ),
)

TENANT: Final = Board(
    slug="tenant",
    title="one tenant",
    by_tenant=True,
    rows=(
        (
            panel(
                "Requests",
                (
                    f"sum by (status_class) (rate(tenant_requests_total{_TENANT}[{RATE}]))",
                    "{{status_class}}",
                ),
                unit="reqps",
            ),
            panel(
                "Work by kind",
                (f"sum by (kind) (rate(work_total{_TENANT}[{RATE}]))", "{{kind}}"),
                unit="ops",
            ),
            panel(
                "Failures",
                (
                    (
                        'sum by (kind) (rate(work_total{tenant_top="$tenant",outcome="failed"}'
                        f"[{RATE}]))"
                    ),
                    "{{kind}}",
                ),
                unit="ops",
            ),
        ),
        (
            panel("Jobs in hand", (f"sum by (kind) (operation_inflight{_TENANT})", "{{kind}}")),
            panel(
                "Tokens",
                (
                    f"sum by (direction, model) (rate(llm_tokens_total{_TENANT}[{RATE}]))",
                    "{{direction}} {{model}}",
                ),
            ),
            panel(
                "Money, per hour",
                (f"sum(increase(llm_cost_usd_total{_TENANT}[1h]))", "US dollars"),
                unit="currencyUSD",
            ),
        ),
    ),
)

QUEUES: Final = Board(
    slug="queues",
    title="queues and workers",
    rows=(
        (
            panel("Jobs", ("max by (kind, state) (jobs_queued)", "{{kind}} {{state}}")),
            panel(
                "Oldest job that waits",
                ("max by (kind) (jobs_oldest_seconds)", "{{kind}}"),
                unit="s",
            ),
            panel("Dead letters", ("max by (kind) (jobs_dead)", "{{kind}}")),
        ),
        (
            panel(
                "Wait for a worker, p95",
                (
                    (
                        "histogram_quantile(0.95, sum by (le, kind, priority)"
                        f" (rate(operation_wait_seconds_bucket[{RATE}])))"
                    ),
                    "{{kind}} ({{priority}})",
                ),
                unit="s",
            ),
            panel(
                "Time in hand, p95",
                (
                    (
                        "histogram_quantile(0.95, sum by (le, kind)"
                        f" (rate(job_seconds_bucket[{RATE}])))"
                    ),
                    "{{kind}}",
                ),
                unit="s",
            ),
            panel(
                "Places taken",
                (
                    "sum by (kind) (worker_slots_busy) / sum by (kind) (worker_slots)",
                    "{{kind}}",
                ),
                unit="percentunit",
            ),
        ),
        (
            panel(
                "Not delivered yet",
                ("max by (kind) (outbox_pending)", "{{kind}}"),
                ("max by (stream, consumer) (nats_consumer_pending)", "{{stream}}"),
            ),
            panel("Oldest of it", ("max by (kind) (outbox_lag_seconds)", "{{kind}}"), unit="s"),
            panel(
                "Temporal's queues",
                ("max by (queue, type) (temporal_task_queue_backlog)", "{{queue}} {{type}}"),
                (f"sum(increase(workflow_nondeterminism_total[{RATE}]))", "broken replays"),
            ),
        ),
        (
            panel(
                "Largest share of one tenant",
                ("max by (kind) (tenant_inflight_share)", "{{kind}}"),
                unit="percentunit",
            ),
            panel("Tenants with work", ("max(tenants_with_work)", "tenants")),
            panel(
                "Database connections",
                (
                    (
                        "sum by (role) (db_pool_connections_busy)"
                        " / sum by (role) (db_pool_connections_max)"
                    ),
                    "{{role}} in use",
                ),
                ("sum by (role) (db_pool_waiting)", "{{role}} waiting"),
            ),
        ),
    ),
)

MODELS: Final = Board(
    slug="models",
    title="models and money",
    rows=(
        (
            panel(
                "Calls by outcome",
                (f"sum by (outcome) (rate(llm_calls_total[{RATE}]))", "{{outcome}}"),
                unit="reqps",
            ),
            panel(
                "Length of a call, p95",
                (
                    (
                        "histogram_quantile(0.95, sum by (le, task)"
                        f" (rate(llm_call_duration_seconds_bucket[{RATE}])))"
                    ),
                    "{{task}}",
                ),
                unit="s",
            ),
            panel("First piece", *percentiles("llm_first_delta_seconds"), unit="s"),
        ),
        (
            panel(
                "Tokens",
                (
                    f"sum by (direction, model) (rate(llm_tokens_total[{RATE}]))",
                    "{{direction}} {{model}}",
                ),
            ),
            panel(
                "Money, per hour",
                ("sum by (tenant_top) (increase(llm_cost_usd_total[1h]))", "{{tenant_top}}"),
                unit="currencyUSD",
            ),
            panel(
                "Calls under way, and breakers",
                ("sum(llm_calls_in_flight)", "under way"),
                (f"sum(rate(llm_breaker_opened_total[{RATE}]))", "opened/s"),
                (f"sum(rate(llm_breaker_refused_total[{RATE}]))", "refused/s"),
            ),
        ),
        (
            panel(
                "Endpoints, by breaker",
                ("sum by (state) (llm_breakers)", "{{state}}"),
            ),
            panel(
                "Replies by a model, and what checks found",
                (f"sum by (engine) (rate(llm_replies_total[{RATE}]))", "{{engine}}"),
                (f"sum by (code) (rate(llm_drift_total[{RATE}]))", "drift {{code}}"),
            ),
        ),
    ),
)

WEBHOOKS: Final = Board(
    slug="webhooks",
    title="webhooks",
    rows=(
        (
            panel(
                "Attempts",
                (f"sum by (result) (rate(webhook_attempts_total[{RATE}]))", "{{result}}"),
                unit="reqps",
            ),
            panel(
                "First attempt after the event",
                *percentiles("webhook_first_attempt_delay_seconds"),
                unit="s",
            ),
            panel(
                "Places taken",
                ("sum(webhook_attempts_in_flight) / sum(webhook_slots)", "taken"),
                unit="percentunit",
            ),
        ),
        (
            panel("Endpoints with something due", ("max(webhook_endpoints_due)", "endpoints")),
            panel("Endpoints that fail", ("max(webhook_endpoints_failing)", "endpoints")),
            panel("Budget", ("slo:webhooks_bad:ratio_rate1h", "late"), unit="percentunit"),
        ),
    ),
)

REPORTING: Final = Board(
    slug="reporting",
    title="judging and reporting",
    rows=(
        (
            panel("Behind by", ("max(reporting_lag_seconds)", "seconds"), unit="s"),
            panel("Tenants behind", ("max(reporting_tenants_behind)", "tenants")),
            panel("Answers", *percentiles("work_seconds", where='{kind="report"}'), unit="s"),
        ),
        (
            panel(
                "Questions",
                (f"sum by (outcome) (rate(report_questions_total[{RATE}]))", "{{outcome}}"),
                (
                    f"topk(5, sum by (question) (rate(report_questions_total[{RATE}])))",
                    "{{question}}",
                ),
                unit="reqps",
            ),
            panel(
                "Doubts about conversations",
                (f"sum by (kind) (rate(scoring_integrity_flags_total[{RATE}]))", "{{kind}}"),
            ),
            panel(
                "Faults of the simulator",
                (f"sum by (kind) (rate(simulator_faults_total[{RATE}]))", "{{kind}}"),
            ),
        ),
        (
            panel("Duties: oldest erasure", ("max(erasure_oldest_seconds)", "seconds"), unit="s"),
            panel("Keys that expire soon", ("max(api_keys_expiring)", "keys")),
            panel("Refused by the database", (f"sum(rate(rls_denied_total[{RATE}]))", "per s")),
        ),
    ),
)

BOARDS: Final = (FLEET, TENANT, QUEUES, MODELS, WEBHOOKS, REPORTING)

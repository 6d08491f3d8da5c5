"""Every metric of the product. Dashboards, alerts and their documentation are checked against this.

Labels have few values each: templates of paths, fixed words, and for tenants the biggest only.
Seconds everywhere; money is US dollars.
"""

from typing import Final

from shared.telemetry.metrics import CATALOG, LONG_SECONDS, TENANT, Counter, Gauge, Histogram

PROCESS: Final = Gauge("rapport_process_info", "1 for a process that runs", "service", "version")

# -- HTTP

HTTP_SECONDS: Final = Histogram(
    "http_server_request_duration_seconds",
    "Time to the end of the answer; a stream counts until it ends",
    "route", "method", "status_class",
)  # fmt: skip
HTTP_RESPONSES: Final = Counter(
    "http_server_responses_total",
    "Answers by status; is_matched is 0 for a path that does not exist",
    "status", "is_matched",
)  # fmt: skip
HTTP_ACCEPT: Final = Histogram(
    "http_accept_seconds", "Time to a 202, where the client did not ask us to wait for more"
)
HTTP_IN_FLIGHT: Final = Gauge("http_server_requests_in_flight", "Requests without their answer")
TENANT_REQUESTS: Final = Counter(
    "tenant_requests_total", "Requests by tenant", "status_class", TENANT
)
STREAM_FIRST_DELTA: Final = Histogram(
    "sse_first_delta_seconds", "Time from a learner's words to the first piece of the reply"
)
STREAM_RESUMES: Final = Counter(
    "sse_resume_total", "Streams that began, by whether they went on where one broke off", "result"
)
STREAMS_OPEN: Final = Gauge("sse_streams_open", "Streams that are open")
IDEMPOTENCY: Final = Counter(
    "idempotency_total", "Requests with a key, by what became of them", "outcome"
)
RATE_LIMITS: Final = Counter(
    "ratelimit_total", "Requests that a limit looked at", "policy", "outcome"
)

SHED: Final = Counter(
    "http_server_shed_total", "Requests refused because those in hand wait too long", "kind"
)

# -- work, whatever it is

WORK_SECONDS: Final = Histogram(
    "work_seconds", "Length of finished work, as `Measure` has it", "kind", "outcome"
)
WORK: Final = Counter("work_total", "Finished work by tenant", "kind", "outcome", TENANT)
OPERATION_WAIT: Final = Histogram(
    "operation_wait_seconds",
    "Time from a job's writing to a worker's start",
    "kind", "priority", buckets=LONG_SECONDS,
)  # fmt: skip
OPERATIONS_IN_FLIGHT: Final = Gauge(
    "operation_inflight", "Jobs in this worker's hands", "kind", TENANT
)
JOB_SECONDS: Final = Histogram(
    "job_seconds", "Time a worker had a job", "kind", "outcome", buckets=LONG_SECONDS
)

# -- pools, queues, semaphores

WORKER_SLOTS: Final = Gauge("worker_slots", "Jobs a worker may run at once", "kind")
WORKER_SLOTS_BUSY: Final = Gauge("worker_slots_busy", "Jobs it runs", "kind")
POOL_SIZE: Final = Gauge("db_pool_connections_max", "Connections a pool may open", "role")
POOL_BUSY: Final = Gauge("db_pool_connections_busy", "Connections that are lent", "role")
POOL_WAITING: Final = Gauge("db_pool_waiting", "Tasks that wait for a connection", "role")
LOOP_LAG: Final = Gauge(
    "event_loop_lag_seconds", "How late the event loop ran a timer, the worst since the last look"
)
RLS_DENIED: Final = Counter("rls_denied_total", "Statements that PostgreSQL refused for rights")
BUS_PENDING: Final = Gauge(
    "nats_consumer_pending", "Messages that no worker has finished", "stream", "consumer"
)
TEMPORAL_BACKLOG: Final = Gauge(
    "temporal_task_queue_backlog", "Tasks that wait for the orchestrator", "queue", "type"
)

# -- the fleet, as the database sees it; from the orchestrator

OUTBOX_PENDING: Final = Gauge("outbox_pending", "Rows that were not delivered yet", "kind")
OUTBOX_LAG: Final = Gauge("outbox_lag_seconds", "Age of the oldest of them", "kind")
JOBS: Final = Gauge("jobs_queued", "Jobs by lane and state", "kind", "state")
JOBS_OLDEST: Final = Gauge("jobs_oldest_seconds", "Age of the oldest job that waits", "kind")
JOBS_DEAD: Final = Gauge("jobs_dead", "Jobs that failed for good within a week", "kind")
TENANT_SHARE: Final = Gauge(
    "tenant_inflight_share", "Largest share that one tenant has of the work in hand, 0..1", "kind"
)
TENANTS_WORKING: Final = Gauge("tenants_with_work", "Tenants with work waiting or in hand")
KEYS_EXPIRING: Final = Gauge("api_keys_expiring", "Keys in use that expire within 14 days")
KEY_EXPIRY: Final = Gauge("api_key_next_expiry_seconds", "Time until the next of them does")
ERASURE_OLDEST: Final = Gauge("erasure_oldest_seconds", "Age of the oldest unfinished erasure")
PROCESSES_SILENT: Final = Gauge(
    "processes_silent", "Processes that went silent within 15 minutes, without a word", "service"
)
FLEET_LOOK: Final = Gauge("fleet_look_timestamp_seconds", "When these numbers were read")

# -- webhooks

WEBHOOK_DELAY: Final = Histogram(
    "webhook_first_attempt_delay_seconds", "From an event's commit to its first attempt's answer"
)
WEBHOOK_ATTEMPTS: Final = Counter("webhook_attempts_total", "Attempts", "result")
WEBHOOKS_IN_FLIGHT: Final = Gauge("webhook_attempts_in_flight", "Requests without their answer")
WEBHOOK_SLOTS: Final = Gauge("webhook_slots", "Attempts one process makes at once")
WEBHOOKS_DUE: Final = Gauge("webhook_endpoints_due", "Endpoints with deliveries that are due")
WEBHOOKS_FAILING: Final = Gauge("webhook_endpoints_failing", "Endpoints whose last attempt failed")

# -- models and money

LLM_CALLS: Final = Counter("llm_calls_total", "Calls by task and outcome", "task", "outcome")
LLM_SECONDS: Final = Histogram("llm_call_duration_seconds", "Length of a call", "task")
LLM_FIRST_DELTA: Final = Histogram("llm_first_delta_seconds", "Time to a stream's first piece")
LLM_IN_FLIGHT: Final = Gauge("llm_calls_in_flight", "Calls without their answer")
LLM_TOKENS: Final = Counter("llm_tokens_total", "Tokens", "direction", "model", TENANT)
LLM_COST: Final = Counter("llm_cost_usd_total", "US dollars", TENANT)
LLM_REFUSED: Final = Counter("llm_breaker_refused_total", "Calls an open breaker refused")
LLM_BREAKER_OPENED: Final = Counter("llm_breaker_opened_total", "Times a breaker opened")
LLM_BREAKERS: Final = Gauge("llm_breakers", "Endpoints with connections, by breaker", "state")
LLM_REPLIES: Final = Counter(
    "llm_replies_total", "Replies that a model was to word, by who did", "engine"
)
LLM_DRIFT: Final = Counter(
    "llm_drift_total", "What checks found in what a model said for a customer", "code"
)

# -- judging and reporting

INTEGRITY_FLAGS: Final = Counter(
    "scoring_integrity_flags_total", "Reasons to doubt a conversation or its judgment", "kind"
)
SIMULATOR_FAULTS: Final = Counter("simulator_faults_total", "What the audit found", "kind")
REPORTING_LAG: Final = Gauge("reporting_lag_seconds", "How long the oldest change waits to count")
REPORTING_BEHIND: Final = Gauge("reporting_tenants_behind", "Tenants with changes to count")
REPORT_QUESTIONS: Final = Counter("report_questions_total", "Questions", "question", "outcome")
NON_DETERMINISM: Final = Counter(
    "workflow_nondeterminism_total", "Workflow tasks whose replay took another way"
)

METRICS: Final = CATALOG
"""All of the above by name."""

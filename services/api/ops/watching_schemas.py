"""Answers about what is going on."""

from datetime import datetime
from typing import Literal

import msgspec

from shared.telemetry.measures import Kind

LaneKind = Literal["turn", "score", "batch", "flow"]


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One lane of one tenant."""

    tenant_id: str
    kind: LaneKind
    waiting: int
    """Jobs that no worker has."""
    in_flight: int
    """Jobs that a worker has a lease on."""
    dead: int
    """Jobs that failed for good."""
    oldest_age_s: float
    """Age of the oldest job that is not dead, seconds; 0 without one."""


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One lane of all tenants."""

    kind: LaneKind
    waiting: int
    in_flight: int
    dead: int
    tenants: int
    """With a job that is not dead."""
    oldest_age_s: float


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """Queues that hold anything, the worst first."""

    data: list[Queue]
    total: int
    """Queues that hold anything; `data` may be fewer."""
    fleet: list[Lane]


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds, right to within a tenth; null where nothing ended."""

    p50: float | None
    p95: float | None
    p99: float | None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What ended in the window, of one tenant and kind."""

    tenant_id: str
    kind: Kind
    """`turn`: from the learner's words to the reply. `scoring`: from its acceptance to its result.
    `webhook`: from the event to its first attempt's answer. The others: their own length.
    """
    count: int
    per_minute: float
    refused: int
    """By a limit, or for the caller's fault."""
    failed: int
    """For our fault, or a dependency's."""
    seconds: Times


class FleetLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What ended in the window, of all tenants."""

    kind: Kind
    tenants: int
    """That did any of it."""
    count: int
    per_minute: float
    refused: int
    failed: int
    seconds: Times


class LoadView(msgspec.Struct, frozen=True, kw_only=True):
    """What ended lately. Counted every ten seconds, in the minute in which it is counted."""

    since: datetime
    data: list[Load]
    total: int
    """Pairs of tenant and kind; `data` may be fewer."""
    fleet: list[FleetLoad]


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that holds or did anything lately."""

    tenant_id: str
    slug: str
    status: str
    waiting: int
    in_flight: int
    dead: int
    oldest_age_s: float
    per_minute: float
    """Of every kind together."""
    failed: int
    refused: int
    turn_p95_s: float | None
    month_usd: str
    """Spent at models this month."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process that says every ten seconds that it lives."""

    id: str
    service: str
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool
    """Seen in the last 35 seconds."""
    facts: dict[str, float]
    """Of the orchestrator: `temporal_answers` (1 or 0), and about how many workflow and activity
    tasks wait in Temporal."""


class Processes(msgspec.Struct, frozen=True, kw_only=True):
    """Every process, by service. One that stopped as it should is not listed."""

    data: list[Process]
    versions: dict[str, list[str]]
    """Of the living, by service: more than one during a rolling upgrade."""


class ConsumerLag(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consumer of the events is behind."""

    consumer: str
    tenants: int
    events: int
    oldest_age_s: float


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What NATS holds of a lane: waiting or in work."""

    stream: str
    messages: int | None
    """None: NATS did not answer, or the stream is not made yet."""
    consumers: int | None
    """One per tenant with work."""


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """What is committed and not yet delivered."""

    outbox_waiting: int
    """Events that the relay has not given their position."""
    outbox_oldest_age_s: float
    consumers: list[ConsumerLag]
    """Who is behind: reporting, webhooks, xapi. Empty: nobody."""
    streams: list[Stream]
    temporal: dict[str, float]
    """As the living orchestrators saw it last: see `facts` of processes."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Health of a webhook endpoint; its URL is the tenant's."""

    tenant_id: str
    endpoint_id: str
    status: Literal["enabled", "disabled"]
    disabled_reason: str | None
    disabled_at: datetime | None
    failing_since: datetime | None
    failures: int
    """In a row."""
    last_success_at: datetime | None
    waiting: int
    oldest_age_s: float
    latency_p95_ms: int | None
    """Of the attempts at its hundred newest deliveries."""
    last_status_code: int | None
    """None: nobody answered, or nothing was sent."""
    last_result: str | None


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Endpoints, the longest failing first."""

    data: list[Endpoint]
    total: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its indexes."""

    name: str
    bytes: int


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """What the database takes on disk."""

    bytes: int
    tables: list[Table]
    """The largest first."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at a glance; what `rapport ops top` shows."""

    at: datetime
    since: datetime
    """Begin of the window of `load` and `busy`."""
    tenants: dict[str, int]
    """How many, by state."""
    lanes: list[Lane]
    load: list[FleetLoad]
    busy: list[Busy]
    busy_total: int
    processes: list[Process]
    lag: Lag
    stuck: int
    """Things that move no more: see `/ops/v1/stuck`; at most 1,000."""
    month_usd: str
    calls_in_flight: int
    failing_endpoints: int

"""The catalogue of events: what each says in public, from one source for the feed, the webhooks,
the OpenAPI document and the pages.

Thin: ids, states and small facts. What a person wrote, a name or a key is never in an event.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.ids import format_id

Resource = Literal["simulation", "scoring", "operation", "webhook_endpoint", "report", "api_key"]

PREFIXES: Final[Mapping[Resource, str]] = {
    "simulation": "sim",
    "scoring": "scr",
    "operation": "op",
    "webhook_endpoint": "whe",
    "report": "rep",
    "api_key": "key",
}
"""Prefix of the id of a resource."""

_PATHS: Final[Mapping[Resource, str]] = {"report": "reports/documents"}
"""Where resources are read whose path is not their name with an s."""

_IDS: Final[Mapping[str, str]] = {
    "assessment_id": "asm",
    "dispute_id": "dsp",
    "team_id": "team",
    "learner_id": "lrn",
}
"""Prefix of the ids among an event's facts, by the name of the field."""


class About(Record, frozen=True, kw_only=True):
    """What every event says of its resource."""

    resource: Resource
    id: str
    """Of the resource."""
    url: str
    """Path under which the resource can be read; relative to the API's address."""


class SimulationStarted(About, frozen=True, kw_only=True):
    """A practice conversation has begun."""

    mode: str
    """`interactive` or `autopilot`."""


class TurnCompleted(About, frozen=True, kw_only=True):
    """The customer has answered."""

    seq: int
    """Of the customer's turn; even."""


class SimulationEnded(About, frozen=True, kw_only=True):
    """A practice conversation is over; scoring follows unless it failed."""

    reason: str
    """The `end_reason` of the simulation."""


class ScoringHeld(About, frozen=True, kw_only=True):
    """Somebody must say who is who before it is scored."""

    flags: tuple[str, ...]


class ScoringRolesSettled(About, frozen=True, kw_only=True):
    """Somebody said who is who."""

    roles: Literal["kept", "swapped"]


class ScoringCompleted(About, frozen=True, kw_only=True):
    """The first assessment of a conversation is there."""

    assessment_id: str
    revision: int


class ScoringFailed(About, frozen=True, kw_only=True):
    """There will be no assessment."""

    reason: str
    """Code of the failure."""


class ScoringRevised(About, frozen=True, kw_only=True):
    """Another revision of the assessment counts from now on."""

    assessment_id: str
    revision: int
    cause: str
    """`rescore`, `override` or `resolution`."""


class ScoringReviewed(About, frozen=True, kw_only=True):
    """A person acknowledged or disputed an assessment, or a dispute was resolved."""

    assessment_id: str
    dispute_id: str | None = None
    outcome: str | None = None
    """Of a resolution: `upheld` or `changed`."""


class OperationEnded(About, frozen=True, kw_only=True):
    """Long work is over."""

    status: str
    """`succeeded`, `failed` or `canceled`."""


class EndpointHealth(About, frozen=True, kw_only=True):
    """A webhook endpoint fails, was switched off for that, or works again."""

    failing_since: datetime | None = None
    reason: str | None = None
    """Of a switched-off endpoint: `failing` or `gone`."""


class ReportReady(About, frozen=True, kw_only=True):
    """The page of a team for a week can be read."""

    team_id: str
    week: str
    """Monday of the week that is over."""


class LearnerErased(About, frozen=True, kw_only=True):
    """A person was erased: forget them too. The operation is the erasure, with its receipt."""

    learner_id: str
    """Answers 404 from now on."""


class ApiKeyExpiring(About, frozen=True, kw_only=True):
    """An API key ends within seven days, and once more within one day: roll out another one."""

    expires_at: datetime


class TestPing(About, frozen=True, kw_only=True):
    """Somebody asked for a test delivery."""


class Kind(Record, frozen=True, kw_only=True):
    """One type of event."""

    resource: Resource
    data: type[About]
    example: dict[str, Any]
    """Facts of an event as they are stored, for documents and tests."""


_ASSESSMENT: Final = "01936b2e-7a1c-7cc0-8f2a-3d5e6f708192"

CATALOG: Final[Mapping[EventType, Kind]] = {
    EventType.SIMULATION_STARTED: Kind(
        resource="simulation", data=SimulationStarted, example={"mode": "interactive"}
    ),
    EventType.TURN_COMPLETED: Kind(resource="simulation", data=TurnCompleted, example={"seq": 2}),
    EventType.SIMULATION_ENDED: Kind(
        resource="simulation", data=SimulationEnded, example={"reason": "goal_met"}
    ),
    EventType.SCORING_HELD: Kind(
        resource="scoring", data=ScoringHeld, example={"flags": ["roles-look-swapped"]}
    ),
    EventType.SCORING_ROLES_SETTLED: Kind(
        resource="scoring", data=ScoringRolesSettled, example={"roles": "swapped"}
    ),
    EventType.SCORING_COMPLETED: Kind(
        resource="scoring",
        data=ScoringCompleted,
        example={"assessment_id": _ASSESSMENT, "revision": 1},
    ),
    EventType.SCORING_FAILED: Kind(
        resource="scoring", data=ScoringFailed, example={"reason": "worker-crashed"}
    ),
    EventType.SCORING_REVISED: Kind(
        resource="scoring",
        data=ScoringRevised,
        example={"assessment_id": _ASSESSMENT, "revision": 2, "cause": "override"},
    ),
    EventType.SCORING_ACKNOWLEDGED: Kind(
        resource="scoring", data=ScoringReviewed, example={"assessment_id": _ASSESSMENT}
    ),
    EventType.SCORING_DISPUTED: Kind(
        resource="scoring",
        data=ScoringReviewed,
        example={"assessment_id": _ASSESSMENT, "dispute_id": _ASSESSMENT},
    ),
    EventType.SCORING_DISPUTE_RESOLVED: Kind(
        resource="scoring",
        data=ScoringReviewed,
        example={"assessment_id": _ASSESSMENT, "dispute_id": _ASSESSMENT, "outcome": "upheld"},
    ),
    EventType.OPERATION_ENDED: Kind(
        resource="operation", data=OperationEnded, example={"status": "succeeded"}
    ),
    EventType.ENDPOINT_WARNING: Kind(
        resource="webhook_endpoint",
        data=EndpointHealth,
        example={"failing_since": "2026-11-19T08:00:00Z"},
    ),
    EventType.ENDPOINT_DISABLED: Kind(
        resource="webhook_endpoint",
        data=EndpointHealth,
        example={"failing_since": "2026-11-17T08:00:00Z", "reason": "failing"},
    ),
    EventType.ENDPOINT_RECOVERED: Kind(
        resource="webhook_endpoint", data=EndpointHealth, example={}
    ),
    EventType.REPORT_READY: Kind(
        resource="report",
        data=ReportReady,
        example={"team_id": _ASSESSMENT, "week": "2026-11-16"},
    ),
    EventType.LEARNER_ERASED: Kind(
        resource="operation", data=LearnerErased, example={"learner_id": _ASSESSMENT}
    ),
    EventType.API_KEY_EXPIRING: Kind(
        resource="api_key", data=ApiKeyExpiring, example={"expires_at": "2026-11-27T09:30:00Z"}
    ),
    EventType.TEST_PING: Kind(resource="webhook_endpoint", data=TestPing, example={}),
}
"""Every type of event; a type is never renamed, a schema only grows."""


class PublicEvent(Record, frozen=True, kw_only=True):
    """An event as partners see it, over the feed and over webhooks."""

    id: str
    """The same over every channel and every retry: what a consumer drops duplicates by."""
    type: str
    timestamp: datetime
    """When it happened, UTC."""
    sequence: int
    """Order within the resource, from 1, without gaps; a simulation and its scoring count as one.
    0 for a test, which is in no feed.
    """
    position: int
    """Order within the tenant, from 1, without gaps: where `GET /v1/events?after=` goes on. 0 for a
    test.
    """
    data: dict[str, Any]
    """By the schema of the type."""


def public_event(
    *,
    event_id: UUID,
    event_type: EventType,
    resource_id: UUID,
    sequence: int,
    position: int,
    occurred_at: datetime,
    facts: dict[str, Any],
) -> PublicEvent:
    """Return an event as partners see it; `facts` are its stored data."""
    return PublicEvent(
        id=format_id("evt", event_id),
        type=event_type.value,
        timestamp=occurred_at.astimezone(UTC),
        sequence=sequence,
        position=position,
        data=public_data(event_type, resource_id, facts),
    )


def resource_path(resource: Resource) -> str:
    """Return the path under `/v1/` that resources of a kind have in common."""
    return _PATHS.get(resource, f"{resource}s")


def public_data(event_type: EventType, resource_id: UUID, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the `data` of an event: its resource, and its facts with public ids."""
    kind = CATALOG[event_type]
    resource_text = format_id(PREFIXES[kind.resource], resource_id)
    data = {
        "resource": kind.resource,
        "id": resource_text,
        "url": f"/v1/{resource_path(kind.resource)}/{resource_text}",
    }
    for name, value in facts.items():
        prefix = _IDS.get(name)
        is_id = prefix is not None and value is not None
        data[name] = format_id(prefix or "", UUID(value)) if is_id else value
    return data

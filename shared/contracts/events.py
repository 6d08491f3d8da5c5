"""Events: things that happened, with ids and small facts."""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from shared.contracts.base import Record


class EventType(StrEnum):
    """`<resource>.<what>`; never renamed."""

    SIMULATION_STARTED = "simulation.started"
    TURN_COMPLETED = "turn.completed"
    SIMULATION_ENDED = "simulation.ended"
    SCORING_HELD = "scoring.held"
    SCORING_ROLES_SETTLED = "scoring.roles_settled"
    SCORING_COMPLETED = "scoring.completed"
    SCORING_FAILED = "scoring.failed"
    SCORING_REVISED = "scoring.revised"
    SCORING_ACKNOWLEDGED = "scoring.acknowledged"
    SCORING_DISPUTED = "scoring.disputed"
    SCORING_DISPUTE_RESOLVED = "scoring.dispute_resolved"
    OPERATION_ENDED = "operation.ended"
    ENDPOINT_WARNING = "endpoint.warning"
    ENDPOINT_DISABLED = "endpoint.disabled"
    ENDPOINT_RECOVERED = "endpoint.recovered"
    REPORT_READY = "report.ready"
    LEARNER_ERASED = "learner.erased"
    API_KEY_EXPIRING = "api_key.expiring"
    TEST_PING = "test.ping"


class EventHeader(Record, frozen=True, kw_only=True):
    """What is published to the stream `EVENTS` once an event has its position; no text, no
    numbers.
    """

    tenant_id: UUID
    event_id: UUID
    type: str
    resource_id: UUID
    sequence: int
    """Order within the resource, from 1, without gaps."""
    position: int
    """Order within the tenant, from 1, without gaps; what consumers read by."""


class ScoringHeld(Record, frozen=True, kw_only=True):
    """Data of `scoring.held`: somebody must say who is who before it is scored."""

    flags: tuple[str, ...]


class ScoringRolesSettled(Record, frozen=True, kw_only=True):
    """Data of `scoring.roles_settled`: somebody said who is who."""

    roles: Literal["kept", "swapped"]


class ScoringCompleted(Record, frozen=True, kw_only=True):
    """Data of `scoring.completed`."""

    assessment_id: UUID
    revision: int


class ScoringRevised(Record, frozen=True, kw_only=True):
    """Data of `scoring.revised`: a later revision counts from now on."""

    assessment_id: UUID
    revision: int
    cause: str
    """`rescore`, `override` or `resolution`."""


class ScoringReviewed(Record, frozen=True, kw_only=True):
    """Data of `scoring.acknowledged`, `scoring.disputed` and `scoring.dispute_resolved`."""

    assessment_id: UUID
    """The revision it is about; of a resolution, the one that counts afterwards."""
    dispute_id: UUID | None = None
    outcome: str | None = None
    """Of a resolution: `upheld` or `changed`."""


class ReportReady(Record, frozen=True, kw_only=True):
    """Data of `report.ready`: a team's page of a week can be read."""

    team_id: UUID
    week: str
    """Monday of the week, ISO 8601."""


class ApiKeyExpiring(Record, frozen=True, kw_only=True):
    """Data of `api_key.expiring`: an API key ends in a week, or in a day."""

    expires_at: datetime

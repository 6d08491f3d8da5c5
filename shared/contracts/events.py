"""Events: things that happened, with ids and small facts."""

from enum import StrEnum
from uuid import UUID

from shared.contracts.base import Record


class EventType(StrEnum):
    """`<resource>.<what>`; never renamed."""

    SIMULATION_STARTED = "simulation.started"
    TURN_COMPLETED = "turn.completed"
    SIMULATION_ENDED = "simulation.ended"
    SCORING_COMPLETED = "scoring.completed"
    SCORING_FAILED = "scoring.failed"
    OPERATION_ENDED = "operation.ended"


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


class ScoringCompleted(Record, frozen=True, kw_only=True):
    """Data of `scoring.completed`."""

    assessment_id: UUID
    revision: int

"""What the database holds about conversations handed in and their scorings, opened."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.api.assessments.records import RubricPin, Source
from shared.contracts.base import Record
from shared.contracts.scoring import TranscriptTurn
from shared.intake.taking import Flag

ConversationSource = Literal["call", "chat", "email"]
Status = Literal["held", "queued", "running", "completed", "failed"]
Roles = Literal["as_sent", "kept", "swapped"]


class Contact(Record, frozen=True, kw_only=True):
    """How a contact went by the partner's own counting; None: nobody said. Times in seconds."""

    talk_s: int | None = None
    hold_s: int | None = None
    after_work_s: int | None = None
    handle_time_s: int | None = None
    """As handed in, else talk, hold and after-work together; None without talk."""
    is_first_contact: bool | None = None
    """Whether the customer came with this reason for the first time."""
    is_resolved: bool | None = None
    is_transferred: bool | None = None


class HandedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as its sender describes it; not stored yet."""

    turns: tuple[TranscriptTurn, ...]
    language: str
    source: ConversationSource
    external_id: str | None
    learner_id: UUID
    occurred_at: datetime | None
    """None: now."""
    rubric: str
    """Slug."""
    metadata: dict[str, str]
    contact: Contact | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that was handed in."""

    conversation_id: UUID
    external_id: str | None
    """None as well when the learner was erased: the key is gone."""
    turn_count: int
    language: str
    roles: Roles
    flags: tuple[Flag, ...]
    contact: Contact | None = None


class Scoring(msgspec.Struct, frozen=True, kw_only=True):
    """A request to score a conversation."""

    scoring_id: UUID
    learner_id: UUID
    heard: Heard | None
    """None for simulations."""
    simulation_id: UUID | None
    operation_id: UUID | None
    """The request with many conversations that it came with."""
    rubric: RubricPin
    source: Source
    status: Status
    failure_code: str | None
    assessment_id: UUID | None
    occurred_at: datetime
    created_at: datetime
    finished_at: datetime | None
    metadata: dict[str, str]
    """Empty as well when the learner was erased: the key is gone."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a conversation stands in a request with many."""

    operation_id: UUID
    item: int
    """From 0."""


class NewScoring(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored when a conversation is handed in."""

    scoring_id: UUID
    conversation_id: UUID
    learner_id: UUID
    rubric: RubricPin
    source: ConversationSource
    external_id: bytes | None
    """Sealed."""
    external_id_hash: bytes | None
    turns: bytes
    """Sealed."""
    turn_count: int
    language: str
    flags: tuple[Flag, ...]
    status: Literal["held", "queued"]
    workflow_id: str | None
    """Set when no workflow may take it."""
    place: Place | None
    metadata: bytes | None
    """Sealed."""
    occurred_at: datetime
    at: datetime
    contact: Contact | None = None

"""What the database holds about assessments and their reviews, opened."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.contracts.scoring import JudgeResult, SkillStatus
from shared.db.sealed import SealKey

Source = Literal["simulation", "call", "chat", "email"]
Origin = Literal["judge", "human"]
Cause = Literal["scoring", "rescore", "override", "resolution"]
DisputeStatus = Literal["open", "upheld", "changed"]
EntryKind = Literal[
    "scored",
    "rescored",
    "overridden",
    "acknowledged",
    "disputed",
    "resolved",
    "rescore_requested",
    "rescore_failed",
]


class RubricPin(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric version."""

    rubric_id: UUID
    slug: str
    version: int


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A revision, opened."""

    assessment_id: UUID
    scoring_id: UUID
    learner_id: UUID
    simulation_id: UUID | None
    conversation_id: UUID | None
    source: Source
    rubric: RubricPin
    revision: int
    origin: Origin
    cause: Cause
    is_latest: bool
    result: JudgeResult
    occurred_at: datetime
    created_at: datetime


class SkillNumber(msgspec.Struct, frozen=True, kw_only=True):
    """One skill of an assessment, without words."""

    skill: str
    status: SkillStatus
    score: int | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A revision without its words, for lists."""

    assessment_id: UUID
    scoring_id: UUID
    learner_id: UUID
    simulation_id: UUID | None
    conversation_id: UUID | None
    source: Source
    rubric: RubricPin
    revision: int
    origin: Origin
    cause: Cause
    is_latest: bool
    overall: int | None
    skills: tuple[SkillNumber, ...]
    occurred_at: datetime
    created_at: datetime


class RevisionItem(msgspec.Struct, frozen=True, kw_only=True):
    """A revision without its words."""

    assessment_id: UUID
    revision: int
    origin: Origin
    cause: Cause
    is_latest: bool
    overall: int | None
    rubric: RubricPin
    engine_version: str
    created_at: datetime


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A scoring with what a review of it needs; under its row lock where something changes."""

    scoring_id: UUID
    learner_id: UUID
    latest_id: UUID
    simulation_id: UUID | None
    rubric_id: UUID
    rubric_version: int
    key: SealKey
    dispute_window_h: int
    dispute_answer_h: int


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something: the key, and whom the caller says it acts for."""

    key_id: UUID
    name: str | None
    hash: bytes | None
    """Keyed hash of the name, to compare without opening; None without a name."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: datetime
    kind: EntryKind
    assessment_id: UUID
    revision: int | None
    """None while a second judgment is on its way."""
    dispute_id: UUID | None
    codes: tuple[str, ...]
    key_id: UUID | None
    actor: str | None
    comment: str | None


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute, opened."""

    dispute_id: UUID
    scoring_id: UUID
    learner_id: UUID
    assessment_id: UUID
    status: DisputeStatus
    reason_code: str
    criteria: tuple[str, ...]
    comment: str | None
    """None once the learner was erased."""
    key_id: UUID
    actor_hash: bytes | None
    opened_at: datetime
    due_at: datetime
    resolved_at: datetime | None
    result_id: UUID | None

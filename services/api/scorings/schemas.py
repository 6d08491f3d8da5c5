"""Requests and answers of `/v1/scorings` and `/v1/assessments`."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from services.api.fields import ExternalId, LearnerId, Slug, public, utc
from services.api.paging import PageQuery
from services.api.scorings.repository import (
    Assessment,
    ConversationSource,
    RubricPin,
    Scoring,
    Source,
    Status,
)
from services.api.validation import RuleError, broken
from shared.contracts.scoring import Advice, CriterionResult, Metrics, SkillScore, TranscriptTurn
from shared.errors import FieldError
from shared.ids import format_id

MAX_TURNS = 500
"""Turns of one conversation."""

MAX_TEXT = 8000
"""Characters of one turn."""

MAX_MS = 7 * 24 * 3600 * 1000
"""A conversation lasts a week at most."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Anything before is a mistake of the sender."""

Milliseconds = Annotated[
    int, msgspec.Meta(ge=0, le=MAX_MS, description="Since the start of the conversation.")
]


class ConversationTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one side said."""

    role: Literal["agent", "customer"]
    """`agent` is the person who is scored."""
    text: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=MAX_TEXT)]
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None

    def __post_init__(self) -> None:
        if self.start_ms is not None and self.end_ms is not None and self.end_ms < self.start_ms:
            raise RuleError(broken("/end_ms", "out-of-order", "A turn ends after it starts"))


class ConversationCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation that happened."""

    turns: Annotated[tuple[ConversationTurn, ...], msgspec.Meta(min_length=1, max_length=MAX_TURNS)]
    source: ConversationSource
    external_id: ExternalId | None = None

    def __post_init__(self) -> None:
        if all(turn.role == "customer" for turn in self.turns):
            raise RuleError(broken("/turns", "agent-missing", "Someone must be scored: no agent"))

    def transcript(self) -> tuple[TranscriptTurn, ...]:
        """Return the turns with the ids `t1`, `t2`, ... that evidence will cite."""
        return tuple(
            TranscriptTurn(
                id=f"t{number}",
                role=turn.role,
                text=turn.text,
                start_ms=turn.start_ms,
                end_ms=turn.end_ms,
            )
            for number, turn in enumerate(self.turns, start=1)
        )


class ScoringCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Score a conversation."""

    conversation: ConversationCreate
    learner_id: LearnerId
    occurred_at: Annotated[
        Annotated[datetime, msgspec.Meta(tz=True)] | None,
        msgspec.Meta(description="When it happened, with a time zone; now when absent."),
    ] = None
    rubric: Annotated[Slug, msgspec.Meta(description="Slug; the newest version is used.")] = (
        "general"
    )

    def __post_init__(self) -> None:
        if self.occurred_at is not None and self.occurred_at < EARLIEST:
            raise RuleError(broken("/occurred_at", "out-of-range", "This is before the year 2000"))


class ScoringQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    learner_id: LearnerId | None = None
    status: Status | None = None


class RubricView(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric version."""

    id: str
    slug: str
    version: int

    @classmethod
    def of(cls, pin: RubricPin) -> "RubricView":
        """Return the public form."""
        return cls(id=format_id("rub", pin.rubric_id), slug=pin.slug, version=pin.version)


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that was handed in; its text is not shown again."""

    id: str
    external_id: str | None
    turn_count: int


class ScoringView(msgspec.Struct, frozen=True, kw_only=True):
    """A request to score a conversation."""

    id: str
    status: Status
    failure_code: str | None
    learner_id: str
    source: Source
    conversation: ConversationView | None
    simulation_id: str | None
    """Exactly one of conversation and simulation is set."""
    rubric: RubricView
    assessment_id: str | None
    """The result, once completed."""
    occurred_at: datetime
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, scoring: Scoring) -> "ScoringView":
        """Return the public form."""
        conversation = None
        if scoring.conversation_id is not None:
            conversation = ConversationView(
                id=format_id("conv", scoring.conversation_id),
                external_id=scoring.external_id,
                turn_count=scoring.turn_count or 0,
            )
        return cls(
            id=format_id("scr", scoring.scoring_id),
            status=scoring.status,
            failure_code=scoring.failure_code,
            learner_id=format_id("lrn", scoring.learner_id),
            source=scoring.source,
            conversation=conversation,
            simulation_id=public("sim", scoring.simulation_id),
            rubric=RubricView.of(scoring.rubric),
            assessment_id=public("asm", scoring.assessment_id),
            occurred_at=utc(scoring.occurred_at),
            created_at=utc(scoring.created_at),
            finished_at=None if scoring.finished_at is None else utc(scoring.finished_at),
        )


class AssessmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge says, with quotes; never changed afterwards."""

    id: str
    scoring_id: str
    simulation_id: str | None
    conversation_id: str | None
    learner_id: str
    source: Source
    rubric: RubricView
    revision: int
    overall: int | None
    """0..100; None when too little could be observed."""
    criteria: tuple[CriterionResult, ...]
    skills: tuple[SkillScore, ...]
    metrics: Metrics
    advice: tuple[Advice, ...]
    next_practice: str | None
    flags: tuple[str, ...]
    engine: str
    engine_version: str
    occurred_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, assessment: Assessment) -> "AssessmentView":
        """Return the public form."""
        result = assessment.result
        return cls(
            id=format_id("asm", assessment.assessment_id),
            scoring_id=format_id("scr", assessment.scoring_id),
            simulation_id=public("sim", assessment.simulation_id),
            conversation_id=public("conv", assessment.conversation_id),
            learner_id=format_id("lrn", assessment.learner_id),
            source=assessment.source,
            rubric=RubricView.of(assessment.rubric),
            revision=assessment.revision,
            overall=result.overall,
            criteria=result.criteria,
            skills=result.skills,
            metrics=result.metrics,
            advice=result.advice,
            next_practice=result.next_practice,
            flags=result.flags,
            engine=result.engine,
            engine_version=result.engine_version,
            occurred_at=utc(assessment.occurred_at),
            created_at=utc(assessment.created_at),
        )


def too_late(occurred_at: datetime) -> FieldError:
    """Name a time that has not come yet."""
    return broken("/occurred_at", "in-the-future", f"{occurred_at.isoformat()} has not come yet")

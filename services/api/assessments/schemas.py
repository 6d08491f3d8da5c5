"""Requests and answers of `/v1/assessments`, `/v1/disputes` and the review of a scoring."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.api.assessments.records import (
    Assessment,
    Cause,
    Dispute,
    DisputeStatus,
    Entry,
    EntryKind,
    Origin,
    RevisionItem,
    RubricPin,
    Source,
)
from services.api.assessments.service import Rescored
from services.api.fields import Slug, public, utc
from services.api.notices import UseNoticeView
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.contracts.llm import WhyEmbedded
from shared.contracts.rubric import Key, Score
from shared.contracts.scoring import (
    Advice,
    BehaviorScore,
    CriterionResult,
    FormResult,
    Interval,
    Metrics,
    ModelJudging,
    Practice,
    Provenance,
    RenderingNote,
    RootScore,
    SkillScore,
)
from shared.ids import format_id
from shared.scorecard.overriding import Change

MAX_CHANGES = 100
MAX_REVISION = 1_000_000

Code = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]*$", max_length=60)]
Comment = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=4000)]
ActorName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"\S",
        max_length=200,
        description="Your own stable id of the person on whose behalf this is done.",
    ),
]


class RubricView(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric version."""

    id: str
    slug: str
    version: int

    @classmethod
    def of(cls, pin: RubricPin) -> "RubricView":
        """Return the public form."""
        return cls(id=format_id("rub", pin.rubric_id), slug=pin.slug, version=pin.version)


class ChangeWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's answer to one criterion."""

    key: Key
    score: Score | None = None
    not_applicable: bool = False
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""

    def __post_init__(self) -> None:
        if (self.score is None) != self.not_applicable:
            detail = "Give a score, or say that the criterion does not apply: one of the two"
            raise RuleError(broken("/score", "exactly-one", detail))

    def change(self) -> Change:
        """Return what the arithmetic takes."""
        return Change(key=self.key, score=self.score, comment=self.comment)


Changes = Annotated[tuple[ChangeWrite, ...], msgspec.Meta(min_length=1, max_length=MAX_CHANGES)]


class OverrideCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put a person's scores in place of the judge's; both stay."""

    criteria: Changes
    reason_code: Code
    expected_revision: Annotated[
        int,
        msgspec.Meta(ge=1, le=MAX_REVISION, description="The revision that you have read."),
    ]
    actor: ActorName | None = None


class AcknowledgmentCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say that somebody has read it."""

    actor: ActorName | None = None


class DisputeCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contest an assessment."""

    reason_code: Code
    comment: Comment
    criteria: Annotated[tuple[Key, ...], msgspec.Meta(max_length=MAX_CHANGES)] = ()
    """What it is about; empty: the whole."""
    actor: ActorName | None = None


class ResolutionCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answer a dispute."""

    outcome: Literal["upheld", "changed"]
    comment: Comment
    criteria: Annotated[tuple[ChangeWrite, ...], msgspec.Meta(max_length=MAX_CHANGES)] = ()
    """What changes; only with `changed`."""
    actor: ActorName | None = None

    def __post_init__(self) -> None:
        if (self.outcome == "changed") != bool(self.criteria):
            detail = "`changed` names at least one criterion, `upheld` none"
            raise RuleError(broken("/criteria", "does-not-fit", detail))


class RescoreCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Judge a conversation again."""

    rubric: Annotated[
        Slug | None, msgspec.Meta(description="Slug; that of the latest revision when absent.")
    ] = None
    version: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=MAX_REVISION)] | None,
        msgspec.Meta(description="The newest when absent."),
    ] = None
    actor: ActorName | None = None


class DisputeQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    status: DisputeStatus | None = None
    due_before: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class AssessmentView(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of what is said about a conversation, with quotes; never changed afterwards."""

    id: str
    scoring_id: str
    simulation_id: str | None
    conversation_id: str | None
    learner_id: str
    source: Source
    rubric: RubricView
    revision: int
    origin: Origin
    """`human`: a person changed scores; each changed criterion says what stood there before."""
    cause: Cause
    is_latest: bool
    """Whether this is the revision that counts."""
    overall: int | None
    """0..100; None when too little could be observed."""
    interval: Interval | None
    confidence: int
    criteria: tuple[CriterionResult, ...]
    skills: tuple[SkillScore, ...]
    roots: tuple[RootScore, ...]
    form: FormResult | None
    behaviors: tuple[BehaviorScore, ...]
    metrics: Metrics
    advice: tuple[Advice, ...]
    next_practice: str | None
    practice: Practice | None
    needs_review: tuple[str, ...]
    """Why a person should look before anything is decided; empty: no reason."""
    flags: tuple[str, ...]
    engine: str
    engine_version: str
    provenance: Provenance | None
    why: WhyEmbedded | None
    """Why a language model answered not everything that it was to be asked, or nothing."""
    model: ModelJudging | None
    """How a language model took part; null: it was not wanted."""
    appraisal: Literal["embedded", "model"]
    """Who read what was said: `model` in other languages than English, judged by its English."""
    rendering: RenderingNote | None
    """How a conversation in another language came to be judged, or why it was not."""
    use_notice: UseNoticeView
    occurred_at: datetime
    created_at: datetime

    @classmethod
    def of(cls, assessment: Assessment, hidden: frozenset[str]) -> "AssessmentView":
        """Return the public form, without the skills that the tenant hides."""
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
            origin=assessment.origin,
            cause=assessment.cause,
            is_latest=assessment.is_latest,
            overall=result.overall,
            interval=result.interval,
            confidence=result.confidence,
            criteria=result.criteria,
            skills=tuple(each for each in result.skills if each.skill not in hidden),
            roots=result.roots,
            form=result.form,
            behaviors=result.behaviors,
            metrics=result.metrics,
            advice=result.advice,
            next_practice=result.next_practice,
            practice=result.practice,
            needs_review=result.needs_review,
            flags=result.flags,
            engine=result.engine,
            engine_version=result.engine_version,
            provenance=result.provenance,
            why=result.why,
            model=result.model,
            appraisal=result.appraisal or "embedded",
            rendering=result.rendering,
            use_notice=UseNoticeView.of(result.rendering.language if result.rendering else "en"),
            occurred_at=utc(assessment.occurred_at),
            created_at=utc(assessment.created_at),
        )


class RevisionView(msgspec.Struct, frozen=True, kw_only=True):
    """A revision without its words."""

    id: str
    revision: int
    origin: Origin
    cause: Cause
    is_latest: bool
    overall: int | None
    rubric: RubricView
    engine_version: str
    created_at: datetime

    @classmethod
    def of(cls, item: RevisionItem) -> "RevisionView":
        """Return the public form."""
        return cls(
            id=format_id("asm", item.assessment_id),
            revision=item.revision,
            origin=item.origin,
            cause=item.cause,
            is_latest=item.is_latest,
            overall=item.overall,
            rubric=RubricView.of(item.rubric),
            engine_version=item.engine_version,
            created_at=utc(item.created_at),
        )


class RevisionsView(msgspec.Struct, frozen=True, kw_only=True):
    """All revisions of a scoring, oldest first."""

    data: list[RevisionView]


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: datetime
    kind: EntryKind
    assessment_id: str
    revision: int | None
    """None while a second judgment is on its way."""
    dispute_id: str | None
    codes: tuple[str, ...]
    """Reason codes, criteria, rubric and version, outcome: as the kind has it."""
    key_id: str | None
    """The API key that did it; None for the product itself."""
    actor: str | None
    comment: str | None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        """Return the public form."""
        return cls(
            at=utc(entry.at),
            kind=entry.kind,
            assessment_id=format_id("asm", entry.assessment_id),
            revision=entry.revision,
            dispute_id=public("dsp", entry.dispute_id),
            codes=entry.codes,
            key_id=public("key", entry.key_id),
            actor=entry.actor,
            comment=entry.comment,
        )


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a scoring, oldest first; at most 1,000 lines."""

    data: list[EntryView]


class AcknowledgmentView(msgspec.Struct, frozen=True, kw_only=True):
    """That it was read."""

    assessment_id: str
    acknowledged: bool

    @classmethod
    def of(cls, assessment_id: UUID) -> "AcknowledgmentView":
        """Return the public form."""
        return cls(assessment_id=format_id("asm", assessment_id), acknowledged=True)


class DisputeView(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute."""

    id: str
    scoring_id: str
    assessment_id: str
    """The revision that is disputed."""
    learner_id: str
    status: DisputeStatus
    reason_code: str
    criteria: tuple[str, ...]
    comment: str | None
    opened_at: datetime
    due_at: datetime
    """When an answer is due."""
    resolved_at: datetime | None
    result_id: str | None
    """The revision that counts after the answer."""

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeView":
        """Return the public form."""
        return cls(
            id=format_id("dsp", dispute.dispute_id),
            scoring_id=format_id("scr", dispute.scoring_id),
            assessment_id=format_id("asm", dispute.assessment_id),
            learner_id=format_id("lrn", dispute.learner_id),
            status=dispute.status,
            reason_code=dispute.reason_code,
            criteria=dispute.criteria,
            comment=dispute.comment,
            opened_at=utc(dispute.opened_at),
            due_at=utc(dispute.due_at),
            resolved_at=None if dispute.resolved_at is None else utc(dispute.resolved_at),
            result_id=public("asm", dispute.result_id),
        )


class RescoreView(msgspec.Struct, frozen=True, kw_only=True):
    """A second judgment on its way; poll the assessment until it is there."""

    scoring_id: str
    assessment_id: str
    """What the revision will be called."""
    rubric: RubricView
    replaces_override: bool
    """Whether people had changed the revision that counts now; it stays readable."""

    @classmethod
    def of(cls, rescored: Rescored) -> "RescoreView":
        """Return the public form."""
        return cls(
            scoring_id=format_id("scr", rescored.scoring_id),
            assessment_id=format_id("asm", rescored.assessment_id),
            rubric=RubricView.of(rescored.rubric),
            replaces_override=rescored.replaces_override,
        )

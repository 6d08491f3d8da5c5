"""Requests and answers of `/v1/surveys` and `/v1/survey_forms`."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from services.api.fields import ExternalId, LearnerId, Slug, public, utc
from services.api.paging import PageQuery
from services.api.surveys.forms import Asked, Kind, SurveyForm, usual_positive
from services.api.surveys.records import Delivered, Survey
from services.api.validation import RuleError, broken
from shared.ids import format_id, parse_id

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Anything before is a mistake of the sender."""

MAX_BATCH = 1000
"""Surveys of one request."""

ConversationId = Annotated[
    str, msgspec.Meta(pattern="^conv_[0-7][0-9a-hjkmnp-tv-z]{25}$", max_length=31)
]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
ScalePoint = Annotated[int, msgspec.Meta(ge=0, le=100)]


class SurveyCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A survey that was delivered, with its answer if there is one."""

    form: Annotated[Slug, msgspec.Meta(description="Which survey: one of `/v1/survey_forms`.")]
    learner_id: Annotated[
        LearnerId | None,
        msgspec.Meta(description="Who had the contact; taken from the conversation when absent."),
    ] = None
    conversation_id: Annotated[
        ConversationId | None,
        msgspec.Meta(description="A conversation that was handed in; it counts on its day."),
    ] = None
    external_id: ExternalId | None = None
    score: Annotated[
        ScalePoint | None,
        msgspec.Meta(description="On the form's own scale; null while nobody has answered."),
    ] = None
    delivered_at: Annotated[Moment | None, msgspec.Meta(description="Now when absent.")] = None
    answered_at: Moment | None = None

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", "This is before the year 2000")
            for name, moment in (
                ("delivered_at", self.delivered_at),
                ("answered_at", self.answered_at),
            )
            if moment is not None and moment < EARLIEST
        ]
        if self.learner_id is None and self.conversation_id is None:
            errors.append(broken("/learner_id", "missing", "Name a learner or a conversation"))
        if self.answered_at is not None and self.score is None:
            errors.append(broken("/score", "missing", "An answer has a score"))
        if self.answered_at and self.delivered_at and self.answered_at < self.delivered_at:
            detail = "An answer comes after its survey was delivered"
            errors.append(broken("/answered_at", "out-of-order", detail))
        if errors:
            raise RuleError(*errors)

    def delivered(self) -> Delivered:
        """Return what is handed in."""
        conversation = self.conversation_id
        return Delivered(
            form=self.form,
            learner_id=None if self.learner_id is None else parse_id("lrn", self.learner_id),
            conversation_id=None if conversation is None else parse_id("conv", conversation),
            external_id=self.external_id,
            score=self.score,
            delivered_at=self.delivered_at,
            answered_at=self.answered_at,
        )


class SurveyInBatch(SurveyCreate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A survey among many: your own id makes a repeat harmless."""

    external_id: ExternalId


class SurveyBatchCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hand in many surveys."""

    surveys: Annotated[tuple[SurveyInBatch, ...], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]


class SurveyQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    learner_id: LearnerId | None = None
    conversation_id: ConversationId | None = None
    form: Slug | None = None
    external_id: ExternalId | None = None


class ScaleView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ends of a scale, both inclusive."""

    low: ScalePoint
    high: ScalePoint


class FormPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of survey; once it is there, only `positive` can change."""

    kind: Kind
    scale: ScaleView
    positive: Annotated[
        Annotated[tuple[ScalePoint, ...], msgspec.Meta(max_length=101)] | None,
        msgspec.Meta(description="CSAT: values that count as positive. Fixed for NPS and CES."),
    ] = None
    asked: Annotated[
        Asked,
        msgspec.Meta(description="`learner`: about practice; not among customer outcomes."),
    ] = "customer"

    def form(self, slug: str) -> SurveyForm:
        """Return what the service takes; positive values as they were sent."""
        return SurveyForm(
            form=slug,
            kind=self.kind,
            asked=self.asked,
            low=self.scale.low,
            high=self.scale.high,
            positive=usual_positive(self.kind) if self.positive is None else self.positive,
        )


class FormView(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of survey."""

    form: str
    kind: Kind
    asked: Asked
    scale: ScaleView
    positive: tuple[int, ...]
    """Values that count as positive; of NPS the promoters."""

    @classmethod
    def of(cls, form: SurveyForm) -> "FormView":
        """Return the public form."""
        return cls(
            form=form.form,
            kind=form.kind,
            asked=form.asked,
            scale=ScaleView(low=form.low, high=form.high),
            positive=form.positive,
        )


class FormList(msgspec.Struct, frozen=True, kw_only=True):
    """All kinds of surveys of a tenant."""

    data: tuple[FormView, ...]


class SurveyView(msgspec.Struct, frozen=True, kw_only=True):
    """A survey."""

    id: str
    form: FormView
    learner_id: str
    conversation_id: str | None
    external_id: str | None
    score: int | None
    """On the form's own scale; null while nobody has answered."""
    delivered_at: datetime
    answered_at: datetime | None
    happened_at: datetime
    """When it counts: the conversation's time, else when it was delivered."""
    created_at: datetime

    @classmethod
    def of(cls, survey: Survey) -> "SurveyView":
        """Return the public form."""
        answered = survey.answered_at
        return cls(
            id=format_id("svy", survey.survey_id),
            form=FormView.of(survey.form),
            learner_id=format_id("lrn", survey.learner_id),
            conversation_id=public("conv", survey.conversation_id),
            external_id=survey.external_id,
            score=survey.score,
            delivered_at=utc(survey.delivered_at),
            answered_at=None if answered is None else utc(answered),
            happened_at=utc(survey.happened_at),
            created_at=utc(survey.created_at),
        )


class SurveyItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One survey of a request."""

    survey_id: str
    external_id: str


class SurveyBatchView(msgspec.Struct, frozen=True, kw_only=True):
    """Many surveys that came in one request."""

    surveys: tuple[SurveyItemView, ...]
    """In the order of the request."""

"""What the database holds about surveys, opened."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.api.surveys.forms import SurveyForm


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A survey as its sender describes it; not stored yet."""

    form: str
    """Slug."""
    learner_id: UUID | None
    """None: whose conversation it is."""
    conversation_id: UUID | None
    external_id: str | None
    score: int | None
    """None while there is no answer."""
    delivered_at: datetime | None
    """None: now."""
    answered_at: datetime | None
    """None with a score: when it was delivered, or now if nobody says when that was."""


class NewSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a survey."""

    survey_id: UUID
    form: SurveyForm
    learner_id: UUID
    conversation_id: UUID | None
    external_id: bytes | None
    """Sealed by the learner's key."""
    external_id_hash: bytes | None
    score: int | None
    delivered_at: datetime
    answered_at: datetime | None
    happened_at: datetime
    """Of the conversation, else of the delivery."""


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """A survey, opened."""

    survey_id: UUID
    form: SurveyForm
    learner_id: UUID
    conversation_id: UUID | None
    external_id: str | None
    """None as well when the learner was erased: the key is gone."""
    score: int | None
    delivered_at: datetime
    answered_at: datetime | None
    happened_at: datetime
    created_at: datetime

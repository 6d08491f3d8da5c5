"""From surveys as they were sent to the rows that are stored: forms and people, ids sealed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.surveys.forms import SurveyForm, merged
from services.api.surveys.records import Delivered, NewSurvey
from services.api.surveys.repository import EXTERNAL_ID, Heard, SurveyRepository
from services.api.validation import broken
from shared.db.sealed import SealKey, TenantKey
from shared.errors import FieldError

NOT_FOUND = "not-found"

Errors = tuple[FieldError, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What surveys of one request may name."""

    forms: Mapping[str, SurveyForm]
    learners: Mapping[UUID, SealKey]
    """Those that the caller may see."""
    conversations: Mapping[UUID, Heard]


async def look_up(repository: SurveyRepository, sent: Sequence[Delivered]) -> Known:
    """Read everything that the surveys name."""
    heard = await repository.find_conversations(
        list({one.conversation_id for one in sent if one.conversation_id is not None})
    )
    people = {one.learner_id for one in sent if one.learner_id is not None}
    people |= {each.learner_id for each in heard.values()}
    learners = await repository.find_learner_keys(sorted(people))
    return Known(
        forms={each.form: each for each in merged(await repository.own_forms())},
        learners=learners,
        conversations={
            conversation_id: each
            for conversation_id, each in heard.items()
            if each.learner_id in learners
        },
    )


class Sealer:
    """Makes the rows of surveys in one transaction."""

    def __init__(self, context: ProcessContext, tenant: TenantKey, known: Known) -> None:
        self._context = context
        self._tenant = tenant
        self._known = known
        self._now = context.clock.now()

    def row(self, sent: Delivered) -> NewSurvey:
        """Return the row of a survey that `wrong` found nothing wrong with."""
        heard = self._heard(sent)
        learner_id = heard.learner_id if heard else sent.learner_id
        if learner_id is None:
            raise AssertionError("a survey is about a learner or a conversation")
        survey_id = self._context.ids.new()
        key, external_id = self._known.learners[learner_id], sent.external_id
        delivered_at, answered_at = _moments(sent, self._now)
        return NewSurvey(
            survey_id=survey_id,
            form=self._known.forms[sent.form],
            learner_id=learner_id,
            conversation_id=sent.conversation_id,
            external_id=None
            if external_id is None
            else key.seal_text(external_id, EXTERNAL_ID, survey_id.bytes),
            external_id_hash=None if external_id is None else self._tenant.lookup(external_id),
            score=sent.score,
            delivered_at=delivered_at,
            answered_at=answered_at,
            happened_at=heard.occurred_at if heard else delivered_at,
        )

    def wrong(self, sent: Delivered) -> Errors:
        """Name what a survey needs and the caller cannot see, and what does not fit its form."""
        return tuple(self._wrong(sent))

    def _heard(self, sent: Delivered) -> Heard | None:
        return self._known.conversations.get(sent.conversation_id) if sent.conversation_id else None

    def _wrong(self, sent: Delivered) -> Iterator[FieldError]:
        form, heard = self._known.forms.get(sent.form), self._heard(sent)
        if form is None:
            yield broken("/form", NOT_FOUND, "No such form")
        elif sent.score is not None and not form.low <= sent.score <= form.high:
            detail = f"The scale of this form is {form.low} to {form.high}"
            yield broken("/score", "out-of-range", detail)
        if sent.learner_id is not None and sent.learner_id not in self._known.learners:
            yield broken("/learner_id", NOT_FOUND, "No such learner")
        elif heard is not None and sent.learner_id not in {None, heard.learner_id}:
            yield broken("/learner_id", "contradiction", "The conversation is another learner's")
        if sent.conversation_id is not None and heard is None:
            yield broken("/conversation_id", NOT_FOUND, "No such conversation")


def _moments(sent: Delivered, now: datetime) -> tuple[datetime, datetime | None]:
    """Return when it was delivered and answered, as far as that is known."""
    delivered_at = sent.delivered_at or sent.answered_at or now
    if sent.score is None:
        return delivered_at, None
    return delivered_at, sent.answered_at or delivered_at

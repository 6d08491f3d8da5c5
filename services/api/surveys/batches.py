"""Many surveys in one request: all of them are taken, or none."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.surveys.records import Delivered
from services.api.surveys.repository import SurveyRepository
from services.api.surveys.schemas import SurveyBatchView, SurveyItemView
from services.api.surveys.service import OTHER, refuse, too_late
from services.api.surveys.storing import Sealer, look_up
from services.api.validation import MAX_ERRORS, broken
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError
from shared.ids import format_id


class SurveyBatchService:
    """Requests with many surveys; every one has an external id, so a repeat changes nothing."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def accept(
        self, principal: Principal, claim: Claim | None, sent: Sequence[Delivered]
    ) -> tuple[SurveyBatchView, bool]:
        """Store surveys in one transaction; say as well whether this is a repeat.

        Raises:
            NotFoundError: forms, learners or conversations that this caller cannot see.
            ValidationFailedError: scores off their scale, times to come, an external id twice.
            ConflictError: other surveys have these external ids, or these have other answers.
        """
        context = self._context
        now = context.clock.now()
        early = [*_repeated(sent), *_placed(too_late(one, now) for one in sent)]
        refuse(tuple(early[:MAX_ERRORS]))
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = SurveyRepository(connection, principal.bounds(now), tenant)
            sealer = Sealer(context, tenant, await look_up(repository, sent))
            refuse(tuple(islice(_placed(sealer.wrong(one) for one in sent), MAX_ERRORS)))
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, context.ids.new(), now
            )
            new = [sealer.row(one) for one in sent]
            forms = {one.form.form: one.form for one in new}
            await repository.keep_forms(forms.values(), now)
            stored = await repository.put(new, now)
            ids = [stored.place(one) for one in new]
            clashes = tuple(_placed((OTHER,) if each is None else () for each in ids))
            if clashes:
                raise ConflictError("Other surveys have these external ids", errors=clashes)
        items = tuple(
            SurveyItemView(survey_id=format_id("svy", each), external_id=one.external_id or "")
            for one, each in zip(sent, ids, strict=True)
            if each is not None
        )
        return SurveyBatchView(surveys=items), earlier is not None


def _repeated(sent: Sequence[Delivered]) -> Iterator[FieldError]:
    first: dict[str | None, int] = {}
    for index, one in enumerate(sent):
        before = first.setdefault(one.external_id, index)
        if before != index:
            detail = f"The survey {before} of this request has the same id"
            yield broken(f"/surveys/{index}/external_id", "duplicate", detail)


def _placed(errors: Iterable[Sequence[FieldError]]) -> Iterator[FieldError]:
    """Yield the errors of each survey with pointers into the request."""
    for index, of_one in enumerate(errors):
        for error in of_one:
            pointer = f"/surveys/{index}{error.pointer}"
            yield msgspec.structs.replace(error, pointer=pointer)

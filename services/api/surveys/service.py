"""Taking surveys in, reading them, and the forms they are asked with."""

from datetime import datetime, timedelta
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.surveys.forms import SurveyForm, check_change, check_form, merged, tidy
from services.api.surveys.records import Delivered, Survey
from services.api.surveys.repository import SurveyRepository
from services.api.surveys.storing import NOT_FOUND, Errors, Sealer, look_up
from services.api.validation import broken
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    ScopeMissingError,
    ValidationFailedError,
)

MAX_FORMS = 50
"""Kinds of surveys that a tenant may add."""

CLOCK_SLACK = timedelta(days=1)
"""How far ahead times may be: partners' clocks and time zones are often wrong by hours."""

OTHER = FieldError(
    pointer="/external_id", code="conflict", detail="Another survey has this external_id"
)


class SurveyService:
    """Takes surveys in and reads them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def accept(
        self, principal: Principal, claim: Claim | None, sent: Delivered
    ) -> tuple[Survey, bool]:
        """Store a survey, or the answer to one that waited; say as well whether it is a repeat.

        Raises:
            NotFoundError: no such form, learner or conversation for this caller; all are named.
            ValidationFailedError: the score is not on the form's scale, or a time has not come.
            ConflictError: another survey has this external id, or another answer.
        """
        context = self._context
        now = context.clock.now()
        refuse(too_late(sent, now))
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = SurveyRepository(connection, principal.bounds(now), tenant)
            sealer = Sealer(context, tenant, await look_up(repository, [sent]))
            refuse(sealer.wrong(sent))
            new = sealer.row(sent)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, new.survey_id, now
            )
            if earlier is not None:
                return await self._repeated(repository, tenant, sent, earlier.resource_id), True
            await repository.keep_forms([new.form], now)
            survey_id = (await repository.put([new], now)).place(new)
            if survey_id is None:
                raise ConflictError(OTHER.detail, errors=(OTHER,))
            return await repository.get(survey_id), survey_id != new.survey_id

    async def _repeated(
        self, repository: SurveyRepository, tenant: TenantKey, sent: Delivered, survey_id: UUID
    ) -> Survey:
        """Return what a request with the same key stored: by external id where it has one, for
        then the survey may have been there before.
        """
        if sent.external_id is not None:
            known = await repository.find_by_hash(tenant.lookup(sent.external_id))
            survey_id = known or survey_id
        return await repository.get(survey_id)

    async def get(self, principal: Principal, survey_id: UUID) -> Survey:
        """Return a survey; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        reads = tenant_reads(self._context.database)
        tenant = await self._context.keys.tenant(reads, principal.tenant_id)
        return await SurveyRepository(reads, bounds, tenant).get(survey_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        *,
        learner_id: UUID | None,
        conversation_id: UUID | None,
        form: str | None,
        external_id: str | None,
    ) -> list[Survey]:
        """Return one more survey than the page holds, in order of creation."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await SurveyRepository(connection, bounds, tenant).list_page(
                page,
                learner_id=learner_id,
                conversation_id=conversation_id,
                form=form,
                external_id=external_id,
            )

    async def forms(self, principal: Principal) -> tuple[SurveyForm, ...]:
        """Return all forms of the caller's tenant by slug."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return merged(await (await self._repository(connection, principal)).own_forms())

    async def put_form(self, principal: Principal, form: SurveyForm) -> SurveyForm:
        """Add a form, or change which values of one are positive.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner cannot change forms.
            ValidationFailedError: scale or positive values do not fit the kind.
            ConflictError: kind, scale or who is asked would change, or there are too many.
        """
        if principal.team_ids is not None or principal.learner_id is not None:
            raise ScopeMissingError("A key bound to teams or to a learner cannot change forms")
        check_form(form)
        stored = tidy(form)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal)
            await repository.lock_forms()
            own = await repository.own_forms()
            before = {each.form: each for each in merged(own)}.get(form.form)
            if before is not None:
                check_change(before, form)
            elif len(own) >= MAX_FORMS:
                raise ConflictError(f"A tenant has at most {MAX_FORMS} forms")
            await repository.put_form(stored, now)
        return stored

    async def _repository(self, connection: Connection, principal: Principal) -> SurveyRepository:
        tenant = await self._context.keys.tenant(connection, principal.tenant_id)
        return SurveyRepository(connection, principal.bounds(self._context.clock.now()), tenant)


def too_late(sent: Delivered, now: datetime) -> Errors:
    """Name the times that have not come yet."""
    return tuple(
        broken(f"/{name}", "in-the-future", f"{moment.isoformat()} has not come yet")
        for name, moment in (("delivered_at", sent.delivered_at), ("answered_at", sent.answered_at))
        if moment is not None and moment > now + CLOCK_SLACK
    )


def refuse(errors: Errors) -> None:
    """Raise what is wrong, if anything is: 404 where all of it is missing, else 400."""
    if errors and all(error.code == NOT_FOUND for error in errors):
        raise NotFoundError(errors=errors)
    if errors:
        raise ValidationFailedError(errors=errors)

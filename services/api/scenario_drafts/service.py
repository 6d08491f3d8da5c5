"""Starting what drafts scenarios and rubrics and tries them out, and reading what became of it."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.api.admitting import admit
from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.operations.repository import Operation, OperationRepository
from services.api.principal import Principal
from services.api.scenario_drafts.refusals import ModelRequiredError
from services.api.scenarios.drafts import DraftRepository
from shared.contracts.jobs import (
    DraftJob,
    JobKind,
    JobMessage,
    RubricDraftJob,
    ScenarioDraftJob,
    ScenarioTrialJob,
)
from shared.contracts.llm import Task, WhyEmbedded
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.drafting.stored import DraftBook, Kept, Kind
from shared.drafting.wanted import RubricWanted, ScenarioWanted
from shared.errors import BacklogFullError, NotFoundError, ScopeMissingError
from shared.llm.ports import ModelFailedError

RETRY_DRAFTS_S: Final = 30
"""Seconds after which one of them may have ended: a model writes for as long."""

MAX_OPEN: Final = 20
"""Operations of this kind that a tenant may have open: each asks a model for minutes."""


class DraftingService:
    """Operations that draft and try out, for keys that may write what is drafted."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def draft_scenario(
        self, principal: Principal, claim: Claim | None, wanted: ScenarioWanted
    ) -> tuple[Operation, bool]:
        """Have a scenario drafted; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            ModelRequiredError: there is no model for this request.
            BacklogFullError: too much of this tenant's work is waiting.
        """
        job = ScenarioDraftJob(operation_id=self._context.ids.new())
        return await self._draft(principal, claim, "scenario_draft", job, wanted)

    async def draft_rubric(
        self, principal: Principal, claim: Claim | None, wanted: RubricWanted
    ) -> tuple[Operation, bool]:
        """Have a rubric drafted; everything else as `draft_scenario`."""
        job = RubricDraftJob(operation_id=self._context.ids.new())
        return await self._draft(principal, claim, "rubric_draft", job, wanted)

    async def try_scenario(
        self, principal: Principal, claim: Claim | None, scenario_id: UUID
    ) -> tuple[Operation, bool]:
        """Have scripted learners play a draft; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such scenario, or no draft of it is stored.
            BacklogFullError: too much of this tenant's work is waiting.
        """
        check_key(principal)
        job = ScenarioTrialJob(operation_id=self._context.ids.new())
        context, now = self._context, self._context.clock.now()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, job.operation_id, now
            )
            if earlier is None:
                draft = await DraftRepository(connection, tenant).get(scenario_id)
                if not draft.revision:
                    raise NotFoundError("No draft of this scenario is stored")
                book = await self._room(connection, tenant, JobKind.BATCH)
                await book.open(
                    job.operation_id, "scenario_trial", None, now=now, scenario_id=scenario_id
                )
                message = await self._add(book, job, JobKind.BATCH)
            operation_id = earlier.resource_id if earlier else job.operation_id
            operation = await self._operation(connection, principal, operation_id)
        await self._publish(message)
        return operation, earlier is not None

    async def get(
        self, principal: Principal, operation_id: UUID, kinds: Collection[Kind]
    ) -> tuple[Operation, Kept]:
        """Return an operation of these kinds with what became of it.

        Raises:
            ScopeMissingError: the key is bound.
            NotFoundError: no such operation.
        """
        check_key(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            operation = await self._operation(connection, principal, operation_id)
            kept = await DraftBook(connection, tenant).find(operation_id)
        if kept is None or operation.kind not in kinds:
            raise NotFoundError
        return operation, kept

    async def _draft(
        self,
        principal: Principal,
        claim: Claim | None,
        kind: Kind,
        job: ScenarioDraftJob | RubricDraftJob,
        wanted: ScenarioWanted | RubricWanted,
    ) -> tuple[Operation, bool]:
        check_key(principal)
        context, now = self._context, self._context.clock.now()
        lane = JobKind.SCORE if kind == "rubric_draft" else JobKind.BATCH
        why_not = await self._why_not(principal)
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, job.operation_id, now
            )
            if earlier is None:
                if why_not is not None:
                    raise ModelRequiredError(why_not)
                book = await self._room(connection, tenant, lane)
                await book.open(job.operation_id, kind, wanted, now=now)
                message = await self._add(book, job, lane)
            operation_id = earlier.resource_id if earlier else job.operation_id
            operation = await self._operation(connection, principal, operation_id)
        await self._publish(message)
        return operation, earlier is not None

    async def _why_not(self, principal: Principal) -> WhyEmbedded | None:
        """Return why no model may be asked; None when one may, or when only a worker finds out."""
        if principal.environment == "test":
            return WhyEmbedded.TEST_KEY
        model = self._context.model
        try:
            policy = None if model is None else await model.policy(principal.tenant_id)
        except ModelFailedError:
            return None
        if policy is None:
            return WhyEmbedded.NO_MODEL
        return WhyEmbedded.DISABLED if Task.AUTHORING in policy.disabled else None

    async def _room(self, connection: Connection, tenant: TenantKey, lane: JobKind) -> DraftBook:
        """Return the book when there is room for one more operation; raises `BacklogFullError`."""
        await admit(self._context, connection, tenant.tenant_id, lane)
        book = DraftBook(connection, tenant)
        if await book.count_open() >= MAX_OPEN:
            raise BacklogFullError(
                f"{MAX_OPEN} drafts and trials are waiting", retry_after_s=RETRY_DRAFTS_S
            )
        return book

    async def _add(self, book: DraftBook, job: DraftJob, lane: JobKind) -> JobMessage:
        context = self._context
        return await book.add_job(
            job, lane, now=context.clock.now(), first_retry_s=context.settings.job_first_retry_s
        )

    async def _operation(
        self, connection: Connection, principal: Principal, operation_id: UUID
    ) -> Operation:
        bounds = principal.bounds(self._context.clock.now())
        return await OperationRepository(connection, bounds).get(operation_id)

    async def _publish(self, message: JobMessage | None) -> None:
        if message is not None:
            await self._context.publisher.job(message)


def check_key(principal: Principal) -> None:
    """Check that the key may see and write whole scenarios and rubrics.

    Raises:
        ScopeMissingError: it is bound to teams or to a learner.
    """
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError(
            "A key bound to teams or to a learner may not have anything drafted"
        )

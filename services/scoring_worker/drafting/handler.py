"""One job: ask the model for a rubric, score recorded conversations with it, store what came out.

A repeat after any crash changes nothing: the operation ends once, with its rubric, in the
transaction that deletes the job. No transaction is open while the model speaks.
"""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

from services.scoring_worker.drafting.repository import DraftRepository
from services.scoring_worker.drafting.trying import try_out
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.jobs import JobMessage, RubricDraftJob
from shared.contracts.rubric import RubricSpec
from shared.db.jobs import claim, finish, kept_lease
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.drafting.asking import Questions, Rest
from shared.drafting.desk import DraftDesk
from shared.drafting.rubric_rounds import DraftedRubric, draft_rubric
from shared.drafting.stored import DraftBook, Kept, Outcome, Report
from shared.ids import IdMaker
from shared.library.rubric_dry_run import unscorable
from shared.library.rubric_trial import Trial
from shared.llm.ports import LanguageModel
from shared.log import get_logger
from shared.messaging.publisher import Publisher

log = get_logger()

AT_ONCE: Final = 2
"""Drafts of one tenant that a process makes together: they take minutes, and conversations that are
to be scored wait behind them."""


class RubricDrafts:
    """Drafts rubrics and tries them out."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        publisher: Publisher,
        *,
        model: LanguageModel | None,
        clock: Clock,
        ids: IdMaker,
        rest: Rest = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        self._publisher = publisher
        self._desk = DraftDesk(database, model, rest)
        self._clock = clock
        self._ids = ids
        # Judging is CPU work: on the event loop it would stop the leases' renewal.
        self._under_way: Counter[UUID] = Counter()
        self._judges = ThreadPoolExecutor(1, thread_name_prefix="dry-run")

    async def handle(self, message: JobMessage) -> None:
        """Do one job that drafts a rubric; with too many under way it is left, and comes again."""
        tenant_id = message.tenant_id
        if self._under_way[tenant_id] >= AT_ONCE:
            return
        self._under_way[tenant_id] += 1
        try:
            await self._handle(message)
        finally:
            self._under_way[tenant_id] -= 1
            if not self._under_way[tenant_id]:
                del self._under_way[tenant_id]

    async def _handle(self, message: JobMessage) -> None:
        async with tenant_tx(self._database, message.tenant_id) as connection:
            job = await claim(connection, message, self._settings.job_lease_s)
        if not isinstance(job, RubricDraftJob):
            return
        with kept_lease(self._database, message, self._settings.job_lease_s):
            tenant, kept, skills = await self._begin(message.tenant_id, job.operation_id)
            outcome, drafted = Outcome(), None
            if kept is not None:
                outcome, drafted = await self._draft(tenant, job.operation_id, kept, skills)
        await self._end(message, job.operation_id, tenant, outcome, drafted)

    async def _begin(
        self, tenant_id: UUID, operation_id: UUID
    ) -> tuple[TenantKey, Kept | None, frozenset[str]]:
        async with tenant_tx(self._database, tenant_id) as connection:
            tenant = await self._keys.tenant(connection, tenant_id)
            kept = await DraftBook(connection, tenant).begin(operation_id, self._clock.now())
            skills = await DraftRepository(connection, tenant_id).own_skills()
        return tenant, kept, skills

    async def _draft(
        self, tenant: TenantKey, operation_id: UUID, kept: Kept, skills: frozenset[str]
    ) -> tuple[Outcome, DraftedRubric | None]:
        async def work(questions: Questions) -> tuple[Outcome, DraftedRubric]:
            wanted = kept.rubric_wanted(tenant, operation_id)
            drafted = await draft_rubric(questions, wanted, operation_id, tenant_skills=skills)
            told = Report(
                findings=drafted.findings,
                unmapped=drafted.unmapped,
                dry_run=None if unscorable(drafted.findings) else await self._try_out(drafted.spec),
                calls=questions.calls,
            )
            return Outcome(report=told, rubric_id=self._ids.new(), revision=1), drafted

        return await self._desk.draft(tenant, operation_id, work)

    async def _try_out(self, rubric: RubricSpec) -> Trial:
        return await asyncio.get_running_loop().run_in_executor(self._judges, try_out, rubric)

    async def _end(
        self,
        message: JobMessage,
        operation_id: UUID,
        tenant: TenantKey,
        outcome: Outcome,
        drafted: DraftedRubric | None,
    ) -> None:
        now = self._clock.now()
        async with tenant_tx(self._database, message.tenant_id) as connection:
            book = DraftBook(connection, tenant)
            is_done = outcome.failure_code is None
            if await book.lock_open(operation_id, now, is_done=is_done):
                if drafted is not None and outcome.rubric_id is not None:
                    repository = DraftRepository(connection, message.tenant_id)
                    await repository.insert(outcome.rubric_id, drafted.spec, now)
                await book.note_end(operation_id, self._ids.new(), outcome, now)
            await finish(connection, message.tenant_id, message.job_id)
        self._publisher.wake_events()
        log.info("rubric.drafted", operation_id=str(operation_id), failure=outcome.failure_code)

"""One job: ask the model for a scenario, have scripted learners play it, store what came out.

A repeat after any crash changes nothing: the operation ends once, with its scenario, in the
transaction that deletes the job. No transaction is open while the model or a learner speaks.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from services.sim_worker.drafting.repository import DraftRepository
from services.sim_worker.drafting.trial_run import plays
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.jobs import DraftJob, JobMessage, ScenarioDraftJob, ScenarioTrialJob
from shared.contracts.scenario import ScenarioSpec
from shared.db.jobs import finish, kept_lease
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import TenantKey
from shared.db.tx import tenant_tx
from shared.drafting.asking import Questions, Rest
from shared.drafting.desk import DraftDesk
from shared.drafting.scenario_rounds import Drafted, draft_scenario
from shared.drafting.source import read_source
from shared.drafting.stored import DraftBook, Kept, Outcome, Report
from shared.drafting.trial import Played, TrialReport, report
from shared.ids import IdMaker
from shared.library.lint import errors, lint
from shared.llm.ports import LanguageModel
from shared.llm.records import Redactor
from shared.log import get_logger
from shared.messaging.publisher import Publisher

log = get_logger()

DRAFT_GONE = "draft_gone"
"""Failure code: there is no draft to try out any more."""


class ScenarioDrafts:
    """Drafts scenarios and tries them out."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        publisher: Publisher,
        *,
        model: LanguageModel | None,
        redactor: Redactor,
        clock: Clock,
        ids: IdMaker,
        rest: Rest = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        self._publisher = publisher
        self._desk = DraftDesk(database, model, rest)
        self._redactor = redactor
        self._clock = clock
        self._ids = ids
        # Conversations are CPU work: on the event loop they would stop turns and leases.
        self._stage = ThreadPoolExecutor(1, thread_name_prefix="trial")

    async def handle(self, message: JobMessage, job: DraftJob) -> None:
        """Do a job that this worker has claimed."""
        with kept_lease(self._database, message, self._settings.job_lease_s):
            tenant, kept, rubrics = await self._begin(message.tenant_id, job.operation_id)
            outcome, drafted = Outcome(), None
            if kept is not None and isinstance(job, ScenarioDraftJob):
                outcome, drafted = await self._draft(tenant, job.operation_id, kept, rubrics)
            elif kept is not None and isinstance(job, ScenarioTrialJob):
                outcome = await self._try(message.tenant_id, kept, rubrics)
        await self._end(message, job.operation_id, tenant, outcome, drafted)

    async def _begin(
        self, tenant_id: UUID, operation_id: UUID
    ) -> tuple[TenantKey, Kept | None, frozenset[str]]:
        async with tenant_tx(self._database, tenant_id) as connection:
            tenant = await self._keys.tenant(connection, tenant_id)
            book = DraftBook(connection, tenant)
            kept = await book.begin(operation_id, self._clock.now())
            rubrics = await DraftRepository(connection, tenant_id).rubrics()
        return tenant, kept, rubrics

    async def _draft(
        self, tenant: TenantKey, operation_id: UUID, kept: Kept, rubrics: frozenset[str]
    ) -> tuple[Outcome, Drafted | None]:
        async def work(questions: Questions) -> tuple[Outcome, Drafted]:
            wanted = kept.scenario_wanted(tenant, operation_id)
            source = await asyncio.to_thread(read_source, wanted, self._redactor)
            drafted = await draft_scenario(
                questions, wanted, source, operation_id, rubrics=rubrics, try_out=self._play
            )
            told = Report(findings=drafted.findings, trial=drafted.trial, calls=questions.calls)
            return Outcome(report=told, scenario_id=self._ids.new(), revision=1), drafted

        return await self._desk.draft(tenant, operation_id, work)

    async def _try(self, tenant_id: UUID, kept: Kept, rubrics: frozenset[str]) -> Outcome:
        """Have a stored draft played, and note it with the revision that was played."""
        if kept.scenario_id is None:
            return Outcome(failure_code=DRAFT_GONE)
        async with tenant_tx(self._database, tenant_id) as connection:
            found = await DraftRepository(connection, tenant_id).find(kept.scenario_id)
        if found is None:
            return Outcome(failure_code=DRAFT_GONE)
        spec, revision = found
        findings = await asyncio.to_thread(lint, spec, rubrics=rubrics)
        trial = None if errors(findings) else await self._play(spec)
        told = Report(findings=findings, trial=trial)
        return Outcome(report=told, scenario_id=kept.scenario_id, revision=revision)

    async def _play(self, spec: ScenarioSpec) -> TrialReport:
        """Return what scripted learners made of a scenario; others run between conversations."""
        loop = asyncio.get_running_loop()
        waiting = plays(spec)
        played: list[Played] = []
        while (one := await loop.run_in_executor(self._stage, next, waiting, None)) is not None:
            played.append(one)
        return report(spec, played)

    async def _end(
        self,
        message: JobMessage,
        operation_id: UUID,
        tenant: TenantKey,
        outcome: Outcome,
        drafted: Drafted | None,
    ) -> None:
        now = self._clock.now()
        async with tenant_tx(self._database, message.tenant_id) as connection:
            book = DraftBook(connection, tenant)
            is_done = outcome.failure_code is None
            if await book.lock_open(operation_id, now, is_done=is_done):
                repository = DraftRepository(connection, message.tenant_id)
                if drafted is not None and outcome.scenario_id is not None:
                    await repository.insert(outcome.scenario_id, drafted.spec, drafted.trial, now)
                elif outcome.report is not None and outcome.report.trial is not None:
                    await _note_trial(repository, outcome, outcome.report.trial)
                await book.note_end(operation_id, self._ids.new(), outcome, now)
            await finish(connection, message.tenant_id, message.job_id)
        self._publisher.wake_events()
        log.info(
            "scenario.drafted",
            operation_id=str(operation_id),
            failure=outcome.failure_code,
            is_good=drafted is not None and drafted.is_good,
        )


async def _note_trial(repository: DraftRepository, outcome: Outcome, trial: TrialReport) -> None:
    if outcome.scenario_id is not None and outcome.revision is not None:
        await repository.note_trial(outcome.scenario_id, outcome.revision, trial)

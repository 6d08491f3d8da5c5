"""One job: read the conversation, judge it, audit the simulator, store the result, say so."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from services.scoring_worker.judging.judge import judge
from services.scoring_worker.repository import (
    LearnerErasedError,
    ScoringCase,
    ScoringRepository,
)
from shared.audit.audit import audit
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.base import Record
from shared.contracts.events import EventType, ScoringCompleted
from shared.contracts.jobs import ActivityDone, JobKind, JobMessage, ScoreJob
from shared.contracts.scoring import JudgeResult
from shared.contracts.simulation import Fault
from shared.db.jobs import claim, finish, kept_lease
from shared.db.keys import KeyRing
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.ids import IdMaker
from shared.log import get_logger
from shared.messaging.publisher import Publisher

log = get_logger()

LEARNER_ERASED = "learner-erased"
"""Failure code: the conversation cannot be read any more."""


class Verdict(Record, frozen=True, kw_only=True):
    """What a conversation showed: of the learner, and of the simulator."""

    result: JudgeResult
    faults: tuple[Fault, ...]


class ScoreHandler:
    """Judges the conversation of a scoring; a repeat after any crash changes nothing."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        publisher: Publisher,
        *,
        clock: Clock,
        ids: IdMaker,
    ) -> None:
        self._settings = settings
        self._database = database
        self._keys = keys
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        # Judging is CPU work of up to seconds: on the event loop it would stop the leases' renewal.
        self._judges = ThreadPoolExecutor(1, thread_name_prefix="judge")

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `score`."""
        tenant_id = message.tenant_id
        case: ScoringCase | None = None
        failure: str | None = None
        async with tenant_tx(self._database, tenant_id) as connection:
            job = await claim(connection, message, self._settings.job_lease_s)
            if not isinstance(job, ScoreJob):
                return
            repository = await self._repository(connection, tenant_id)
            try:
                case = await repository.find_case(job.scoring_id)
            except LearnerErasedError:
                failure = LEARNER_ERASED
        verdict: Verdict | None = None
        if case is not None:
            with kept_lease(self._database, message, self._settings.job_lease_s):
                verdict = await self._judge(case)
        await self._store(message, job, case, verdict, failure)

    async def _judge(self, case: ScoringCase) -> Verdict:
        work = partial(_verdict, case)
        return await asyncio.get_running_loop().run_in_executor(self._judges, work)

    async def _store(
        self,
        message: JobMessage,
        job: ScoreJob,
        case: ScoringCase | None,
        verdict: Verdict | None,
        failure: str | None,
    ) -> None:
        now = self._clock.now()
        tenant_id = message.tenant_id
        async with tenant_tx(self._database, tenant_id) as connection:
            if case is not None and verdict is not None:
                await self._assess(connection, tenant_id, job.scoring_id, case, verdict)
            reply = await add_job(
                connection,
                tenant_id,
                self._ids.new(),
                ActivityDone(reply_to=job.reply_to, failure_code=failure),
                JobKind.FLOW,
                now=now,
                first_retry_s=self._settings.job_first_retry_s,
            )
            await finish(connection, tenant_id, message.job_id)
        self._publisher.wake_events()
        await self._publisher.job(reply)
        log.info(
            "scoring.judged",
            scoring_id=str(job.scoring_id),
            failure=failure,
            faults=sorted({fault.code for fault in verdict.faults}) if verdict else [],
        )

    async def _assess(
        self,
        connection: Connection,
        tenant_id: UUID,
        scoring_id: UUID,
        case: ScoringCase,
        verdict: Verdict,
    ) -> None:
        now = self._clock.now()
        assessment_id = self._ids.new()
        repository = await self._repository(connection, tenant_id)
        if not await repository.complete(scoring_id, assessment_id, verdict.faults, now):
            return
        await repository.insert_assessment(scoring_id, assessment_id, case, verdict.result, now)
        await add_event(
            connection,
            tenant_id,
            self._ids.new(),
            EventType.SCORING_COMPLETED,
            scoring_id,
            ScoringCompleted(assessment_id=assessment_id, revision=1),
            now=now,
        )

    async def _repository(self, connection: Connection, tenant_id: UUID) -> ScoringRepository:
        key = await self._keys.tenant(connection, tenant_id)
        return ScoringRepository(connection, tenant_id, key)


def _verdict(case: ScoringCase) -> Verdict:
    played = case.played
    return Verdict(
        result=judge(case.transcript, case.rubric, required_steps=case.steps),
        faults=() if played is None else audit(played.scenario, played.turns, played.end_reason),
    )

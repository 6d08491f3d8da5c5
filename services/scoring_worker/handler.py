"""One job: read the conversation, judge it, audit the simulator, store the result, say so."""

from functools import partial
from uuid import UUID

import msgspec

from services.scoring_worker.asking import Asker, Subject
from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.model.opinions import Heard
from services.scoring_worker.judging.model.planning import Plan
from services.scoring_worker.rendering import Renderer
from services.scoring_worker.repository import (
    LearnerErasedError,
    Played,
    Revision,
    ScoringCase,
    ScoringRepository,
    TranscriptGoneError,
)
from services.scoring_worker.restoring import restored
from services.scoring_worker.thinking import Thinker, Weigh
from shared.audit.audit import audit
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.base import Record
from shared.contracts.events import EventType, ScoringCompleted, ScoringRevised
from shared.contracts.jobs import (
    ActivityDone,
    BulkScoreJob,
    JobKind,
    JobMessage,
    RescoreJob,
    RubricDraftJob,
    ScoreJob,
)
from shared.contracts.llm import Judging, ModelPolicy, Task, WhyEmbedded
from shared.contracts.scoring import JudgeResult
from shared.contracts.simulation import Fault
from shared.db.bulk import count_scoring
from shared.db.jobs import claim, finish, kept_lease
from shared.db.keys import KeyRing
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.ids import IdMaker
from shared.intake.language import is_supported
from shared.llm.ports import LanguageModel, ModelFailedError, Purpose
from shared.log import get_logger
from shared.messaging.publisher import Publisher
from shared.telemetry import catalog
from shared.telemetry.ages import age_s
from shared.telemetry.measures import Measure, note

log = get_logger()

LEARNER_ERASED = "learner-erased"
"""Failure code: the conversation cannot be read any more."""

TRANSCRIPT_REMOVED = "transcript-removed"
"""Failure code: the conversation's words were removed before it was judged."""

OVERRIDE_SUPERSEDED = "override_superseded"
"""Reason for a review: people had changed the revision that this one replaces."""


class Verdict(Record, frozen=True, kw_only=True):
    """What a conversation showed: of the learner, and of the simulator."""

    result: JudgeResult
    faults: tuple[Fault, ...]


class _Reason(Record, frozen=True, kw_only=True):
    """Data of `scoring.failed`."""

    reason: str


class NoScoringError(Exception):
    """The job judges no conversation; its claim is taken back with the transaction."""


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
        model: LanguageModel | None = None,
        weigh: Weigh = lambda _: 1,
    ) -> None:
        """Without a `model` the embedded judge does everything."""
        self._settings = settings
        self._database = database
        self._keys = keys
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._asker = None if model is None else Asker(model, settings, database, keys, clock=clock)
        self._renderer = Renderer(model, settings, database, keys, clock=clock)
        self._thinker = Thinker(weigh)

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `score`."""
        case: ScoringCase | None = None
        failure: str | None = None
        async with tenant_tx(self._database, message.tenant_id) as connection:
            job = await claim(connection, message, self._settings.job_lease_s)
            if isinstance(job, RubricDraftJob):
                raise NoScoringError
            if not isinstance(job, ScoreJob | BulkScoreJob | RescoreJob):
                return
            try:
                case = await self._find(connection, message.tenant_id, job)
            except LearnerErasedError:
                failure = LEARNER_ERASED
            except TranscriptGoneError:
                failure = TRANSCRIPT_REMOVED
        verdict: Verdict | None = None
        if case is not None:
            with kept_lease(self._database, message, self._settings.job_lease_s):
                verdict = await self._judge(message.tenant_id, job.scoring_id, case)
        match job:
            case RescoreJob():
                await self._revise(message, job, case, verdict, failure)
            case ScoreJob():
                await self._store(message, job, case, verdict, failure)
            case BulkScoreJob():
                await self._store_one_of_many(message, job, case, verdict, failure)

    async def _find(
        self, connection: Connection, tenant_id: UUID, job: ScoreJob | BulkScoreJob | RescoreJob
    ) -> ScoringCase | None:
        repository = await self._repository(connection, tenant_id)
        if isinstance(job, RescoreJob):
            return await repository.find_case(job.scoring_id, (job.rubric_id, job.rubric_version))
        return await repository.find_case(job.scoring_id)

    async def _judge(self, tenant_id: UUID, scoring_id: UUID, case: ScoringCase) -> Verdict:
        """Judge what was said; in another language by its English."""
        case, reading = await self._renderer.in_english(tenant_id, scoring_id, case)
        verdict = await self._judge_english(tenant_id, scoring_id, case)
        if reading is None:
            return verdict
        return msgspec.structs.replace(verdict, result=restored(verdict.result, reading))

    async def _judge_english(self, tenant_id: UUID, scoring_id: UUID, case: ScoringCase) -> Verdict:
        asker, think = self._asker, partial(self._thinker.think, tenant_id)
        try:
            policy = None if asker is None else await asker.policy(tenant_id)
        except ModelFailedError as failed:
            return await think(partial(_embedded, case, failed.why))
        if asker is None or policy is None or policy.judging is Judging.EMBEDDED:
            return await think(partial(_verdict, case))
        hearing, plan = await think(partial(_plan, case, policy))
        purpose = Purpose(
            tenant_id=tenant_id,
            task=Task.JUDGING,
            environment=case.environment,
            learner_id=case.learner_id,
            scoring_id=scoring_id,
        )
        subject = Subject(purpose, case.learner_id, case.transcript)
        heard = await asker.hear(subject, plan, policy)
        return await think(partial(_verdict, case, hearing, heard))

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

    async def _store_one_of_many(
        self,
        message: JobMessage,
        job: BulkScoreJob,
        case: ScoringCase | None,
        verdict: Verdict | None,
        failure: str | None,
    ) -> None:
        """Store a result that no workflow waits for; the last one of its request ends that."""
        now = self._clock.now()
        tenant_id = message.tenant_id
        async with tenant_tx(self._database, tenant_id) as connection:
            if case is not None and verdict is not None:
                await self._assess(connection, tenant_id, job.scoring_id, case, verdict)
            elif failure is not None:
                await self._fail(connection, tenant_id, job.scoring_id, failure)
            if await finish(connection, tenant_id, message.job_id):
                await count_scoring(connection, tenant_id, job.operation_id, self._ids.new(), now)
        self._publisher.wake_events()
        log.info("scoring.judged", scoring_id=str(job.scoring_id), failure=failure, faults=[])

    async def _fail(
        self, connection: Connection, tenant_id: UUID, scoring_id: UUID, code: str
    ) -> None:
        now = self._clock.now()
        repository = await self._repository(connection, tenant_id)
        if await repository.fail(scoring_id, code, now):
            note(Measure("scoring", tenant_id, age_s(scoring_id, now), "failed"))
            await add_event(
                connection,
                tenant_id,
                self._ids.new(),
                EventType.SCORING_FAILED,
                scoring_id,
                _Reason(reason=code),
                now=now,
            )

    async def _revise(
        self,
        message: JobMessage,
        job: RescoreJob,
        case: ScoringCase | None,
        verdict: Verdict | None,
        failure: str | None,
    ) -> None:
        """Store a second judgment as the revision that counts; the earlier ones stay.

        Where there is nothing to read any more, what counted goes on to count.
        """
        tenant_id = message.tenant_id
        async with tenant_tx(self._database, tenant_id) as connection:
            if case is not None and verdict is not None:
                await self._add_revision(connection, tenant_id, job, case, verdict.result)
            await finish(connection, tenant_id, message.job_id)
        self._publisher.wake_events()
        log.info(
            "scoring.judged_again",
            scoring_id=str(job.scoring_id),
            done=case is not None,
            failure=failure,
        )

    async def _add_revision(
        self,
        connection: Connection,
        tenant_id: UUID,
        job: RescoreJob,
        case: ScoringCase,
        result: JudgeResult,
    ) -> None:
        now = self._clock.now()
        repository = await self._repository(connection, tenant_id)
        latest = await repository.lock_latest(job.scoring_id, job.assessment_id)
        if latest is None:
            return
        if latest.is_by_person:
            reasons = (*result.needs_review, OVERRIDE_SUPERSEDED)
            result = msgspec.structs.replace(result, needs_review=reasons)
        revision = Revision(
            number=latest.revision + 1, cause="rescore", rubric=(job.rubric_id, job.rubric_version)
        )
        await repository.insert_assessment(
            job.scoring_id, job.assessment_id, case, result, now, revision
        )
        await repository.count_revision(job.scoring_id, job.assessment_id)
        if case.is_foreign:
            await repository.exclude_language(job.scoring_id)
        await add_event(
            connection,
            tenant_id,
            self._ids.new(),
            EventType.SCORING_REVISED,
            job.scoring_id,
            ScoringRevised(
                assessment_id=job.assessment_id, revision=revision.number, cause=revision.cause
            ),
            now=now,
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
        overall = verdict.result.overall
        accepted_at = await repository.complete(
            scoring_id, assessment_id, overall, verdict.faults, now, is_foreign=case.is_foreign
        )
        if accepted_at is None:
            return
        note(Measure("scoring", tenant_id, max((now - accepted_at).total_seconds(), 0.0)))
        for doubt in {*verdict.result.flags, *verdict.result.needs_review}:  # some are in both
            catalog.INTEGRITY_FLAGS.add(doubt)
        for fault in verdict.faults:
            catalog.SIMULATOR_FAULTS.add(fault.code)
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


def _hearing(case: ScoringCase) -> Hearing:
    return Hearing(case.transcript, case.rubric, required_steps=case.steps, flags=case.flags)


def _plan(case: ScoringCase, policy: ModelPolicy) -> tuple[Hearing, Plan]:
    hearing = _hearing(case)
    return hearing, hearing.plan(policy.judging, policy.samples)


def _verdict(
    case: ScoringCase, hearing: Hearing | None = None, heard: Heard | None = None
) -> Verdict:
    return Verdict(
        result=(hearing or _hearing(case)).result(heard),
        faults=() if case.played is None else _faults(case.played),
    )


def _embedded(case: ScoringCase, why: WhyEmbedded) -> Verdict:
    """Judge without a model, and say why: perhaps one was wanted."""
    verdict = _verdict(case)
    result = msgspec.structs.replace(verdict.result, why=why)
    return msgspec.structs.replace(verdict, result=result)


def _faults(played: Played) -> tuple[Fault, ...]:
    is_english = is_supported(played.language)
    return audit(played.scenario, played.turns, played.end_reason, is_english=is_english)

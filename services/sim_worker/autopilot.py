"""The lane `batch`: a scripted learner plays a whole conversation, one checkpoint per exchange."""

from services.sim_worker.context import Context
from services.sim_worker.engine.learners import next_line
from services.sim_worker.reply import events_of, make_reply
from services.sim_worker.repository import AutopilotCase, AutopilotErasedError
from services.sim_worker.steps import SQL, NewEvent, SpokenTurn, Step, advance
from services.sim_worker.wording import Asker
from shared.contracts.events import EventType
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    JobKind,
    JobMessage,
    encode_payload,
)
from shared.contracts.llm import Task
from shared.contracts.simulation import EndReason, Line
from shared.db.jobs import kept_lease
from shared.db.tx import tenant_once
from shared.llm.ports import Purpose
from shared.log import get_logger
from shared.messaging.precedence import Passage, Precedence

log = get_logger()

LEARNER_ERASED = "learner-erased"
"""Failure code: nothing of the conversation can be read any more."""


class AutopilotHandler:
    """Plays a simulation from its last stored turn to its end."""

    def __init__(self, context: Context, precedence: Precedence | None = None) -> None:
        """Play nothing yet; `precedence` lets interactive turns of the process go first."""
        self._context = context
        self._precedence = precedence or Precedence()

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `batch`."""
        context = self._context
        try:
            taken = await context.reader.take_autopilot(message, context.settings.job_lease_s)
        except AutopilotErasedError as erased:
            await self._answer(message, erased.job, LEARNER_ERASED)
            return
        if taken is None:
            return
        job, case = taken
        if case is not None and case.is_open:
            with kept_lease(context.database, message, context.settings.job_lease_s):
                async with self._precedence.background() as passage:
                    is_over = await self._play(message, case, passage)
                is_over = is_over or not await context.reader.is_open(
                    message.tenant_id, case.simulation_id
                )
            if not is_over:  # another worker plays it and will answer; else the row comes again
                log.info("autopilot.overtaken", simulation_id=str(case.simulation_id))
                return
        await self._answer(message, job, None)

    async def _play(self, message: JobMessage, case: AutopilotCase, passage: Passage) -> bool:
        """Say whether it was this worker that played it to its end."""
        state, lines = case.state, list(case.lines)
        is_open = True
        while is_open:
            await passage.step()
            said = next_line(case.profile, case.scenario, state, lines, seed=case.seed)
            last_seq = len(lines) - 1
            turns: tuple[SpokenTurn, ...] = ()
            end_reason: EndReason | None = EndReason.LEARNER_ENDED
            if said is not None:
                lines.append(Line(role="agent", text=said))
                learner = SpokenTurn(
                    seq=last_seq + 1,
                    turn_id=self._context.ids.new(),
                    text=said,
                    move=None,
                    engine=None,
                )
                reply = await make_reply(
                    self._context,
                    case.scenario,
                    state,
                    lines,
                    seed=case.seed,
                    seq=last_seq + 2,
                    word_budget=case.word_budget,
                    max_hostility=case.spoken.max_hostility,
                    language=case.spoken.language,
                    asker=self._asker(message, case, tuple(lines)),
                )
                lines.append(Line(role="customer", text=reply.text))
                turns = (learner, reply)
                if reply.move is not None:
                    state, end_reason = reply.move.state, reply.move.end_reason
            is_open = end_reason is None
            if not await self._checkpoint(message, case, last_seq, turns, end_reason):
                return False
        return True

    def _asker(self, message: JobMessage, case: AutopilotCase, lines: tuple[Line, ...]) -> Asker:
        """Return for whom a model is asked; nobody waits, so it may take all of its time."""
        purpose = Purpose(
            tenant_id=message.tenant_id,
            task=Task.WORDING,
            environment=case.spoken.environment,
            learner_id=case.learner_id,
            simulation_id=case.simulation_id,
            seq=len(lines),
        )

        async def said() -> tuple[Line, ...]:
            return lines

        limit_s = self._context.settings.llm_timeout_s
        return Asker(purpose=purpose, key=case.key, limit_s=limit_s, said=said)

    async def _checkpoint(
        self,
        message: JobMessage,
        case: AutopilotCase,
        last_seq: int,
        turns: tuple[SpokenTurn, ...],
        end_reason: EndReason | None,
    ) -> bool:
        context = self._context
        step = Step(
            simulation_id=case.simulation_id,
            last_seq=last_seq,
            turns=turns,
            end_reason=end_reason,
            events=self._events(case, last_seq, turns, end_reason),
            job_id=message.job_id,
            is_last=False,
            flow=None,
        )
        stored = await advance(
            context.database,
            message.tenant_id,
            step,
            case.key,
            now=context.clock.now(),
            first_retry_s=context.settings.job_first_retry_s,
        )
        return stored is not None

    def _events(
        self,
        case: AutopilotCase,
        last_seq: int,
        turns: tuple[SpokenTurn, ...],
        end_reason: EndReason | None,
    ) -> tuple[NewEvent, ...]:
        """Return the events of a step; in a batch nobody waits for a turn, only for the end."""
        events = events_of(self._context, last_seq + 2, end_reason)
        if turns and not case.is_batched:
            return events
        return tuple(event for event in events if event.type is EventType.SIMULATION_ENDED)

    async def _answer(self, message: JobMessage, job: BatchJob, failure: str | None) -> None:
        """Finish the job; tell the workflow when this was all it waits for."""
        context = self._context
        part = job.part
        reply = ActivityDone(reply_to=job.reply_to, failure_code=None if part else failure)
        reply_id = context.ids.new()
        rows = await tenant_once(
            context.database,
            message.tenant_id,
            SQL["finish_autopilot"],
            message.job_id,
            part.operation_id if part else None,
            part.part if part else None,
            reply_id,
            encode_payload(reply),
            context.clock.now(),
            context.settings.job_first_retry_s,
        )
        context.publisher.wake_events()
        if rows[0]["is_last"]:
            await context.publisher.job(
                JobMessage(
                    tenant_id=message.tenant_id, job_id=reply_id, kind=JobKind.FLOW, attempt=1
                )
            )

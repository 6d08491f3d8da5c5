"""The lane `batch`: a scripted learner plays a whole conversation, one checkpoint per exchange."""

from services.sim_worker.context import Context
from services.sim_worker.engine.learners import next_line
from services.sim_worker.reply import events_of, make_reply
from services.sim_worker.repository import AutopilotCase, LearnerErasedError
from services.sim_worker.steps import NewEvent, SpokenTurn, Step, advance
from shared.contracts.events import EventType
from shared.contracts.jobs import ActivityDone, BatchJob, JobKind, JobMessage
from shared.contracts.simulation import EndReason, Line
from shared.db.jobs import claim, finish, kept_lease
from shared.db.outbox import add_job
from shared.db.tx import tenant_tx
from shared.log import get_logger

log = get_logger()

LEARNER_ERASED = "learner-erased"
"""Failure code: nothing of the conversation can be read any more."""


class AutopilotHandler:
    """Plays a simulation from its last stored turn to its end."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `batch`."""
        context = self._context
        failure: str | None = None
        case: AutopilotCase | None = None
        async with tenant_tx(context.database, message.tenant_id) as connection:
            job = await claim(connection, message, context.settings.job_lease_s)
        if not isinstance(job, BatchJob):
            return
        try:
            case = await context.reader.find_autopilot(message.tenant_id, job.simulation_id)
        except LearnerErasedError:
            failure = LEARNER_ERASED
        if case is not None and case.is_open:
            with kept_lease(context.database, message, context.settings.job_lease_s):
                is_over = await self._play(message, case) or await self._has_ended(message, case)
            if not is_over:  # another worker plays it and will answer; else the row comes again
                log.info("autopilot.overtaken", simulation_id=str(case.simulation_id))
                return
        await self._answer(message, job, failure)

    async def _play(self, message: JobMessage, case: AutopilotCase) -> bool:
        """Say whether it was this worker that played it to its end."""
        state, lines = case.state, list(case.lines)
        is_open = True
        while is_open:
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
                )
                lines.append(Line(role="customer", text=reply.text))
                turns = (learner, reply)
                if reply.move is not None:
                    state, end_reason = reply.move.state, reply.move.end_reason
            is_open = end_reason is None
            if not await self._checkpoint(message, case, last_seq, turns, end_reason):
                return False
        return True

    async def _has_ended(self, message: JobMessage, case: AutopilotCase) -> bool:
        now = await self._context.reader.find_autopilot(message.tenant_id, case.simulation_id)
        return now is None or not now.is_open

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
            events=self._events(last_seq, turns, end_reason),
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
        self, last_seq: int, turns: tuple[SpokenTurn, ...], end_reason: EndReason | None
    ) -> tuple[NewEvent, ...]:
        events = events_of(self._context, last_seq + 2, end_reason)
        if turns:
            return events
        return tuple(event for event in events if event.type is EventType.SIMULATION_ENDED)

    async def _answer(self, message: JobMessage, job: BatchJob, failure: str | None) -> None:
        context = self._context
        async with tenant_tx(context.database, message.tenant_id) as connection:
            reply = await add_job(
                connection,
                message.tenant_id,
                context.ids.new(),
                ActivityDone(reply_to=job.reply_to, failure_code=failure),
                JobKind.FLOW,
                now=context.clock.now(),
                first_retry_s=context.settings.job_first_retry_s,
            )
            await finish(connection, message.tenant_id, message.job_id)
        context.publisher.wake_events()
        await context.publisher.job(reply)

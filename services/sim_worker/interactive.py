"""The lane `turn`: a person waits for this reply."""

import msgspec

from services.sim_worker.context import Context
from services.sim_worker.reply import events_of, make_reply
from services.sim_worker.repository import (
    LearnerErasedError,
    SimulationRepository,
    SpokenTurn,
    Step,
    TurnCase,
)
from shared.contracts.jobs import JobKind, JobMessage, SimulationEnded
from shared.contracts.simulation import Line
from shared.contracts.subjects import live_subject
from shared.db.jobs import finish, kept_lease
from shared.db.tx import tenant_tx
from shared.log import get_logger

log = get_logger()


class TurnHandler:
    """Makes one reply; a repeat after any crash finds the row stored and changes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `turn`."""
        context = self._context
        tenant_id = message.tenant_id
        async with tenant_tx(context.database, tenant_id) as connection:
            key = await context.keys.tenant(connection, tenant_id)
            repository = SimulationRepository(connection, tenant_id, key, context.scenarios)
            try:
                case = await repository.take_turn(message, context.settings.job_lease_s)
            except LearnerErasedError:
                log.info("turn.learner_erased", job_id=str(message.job_id))
                case = None
                await finish(connection, tenant_id, message.job_id)
        if case is None:
            return
        if not case.is_open:
            await self._finish(message)
            return
        lines = (
            Line(role="customer", text=case.previous_text),
            Line(role="agent", text=case.learner_text),
        )
        async with kept_lease(context.database, message, context.settings.job_lease_s):
            reply = await make_reply(
                context, case.scenario, case.state, lines, seed=case.seed, seq=case.seq
            )
        await self._store(message, case, reply)

    async def _store(self, message: JobMessage, case: TurnCase, reply: SpokenTurn) -> None:
        context = self._context
        end_reason = reply.move.end_reason if reply.move else None
        ended = SimulationEnded(simulation_id=case.simulation_id)
        step = Step(
            simulation_id=case.simulation_id,
            learner_id=case.learner_id,
            last_seq=case.seq - 1,
            turns=(reply,),
            end_reason=end_reason,
            events=events_of(context, case.seq, end_reason),
            job_id=message.job_id,
            is_last=True,
            flow=None if end_reason is None else (context.ids.new(), ended),
        )
        async with tenant_tx(context.database, message.tenant_id) as connection:
            key = await context.keys.tenant(connection, message.tenant_id)
            repository = SimulationRepository(connection, message.tenant_id, key, context.scenarios)
            moved = await repository.advance(
                step, case.wrapped, context.clock.now(), context.settings.job_first_retry_s
            )
        await context.publisher.tell(
            live_subject(message.tenant_id, case.simulation_id),
            msgspec.json.encode({"seq": case.seq}),
        )
        if moved and step.flow is not None:
            await context.publisher.job(
                JobMessage(
                    tenant_id=message.tenant_id,
                    job_id=step.flow[0],
                    kind=JobKind.FLOW,
                    attempt=1,
                )
            )
        await context.publisher.wake_events()

    async def _finish(self, message: JobMessage) -> None:
        async with tenant_tx(self._context.database, message.tenant_id) as connection:
            await finish(connection, message.tenant_id, message.job_id)

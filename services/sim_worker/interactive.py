"""The lane `turn`: a person waits for this reply."""

from datetime import datetime
from itertools import count

import msgspec

from services.sim_worker.context import Context
from services.sim_worker.reply import events_of, make_reply
from services.sim_worker.repository import LearnerErasedError, TurnCase
from services.sim_worker.steps import SpokenTurn, Step, StoredTurn, advance
from services.sim_worker.wording import Asker, Told
from shared.contracts.jobs import JobKind, JobMessage, SimulationEnded
from shared.contracts.live import DELTA_COLUMN, LiveDelta, LiveTurn, delta_row
from shared.contracts.llm import Task
from shared.contracts.simulation import EndReason, Line
from shared.contracts.subjects import live_subject
from shared.db.jobs import finish, kept_lease
from shared.db.tx import tenant_tx
from shared.llm.ports import Purpose
from shared.log import get_logger
from shared.telemetry import catalog
from shared.telemetry.ages import age_s
from shared.telemetry.measures import Measure, note

log = get_logger()

INTERACTIVE_S = 12.0
"""The longest that a person waits for a model's words; then the embedded ones are said."""


class TurnHandler:
    """Makes one reply; a repeat after any crash finds the row stored and changes nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `turn`."""
        context = self._context
        lease_s = context.settings.job_lease_s
        try:
            case = await context.reader.take_turn(message, lease_s)
        except LearnerErasedError:
            log.info("turn.learner_erased", job_id=str(message.job_id))
            await self._finish(message)
            return
        if case is None:
            return
        if not case.is_open:
            await self._finish(message)
            return
        queued_s = age_s(message.job_id, context.clock.now())
        with kept_lease(context.database, message, lease_s):
            reply = await make_reply(
                context,
                case.scenario,
                case.state,
                case.lines,
                seed=case.seed,
                seq=case.seq,
                word_budget=case.word_budget,
                max_hostility=case.spoken.max_hostility,
                language=case.spoken.language,
                asker=self._asker(message, case),
                told=self._teller(message, case) if case.is_streamed else None,
            )
        await self._store(message, case, reply, queued_s)

    def _asker(self, message: JobMessage, case: TurnCase) -> Asker:
        """Return for whom a model is asked."""
        context, tenant_id = self._context, message.tenant_id
        purpose = Purpose(
            tenant_id=tenant_id,
            task=Task.WORDING,
            environment=case.spoken.environment,
            learner_id=case.learner_id,
            simulation_id=case.simulation_id,
            seq=case.seq,
        )

        async def said() -> tuple[Line, ...]:
            return await context.reader.said(tenant_id, case.simulation_id, case.seq, case.key)

        limit_s = min(context.settings.llm_timeout_s, INTERACTIVE_S)
        return Asker(purpose=purpose, key=case.key, limit_s=limit_s, said=said)

    def _teller(self, message: JobMessage, case: TurnCase) -> Told:
        """Return what tells this try's pieces to whoever reads along."""
        subject = live_subject(message.tenant_id, case.simulation_id)
        numbers = count()

        async def tell(piece: str) -> None:
            index = next(numbers)
            if index == 0:
                waited = age_s(message.job_id, self._context.clock.now())
                catalog.STREAM_FIRST_DELTA.observe(waited)
            row = delta_row(case.simulation_id, case.seq, case.attempt, index)
            delta = LiveDelta(
                seq=case.seq,
                attempt=case.attempt,
                index=index,
                text=case.key.seal_text(piece, DELTA_COLUMN, row),
            )
            await self._context.publisher.tell(subject, msgspec.json.encode(delta))

        return tell

    async def _store(
        self, message: JobMessage, case: TurnCase, reply: SpokenTurn, queued_s: float
    ) -> None:
        context = self._context
        end_reason = reply.move.end_reason if reply.move else None
        ended = SimulationEnded(simulation_id=case.simulation_id)
        step = Step(
            simulation_id=case.simulation_id,
            last_seq=case.seq - 1,
            turns=(reply,),
            end_reason=end_reason,
            events=events_of(context, case.seq, end_reason),
            job_id=message.job_id,
            is_last=True,
            flow=None if end_reason is None else (context.ids.new(), ended),
        )
        now = context.clock.now()
        stored = await advance(
            context.database,
            message.tenant_id,
            step,
            case.key,
            now=now,
            first_retry_s=context.settings.job_first_retry_s,
        )
        if stored is None:
            return
        note(Measure("turn", message.tenant_id, age_s(message.job_id, context.clock.now())))
        await context.publisher.tell(
            live_subject(message.tenant_id, case.simulation_id),
            msgspec.json.encode(_live(stored[0], now, end_reason, _hint(case, reply), queued_s)),
        )
        if step.flow is not None:
            flow = JobMessage(
                tenant_id=message.tenant_id, job_id=step.flow[0], kind=JobKind.FLOW, attempt=1
            )
            await context.publisher.job(flow)
        context.publisher.wake_events()

    async def _finish(self, message: JobMessage) -> None:
        async with tenant_tx(self._context.database, message.tenant_id) as connection:
            await finish(connection, message.tenant_id, message.job_id)


def _hint(case: TurnCase, reply: SpokenTurn) -> str | None:
    if not case.hints or reply.move is None or reply.move.end_reason is not None:
        return None
    return reply.move.state.hint or None


def _live(
    turn: StoredTurn,
    now: datetime,
    end_reason: EndReason | None,
    hint: str | None,
    queued_s: float,
) -> LiveTurn:
    return LiveTurn(
        seq=turn.seq,
        turn_id=turn.turn_id,
        text=turn.text,
        state=msgspec.Raw((turn.state or "null").encode()),
        surface=turn.surface or "",
        acts=msgspec.Raw((turn.acts or "[]").encode()),
        causes=msgspec.Raw((turn.causes or "[]").encode()),
        engine=turn.engine or "",
        wording=msgspec.Raw((turn.wording or "null").encode()),
        appraisal="embedded" if turn.appraisal is None else "model",
        hint=hint,
        created_at=now,
        queued_ms=round(1000 * queued_s),
        status="open" if end_reason is None else "ended",
        end_reason=None if end_reason is None else end_reason.value,
    )

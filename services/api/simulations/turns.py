"""A learner's turn: stored with its job in one transaction, then the reply is awaited.

If this process dies after the commit, the reply is still made, and a repeated request finds it.
"""

import asyncio
import time
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from services.api.context import ProcessContext
from services.api.environments import mark_before_turn
from services.api.idempotency import Claim, find_claim
from services.api.live import LiveReplies, Waiter
from services.api.principal import Principal
from services.api.simulations.openings import check_key
from services.api.simulations.records import Exchange, Gate, LearnerTurn, Turn
from services.api.simulations.repository import SimulationRepository, heard_exchange, open_turn, say
from shared.contracts.jobs import JobKind, JobMessage
from shared.db.pool import Connection
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.errors import (
    BacklogFullError,
    ConflictError,
    SimulationClosedError,
    TurnInProgressError,
    TurnOutOfOrderError,
)
from shared.tenancy.admission import full

COUNTED_FOR_S = 1.0
BURST = 3000
"""More turns than one process accepts in `COUNTED_FOR_S`; several processes share the rest."""

REMEMBERED_VOICES = 20_000
"""Simulations whose learner's wrapped key a process remembers from the turn before."""

LOOK_S = 1.0
"""Seconds between two looks into Postgres while waiting: news over NATS may be lost."""


class StaleSeqError(TurnOutOfOrderError):
    """`expected_seq` is not the last committed turn; `last_seq` is, and goes into the answer."""

    def __init__(self, last_seq: int) -> None:
        super().__init__(f"The last committed turn is {last_seq}")
        self.last_seq = last_seq


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner wants to say."""

    simulation_id: UUID
    text: str
    expected_seq: int
    streamed: bool = False
    """The reply is wanted in pieces as well."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A learner's turn that is committed."""

    seq: int
    key: SealKey
    turn: LearnerTurn | None
    """What this request stored; None when an earlier one did it all."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn request answers."""

    exchange: Exchange
    replayed: bool


class Backlogs:
    """When a tenant's waiting turns must be counted.

    Counting is the dearest part of accepting a turn, and one process cannot take more than
    `BURST` turns in `COUNTED_FOR_S`: far below its cap a tenant is counted once in that time.
    """

    def __init__(self) -> None:
        self._counted: dict[UUID, tuple[float, int]] = {}

    def count_to(self, tenant_id: UUID, cap: int) -> int:
        """Return how far to count now: `cap`, or 0 for not at all."""
        at, waiting = self._counted.get(tenant_id, (float("-inf"), cap))
        is_fresh = time.monotonic() - at < COUNTED_FOR_S
        return 0 if is_fresh and waiting + BURST < cap else cap

    def note(self, tenant_id: UUID, waiting: int) -> None:
        """Remember a count."""
        self._counted[tenant_id] = (time.monotonic(), waiting)


class TurnService:
    """Takes turns and lists them."""

    def __init__(self, context: ProcessContext, live: LiveReplies) -> None:
        self._context = context
        self._live = live
        self._backlogs = Backlogs()
        self._voices: dict[tuple[UUID, UUID], tuple[UUID, bytes]] = {}

    async def say(
        self, principal: Principal, claim: Claim, simulation_id: UUID, text: str, expected_seq: int
    ) -> Said:
        """Store what the learner said and wait for the reply, at most `turn_wait_s` seconds.

        Raises:
            NotFoundError: no such simulation for this caller.
            SimulationClosedError, ConflictError: ended, or it plays itself, or takes a model, which
                a test key never has.
            TurnInProgressError: the last turn is not answered yet.
            StaleSeqError: the conversation has moved on.
            BacklogFullError: too many turns of this tenant are waiting.
        """
        await self._live.open()
        line = Line(simulation_id=simulation_id, text=text, expected_seq=expected_seq)
        with self._live.expect(principal.tenant_id, simulation_id, expected_seq + 2) as waiter:
            accepted = await self.accept(principal, claim, line)
            exchange = await self._await_reply(principal, simulation_id, accepted, waiter, text)
        return Said(exchange=exchange, replayed=accepted.turn is None)

    async def accept(self, principal: Principal, claim: Claim, line: Line) -> Accepted:
        """Store what the learner said and have the reply made; refusals as of `say`."""
        context = self._context
        if principal.environment == "test":
            await self._check_key(principal, line.simulation_id)
        await mark_before_turn(context.database, principal, line.simulation_id, context.clock.now())
        try:
            accepted = await self._accept(principal, claim, line)
        except asyncpg.UniqueViolationError:
            # A twin committed and was answered while we waited for the lock: now it is visible.
            accepted = await self._accept(principal, claim, line)
        if accepted.turn is not None:
            await context.publisher.job(_job(principal.tenant_id, accepted.turn))
        return accepted

    async def list(
        self, principal: Principal, simulation_id: UUID, after_seq: int, limit: int
    ) -> list[Turn]:
        """Return up to `limit` turns after a seq, in order; raises `NotFoundError`."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = SimulationRepository(connection, bounds)
            rows = await repository.list_turns(simulation_id, after_seq, limit)
            if not rows:
                await repository.get(simulation_id)
                return []
            tenant = await context.keys.tenant(connection, principal.tenant_id)
        key = tenant.learner_key(rows[0]["learner_id"], rows[0]["wrapped"])
        return [open_turn(row, key) for row in rows]

    async def _check_key(self, principal: Principal, simulation_id: UUID) -> None:
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            simulation = await SimulationRepository(connection, bounds).get(simulation_id)
        check_key(principal, simulation.language)

    async def _accept(self, principal: Principal, claim: Claim, line: Line) -> Accepted:
        simulation_id = line.simulation_id
        context = self._context
        now = context.clock.now()
        backlog = (await context.limits.at_hand(principal.tenant_id)).backlog
        count_to = self._backlogs.count_to(principal.tenant_id, backlog)
        bounds = principal.bounds(now)
        known = self._voices.get((principal.tenant_id, simulation_id))
        if known is not None and not count_to:
            tenant = await context.keys.warm(context.database, principal.tenant_id)
            key = tenant.learner_key(*known)
            turn = self._turn(claim, line, key, now)
            if await say(context.database, bounds, turn, known[1]):
                return Accepted(seq=turn.seq, key=key, turn=turn)
            self._voices.pop((principal.tenant_id, simulation_id), None)  # erased, it may be
        async with tenant_tx(context.database, principal.tenant_id, is_hot=True) as connection:
            repository = SimulationRepository(connection, bounds)
            gate = await repository.open_gate(simulation_id, claim, count_to)
            if count_to:
                self._backlogs.note(principal.tenant_id, gate.waiting)
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            key = tenant.learner_key(gate.learner_id, gate.wrapped)
            refusal = _refusal(gate, line.expected_seq, backlog)
            if isinstance(refusal, BacklogFullError):
                refusal = await full(
                    connection, principal.tenant_id, JobKind.TURN, gate.waiting, backlog,
                    context.random,
                )  # fmt: skip
            earlier = await _earlier(connection, principal.tenant_id, gate, claim, refusal)
            if earlier is not None:
                return Accepted(seq=earlier, key=key, turn=None)
            if refusal is not None:
                raise refusal
            turn = self._turn(claim, line, key, now)
            await repository.insert_learner_turn(turn)
        self._remember(principal.tenant_id, simulation_id, gate)
        return Accepted(seq=turn.seq, key=key, turn=turn)

    def _turn(self, claim: Claim, line: Line, key: SealKey, now: datetime) -> LearnerTurn:
        seq = line.expected_seq + 1
        return LearnerTurn(
            simulation_id=line.simulation_id,
            seq=seq,
            turn_id=self._context.ids.new(),
            sealed=key.seal_text(line.text, "turns.text", turn_row(line.simulation_id, seq)),
            streamed=line.streamed,
            job_id=self._context.ids.new(),
            claim=claim,
            at=now,
            retry_at=now + timedelta(seconds=self._context.settings.job_first_retry_s),
        )

    def _remember(self, tenant_id: UUID, simulation_id: UUID, gate: Gate) -> None:
        """Keep the wrapped key for the next turn; Postgres decides whether it is still the one."""
        if len(self._voices) >= REMEMBERED_VOICES:
            self._voices.pop(next(iter(self._voices)))
        self._voices[tenant_id, simulation_id] = (gate.learner_id, gate.wrapped)

    async def _await_reply(
        self,
        principal: Principal,
        simulation_id: UUID,
        accepted: Accepted,
        waiter: Waiter,
        text: str,
    ) -> Exchange:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._context.settings.turn_wait_s
        waiter.seq = accepted.seq + 1
        is_first_look = accepted.turn is None
        while True:
            left = deadline - loop.time()
            if not is_first_look:
                await waiter.heard(min(LOOK_S, max(left, 0)))
                if waiter.turn is not None and accepted.turn is not None:
                    self._context.shedder.note("worker", waiter.turn.queued_ms / 1000)
                    return heard_exchange(accepted.turn, text, waiter.turn, accepted.key)
            is_first_look = False
            exchange = await self.exchange(principal, simulation_id, accepted)
            if exchange.reply is not None or exchange.standing.status != "open" or left <= 0:
                return exchange

    async def exchange(
        self, principal: Principal, simulation_id: UUID, accepted: Accepted
    ) -> Exchange:
        """Return an accepted turn and the reply to it, if there is one yet."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = SimulationRepository(connection, bounds)
            return await repository.get_exchange(simulation_id, accepted.seq, accepted.key)


def _job(tenant_id: UUID, turn: LearnerTurn) -> JobMessage:
    return JobMessage(tenant_id=tenant_id, job_id=turn.job_id, kind=JobKind.TURN, attempt=1)


_Refusal = (
    SimulationClosedError | ConflictError | TurnInProgressError | StaleSeqError | BacklogFullError
)


def _refusal(gate: Gate, expected_seq: int, backlog: int) -> _Refusal | None:
    """Return why a new turn is not taken now."""
    if gate.mode == "autopilot":
        return ConflictError("This simulation plays itself")
    if gate.status != "open":
        return SimulationClosedError()
    if gate.last_seq % 2:
        return TurnInProgressError(retry_after_s=1)
    if gate.last_seq != expected_seq:
        return StaleSeqError(gate.last_seq)
    if gate.waiting >= backlog:
        return BacklogFullError()  # when to come back is looked up by the caller
    return None


async def _earlier(
    connection: Connection, tenant_id: UUID, gate: Gate, claim: Claim, refusal: _Refusal | None
) -> int | None:
    """Return the seq that an earlier request with this key made."""
    if gate.fingerprint is not None:
        claim.check(gate.fingerprint)
        return gate.sequence
    if refusal is None:
        return None
    # The gate's snapshot may be older than its lock: a twin can have committed in between.
    found = await find_claim(connection, tenant_id, claim)
    return None if found is None else found.sequence

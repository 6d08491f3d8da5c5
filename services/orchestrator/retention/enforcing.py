"""One pass over one tenant: batch by batch, each a transaction that remembers how far it came."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from services.orchestrator.retention.pruning import prune
from services.orchestrator.retention.wiping import SQL, Wiper
from shared.clock import Clock
from shared.db.keys import KeyRing
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.log import get_logger
from shared.privacy.rights import eraser_tx
from shared.retention import KINDS, Retention, find_retention, first_id, made_at
from shared.trail.chain import HeadSigner
from shared.trail.entries import SYSTEM, Entry, record

log = get_logger()

PER_BATCH: Final = 50
"""Conversations of one transaction: some thousand small rows, a fraction of a second."""

PER_DELETE: Final = 1000
"""Rows of one deletion."""

SOONEST: Final = timedelta(hours=6)
"""Least time between two passes over a tenant: how late beyond its day something may go."""

REFUSED: Final = timedelta(days=30)
"""How long it is said why a conversation was refused, at most: whoever sent it knows by then."""

NOTHING: Final = UUID(int=0)

_WALKS: Final = {
    "simulation_transcripts": ("next_simulations", "oldest_simulation", Wiper.simulations),
    "conversation_transcripts": ("next_conversations", "oldest_conversation", Wiper.conversations),
    "score_details": ("next_scorings", "oldest_scoring", Wiper.details),
}
"""Kinds that are walked through by id: the next ones, the next to become old, what is done."""

_DELETIONS: Final = {
    "webhook_payloads": ("forget_deliveries", True),
    "usage_details": ("forget_calls", False),
    "refused_conversations": ("forget_refused", True),
    "late_comments": ("forget_comments", False),
}
"""Kinds whose rows go: by which statement, and whether it takes an id or a time."""

_OLDEST: Final = {
    "webhook_payloads": "oldest_delivery",
    "usage_details": "oldest_call",
    "audit_log": "oldest_entry",
    "refused_conversations": "oldest_refused",
    "late_comments": "oldest_comment",
}
"""The oldest thing of the other kinds, by its id or its time."""

Beat = Callable[[int], None]


class _Step(NamedTuple):
    """How far a walk came in this pass."""

    last: UUID | None
    """Place of the newest thing that was looked at; None: there is nothing beyond."""
    is_whole: bool
    """Whether nothing up to there was left for later, because somebody works with it."""
    done: int


_BEGIN: Final = _Step(NOTHING, is_whole=True, done=0)


class Enforcer:
    """Enforces what tenants have set. Twice is as once; a pass that breaks off is gone on with."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, signer: HeadSigner) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._signer = signer

    async def enforce(self, tenant_id: UUID, beat: Beat = lambda _: None) -> dict[str, int]:
        """Deal with everything that is too old; return how much, by kind.

        A kind in trouble holds up no other, and what was done is told of; the tenant stays due.

        Args:
            tenant_id: Whose.
            beat: Called after each batch with its size.

        Raises:
            Exception: the trouble of the first such kind, when all others are dealt with.
        """
        now = self._clock.now()
        async with tenant_tx(self._database, tenant_id) as connection:
            has_left = await connection.fetchval(SQL["has_left"], tenant_id)
            times = {} if has_left else _times(await find_retention(connection, tenant_id))
        if has_left:
            return await self._departed(tenant_id, now, beat)
        counts, dues, failures = dict.fromkeys(times, 0), [], []
        for kind, kept in times.items():

            def note(some: int, kind: str = kind) -> None:
                counts[kind] += some
                beat(some)

            deal = self._walks if kind in _WALKS else self._takes
            try:
                await deal(tenant_id, kind, now - kept, note)
                dues.append(await self._due(tenant_id, kind, now, kept))
            except Exception as error:
                log.warning("retention.kind_failed", kind=kind, error=type(error).__name__)
                failures.append(error)
        due_at = None if failures else max(min(dues), now + SOONEST)
        await self._end(tenant_id, counts, due_at, now)
        if failures:
            raise failures[0]
        return counts

    async def _departed(self, tenant_id: UUID, now: datetime, beat: Beat) -> dict[str, int]:
        """Prune the audit trail of a tenant that has left, by the default; nothing else is there.

        Nothing is written down in its name any more, not when the next time is either.
        """
        done: list[int] = []

        def note(some: int) -> None:
            done.append(some)
            beat(some)

        before = now - timedelta(days=Retention().audit_log)
        await self._takes(tenant_id, "audit_log", before, note)
        log.info("retention.enforced", tenant_id=str(tenant_id), audit_log=sum(done))
        return {"audit_log": sum(done)}

    async def _takes(self, tenant_id: UUID, kind: str, before: datetime, note: Beat) -> None:
        """Delete the rows of a kind that are too old."""
        some = 1
        while some:
            if kind == "audit_log":
                some = await prune(self._database, self._signer, tenant_id, before)
            else:
                some = await self._delete(tenant_id, kind, before)
            if some:
                note(some)

    async def _walks(self, tenant_id: UUID, kind: str, before: datetime, note: Beat) -> None:
        """Take the words out of a kind."""
        step = _BEGIN
        while step.last is not None:
            step = await self._walk(tenant_id, kind, before, step)
            if step.last is not None:
                note(step.done)

    async def _walk(self, tenant_id: UUID, kind: str, before: datetime, step: _Step) -> _Step:
        """Deal with the next batch of a kind.

        What somebody works with keeps its words until a later pass, which begins there anew.
        """
        following, _, wipe = _WALKS[kind]
        async with eraser_tx(self._database, tenant_id) as connection:
            bound = first_id(before)
            after = max(await _dealt(connection, tenant_id, kind), step.last or NOTHING)
            rows = await connection.fetch(SQL[following], tenant_id, after, bound, PER_BATCH)
            if not rows:
                return _Step(None, step.is_whole, 0)
            try:
                tenant = await self._keys.tenant(connection, tenant_id)
            except NotFoundError:  # the tenant has left, and its words with its keys
                return _Step(None, step.is_whole, 0)
            now = self._clock.now()
            things = [row["thing_id"] for row in rows]
            busy = await _in_work(connection, tenant_id, things, now)
            free = [row for row in rows if row["thing_id"] not in busy]
            await wipe(Wiper(connection, tenant, free, now), before)
            done = _before(rows, busy) if step.is_whole else None
            if done is not None:
                await connection.execute(SQL["put_dealt"], tenant_id, now, kind, str(done))
        return _Step(rows[-1]["place"], step.is_whole and not busy, len(free))

    async def _delete(self, tenant_id: UUID, kind: str, before: datetime) -> int:
        statement, is_by_id = _DELETIONS[kind]
        if kind == "usage_details":
            before = min(before, _billed_until(self._clock.now()))
        bound = first_id(before) if is_by_id else before
        more = (self._clock.now(),) if kind == "late_comments" else ()
        async with eraser_tx(self._database, tenant_id) as connection:
            status = await connection.execute(SQL[statement], tenant_id, bound, PER_DELETE, *more)
        return int(status.rpartition(" ")[2])

    async def _due(self, tenant_id: UUID, kind: str, now: datetime, kept: timedelta) -> datetime:
        """Return when the next thing of a kind becomes too old.

        Where none waits it is whatever is made from now on.
        """
        async with tenant_tx(self._database, tenant_id) as connection:
            if kind in _WALKS:
                after = await _dealt(connection, tenant_id, kind)
                oldest = await connection.fetchval(SQL[_WALKS[kind][1]], tenant_id, after)
            else:
                oldest = await connection.fetchval(SQL[_OLDEST[kind]], tenant_id)
        if oldest is None:
            return now + kept
        return kept + (made_at(oldest, now) if isinstance(oldest, UUID) else oldest)

    async def _end(
        self, tenant_id: UUID, counts: dict[str, int], due_at: datetime | None, now: datetime
    ) -> None:
        done: dict[str, str | int | bool] = {kind: some for kind, some in counts.items() if some}
        async with tenant_tx(self._database, tenant_id) as connection:
            if await connection.fetchval(SQL["has_left"], tenant_id):
                return  # meanwhile
            if done:
                entry = Entry(
                    tenant_id=tenant_id,
                    actor=SYSTEM,
                    action="retention.enforced",
                    target="settings/retention",
                    request_id="",
                    at=now,
                    facts=done,
                )
                await record(connection, entry)
            if due_at is not None:
                await connection.execute(SQL["put_due"], tenant_id, due_at)
        if done:
            log.info("retention.enforced", tenant_id=str(tenant_id), **done)


async def _dealt(connection: Connection, tenant_id: UUID, kind: str) -> UUID:
    dealt = await connection.fetchval(SQL["find_pass"], tenant_id)
    return UUID(msgspec.json.decode(dealt or "{}").get(kind, str(NOTHING)))


async def _in_work(
    connection: Connection, tenant_id: UUID, things: list[UUID], now: datetime
) -> frozenset[UUID]:
    """Return what somebody works with; nobody begins to until the transaction is over."""
    await connection.execute(SQL["hold_scores"], tenant_id, things)
    rows: list[asyncpg.Record] = await connection.fetch(SQL["in_work"], tenant_id, things, now)
    return frozenset(row["thing_id"] for row in rows)


def _times(retention: Retention) -> dict[str, timedelta]:
    """Return how long everything is kept that does not stay for good, in the order of going."""
    times = {kind: kept for kind in KINDS if (kept := retention.days(kind)) is not None}
    times["refused_conversations"] = min(REFUSED, times.get("conversation_transcripts", REFUSED))
    if "score_details" in times:
        times["late_comments"] = times["score_details"]
    return times


def _before(rows: list[asyncpg.Record], busy: frozenset[UUID]) -> UUID | None:
    """Return the last place before the first busy thing; None: that is the first."""
    last = None
    for row in rows:
        if row["thing_id"] in busy:
            break
        last = row["place"]
    return last


def _billed_until(now: datetime) -> datetime:
    """Return where last month began: this one's and last one's calls are what bills are made of."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (month - timedelta(days=1)).replace(day=1)

"""One pass over one tenant: batch by batch, each a transaction that remembers how far it came."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

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
from shared.retention import KINDS, find_retention, first_id, made_at
from shared.trail.chain import HeadSigner
from shared.trail.entries import SYSTEM, Entry, record

log = get_logger()

PER_BATCH: Final = 50
"""Conversations of one transaction: some thousand small rows, a fraction of a second."""

PER_DELETE: Final = 1000
"""Rows of one deletion."""

SOONEST: Final = timedelta(hours=6)
"""Least time between two passes over a tenant: how late beyond its day something may go."""

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
}
"""Kinds whose rows go: by which statement, and whether it takes an id or a time."""

_OLDEST: Final = {
    "webhook_payloads": "oldest_delivery",
    "usage_details": "oldest_call",
    "audit_log": "oldest_entry",
}
"""The oldest thing of the other kinds, by its id or its time."""

Beat = Callable[[int], None]


class Enforcer:
    """Enforces what tenants have set. Twice is as once; a pass that breaks off is gone on with."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, signer: HeadSigner) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._signer = signer

    async def enforce(self, tenant_id: UUID, beat: Beat = lambda _: None) -> dict[str, int]:
        """Deal with everything that is too old; return how much, by kind.

        Args:
            tenant_id: Whose.
            beat: Called after each batch with its size.
        """
        now = self._clock.now()
        async with tenant_tx(self._database, tenant_id) as connection:
            retention = await find_retention(connection, tenant_id)
        counts, dues = {}, []
        for kind in KINDS:
            kept = retention.days(kind)
            if kept is None:
                continue
            counts[kind] = await self._kind(tenant_id, kind, now - kept, beat)
            dues.append(await self._due(tenant_id, kind, now, kept))
        await self._end(tenant_id, counts, max(min(dues), now + SOONEST), now)
        return counts

    async def _kind(self, tenant_id: UUID, kind: str, before: datetime, beat: Beat) -> int:
        total = 0
        while True:
            if kind == "audit_log":
                some = await prune(self._database, self._signer, tenant_id, before)
            elif kind in _DELETIONS:
                some = await self._delete(tenant_id, kind, before)
            else:
                some = await self._walk(tenant_id, kind, before)
            total += some
            if not some:
                return total
            beat(some)

    async def _walk(self, tenant_id: UUID, kind: str, before: datetime) -> int:
        """Deal with the next batch of a kind; return how many things it was."""
        following, _, wipe = _WALKS[kind]
        async with eraser_tx(self._database, tenant_id) as connection:
            after = await _dealt(connection, tenant_id, kind)
            rows = await connection.fetch(
                SQL[following], tenant_id, after, first_id(before), PER_BATCH
            )
            if not rows:
                return 0
            try:
                tenant = await self._keys.tenant(connection, tenant_id)
            except NotFoundError:  # the tenant has left, and its words with its keys
                return 0
            now = self._clock.now()
            await wipe(Wiper(connection, tenant, rows, now), before)
            if kind == "conversation_transcripts":
                await connection.execute(
                    SQL["forget_refused"], tenant_id, first_id(before), PER_DELETE
                )
            last = rows[-1]["thing_id"]
            await connection.execute(SQL["put_dealt"], tenant_id, now, kind, str(last))
        return len(rows)

    async def _delete(self, tenant_id: UUID, kind: str, before: datetime) -> int:
        statement, is_by_id = _DELETIONS[kind]
        bound = first_id(before) if is_by_id else before
        async with eraser_tx(self._database, tenant_id) as connection:
            status = await connection.execute(SQL[statement], tenant_id, bound, PER_DELETE)
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
        self, tenant_id: UUID, counts: dict[str, int], due_at: datetime, now: datetime
    ) -> None:
        done: dict[str, str | int | bool] = {kind: some for kind, some in counts.items() if some}
        async with tenant_tx(self._database, tenant_id) as connection:
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
            await connection.execute(SQL["put_due"], tenant_id, due_at)
        if done:
            log.info("retention.enforced", tenant_id=str(tenant_id), **done)


async def _dealt(connection: Connection, tenant_id: UUID, kind: str) -> UUID:
    dealt = await connection.fetchval(SQL["find_pass"], tenant_id)
    return UUID(msgspec.json.decode(dealt or "{}").get(kind, str(NOTHING)))

"""Who read what, and which keys are in use: noted in memory, written some seconds later.

A read must not become a write, so notes wait for a flush, and the same reading is written once an
hour (the same key once a day) however often it happens and on however many processes. What a crash
can lose are the notes of the last `FLUSH_S` seconds. Exports are written before their first byte.
"""

import asyncio
import hashlib
from collections import defaultdict
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.api.principal import Principal
from services.api.trail.recording import CURRENT_REQUEST
from shared.clock import Clock
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.log import get_logger
from shared.trail.entries import Entry, record

log = get_logger()

FLUSH_S: Final = 2.0
"""Seconds from the first note to the write."""

REMEMBERED: Final = 50_000
"""Notes that a process knows to be written; the oldest goes first, and is asked for again."""

MOST_WAITING: Final = 20_000
"""Notes that wait for a database that is away; more are lost, and the log says how many."""

EXPORTED: Final = ".exported"
"""End of the actions that are written before the answer, each time."""

_HOUR_S: Final = 3600
_DAY_S: Final = 86_400

_MARK: Final = """
insert into trail_marks (tenant_id, mark, at)
select $1, one, $3 from unnest($2::bytea[]) as one
on conflict do nothing
returning mark
"""

_Key = tuple[UUID, UUID, str, str, int]


class _Noted(NamedTuple):
    key: _Key
    entry: Entry

    @property
    def mark(self) -> bytes:
        """16 bytes by which other processes know that it is written."""
        return hashlib.blake2b(repr(self.key).encode(), digest_size=16).digest()


class Watch:
    """Notes of one process. Without requests there is neither a timer nor a write."""

    def __init__(self, database: Database, clock: Clock, *, flush_s: float = FLUSH_S) -> None:
        self._database = database
        self._clock = clock
        self._flush_s = flush_s
        self._known: dict[_Key, None] = {}
        self._waiting: list[_Noted] = []
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: set[asyncio.Task[None]] = set()

    async def saw(self, principal: Principal, action: str | None, target: str) -> None:
        """Note that somebody was answered; most calls cost two look-ups in memory.

        Learner tokens are not noted: learners read what is their own.

        Raises:
            OSError, asyncpg.PostgresError: an export cannot be written down now: no answer then.
        """
        if principal.token is not None:
            return
        now = self._clock.now()
        used = "user.seen" if principal.is_sign_in else "key.used"
        self._note(principal, used, _own_id(principal), now, _DAY_S)
        if action is None:
            return
        if action.endswith(EXPORTED):
            async with tenant_tx(self._database, principal.tenant_id) as connection:
                await record(connection, _entry(principal, action, target, now))
        else:
            self._note(principal, action, target, now, _HOUR_S)

    async def flush(self) -> None:
        """Write what waits. A database that does not answer delays notes, and no request."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        tenants: defaultdict[UUID, list[_Noted]] = defaultdict(list)
        for noted in waiting:
            tenants[noted.key[0]].append(noted)
        delayed: list[_Noted] = []
        reason = ""
        for tenant_id, some in tenants.items():
            try:
                async with tenant_tx(self._database, tenant_id) as connection:
                    await _write(connection, tenant_id, some, self._clock.now())
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                delayed += some
                reason = type(error).__name__
        if delayed:
            self._take_back(delayed, reason)

    def _note(
        self, principal: Principal, action: str, target: str, now: datetime, span_s: int
    ) -> None:
        span = int(now.timestamp()) // span_s
        key = (principal.tenant_id, principal.user_id or principal.key_id, action, target, span)
        if key in self._known:
            return
        if len(self._known) >= REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[key] = None
        self._waiting.append(_Noted(key, _entry(principal, action, target, now)))
        self._start()

    def _take_back(self, some: list[_Noted], error: str) -> None:
        room = 0 if self._database.is_closed else max(MOST_WAITING - len(self._waiting), 0)
        self._waiting.extend(some[:room])
        log.warning("trail.delayed", notes=len(some), lost=len(some[room:]), error=error)
        if self._waiting:
            self._start()

    def _start(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._flush_s, self._begin)

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self.flush())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)


def _own_id(principal: Principal) -> str:
    return principal.actor.public_id or ""


def _entry(principal: Principal, action: str, target: str, now: datetime) -> Entry:
    return Entry(
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        action=action,
        target=target,
        request_id=CURRENT_REQUEST.get(),
        at=now,
    )


async def _write(
    connection: Connection, tenant_id: UUID, some: list[_Noted], now: datetime
) -> None:
    some = sorted(some, key=lambda noted: noted.mark)  # so two processes cannot wait in a circle
    marks = [noted.mark for noted in some]
    new = {row["mark"] for row in await connection.fetch(_MARK, tenant_id, marks, now)}
    for noted, mark in zip(some, marks, strict=True):
        if mark in new:
            await record(connection, noted.entry)

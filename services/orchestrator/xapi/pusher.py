"""The sender of statements: reads by position, at least once, under ids that never change."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from services.orchestrator.context import Context
from services.orchestrator.xapi.repository import (
    Batch,
    find_due,
    note_failure,
    note_success,
    take_batch,
)
from shared.db.keys import KeyRing
from shared.log import get_logger
from shared.tasks import end
from shared.webhooks.outbound import Answer, Outbound
from shared.xapi.statements import Statement
from shared.xapi.stores import Store
from shared.xapi.vocabulary import HEADER

log = get_logger()

POLL_S: Final = 1.0
"""Seconds between two looks for stores that lack something."""

AT_ONCE: Final = 16
"""Stores that are written to at a time; a slow one holds its own place only."""

ONE_BY_ONE_S: Final = 60.0
"""Longest seconds for sending a refused batch statement by statement; shorter than the lease."""

WAITS: Final = (5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds until a store is tried again, by failures in a row; then every hour."""

LONGEST_WAIT_S: Final = 3600.0
"""Of what a store may ask for itself (`Retry-After`)."""

_OK: Final = range(200, 300)
_THERE: Final = 409
_TRY_AGAIN: Final = frozenset({401, 403, 404, 405, 407, 408, 421, 425, 429})
"""Refusals that speak of the address, the key or the load, not of the statement."""


class NotTakenError(Exception):
    """A store did not take something, and may later."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.error or f"status-{answer.status}")
        self.answer = answer


class Pusher:
    """Sends what stores lack. Several processes share the work by leases."""

    def __init__(self, context: Context, keys: KeyRing, outbound: Outbound | None = None) -> None:
        self._context = context
        self._keys = keys
        self._outbound = outbound or Outbound(context.settings, connections=AT_ONCE)
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Drop what is in hand; it is sent again, and stores keep each statement once."""
        await end([*self._running.values(), *(() if self._loop is None else (self._loop,))])
        await self._outbound.close()

    async def send(self, tenant_id: UUID) -> bool:
        """Send one batch to a tenant's store; say whether it has taken all of it."""
        batch = await take_batch(self._context, self._keys, tenant_id)
        if batch is None:
            return False
        delivery = _Delivery(self._outbound, batch)
        try:
            await delivery.run()
        except NotTakenError as refused:
            await note_failure(
                self._context, tenant_id, delivery.upto, delivery.rejected, str(refused),
                _waits(refused.answer),
            )  # fmt: skip
            log.info("xapi.failed", tenant_id=str(tenant_id), error=str(refused))
            return False
        await note_success(self._context, tenant_id, delivery.upto, delivery.rejected)
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self._start_due()
            except Exception as error:
                log.warning("xapi.interrupted", error=type(error).__name__)
            await asyncio.sleep(POLL_S)

    async def _start_due(self) -> None:
        for tenant_id in await find_due(self._context, AT_ONCE):
            if tenant_id not in self._running and len(self._running) < AT_ONCE:
                task = asyncio.create_task(self._work(tenant_id))
                self._running[tenant_id] = task

    async def _work(self, tenant_id: UUID) -> None:
        try:
            while await self.send(tenant_id):
                if tenant_id not in await find_due(self._context, AT_ONCE):
                    break
        except Exception as error:  # the lease ends by itself, and somebody tries again
            log.warning("xapi.broken", tenant_id=str(tenant_id), error=type(error).__name__)
        finally:
            self._running.pop(tenant_id, None)


class _Delivery:
    """One batch on its way to one store."""

    def __init__(self, outbound: Outbound, batch: Batch) -> None:
        self._outbound = outbound
        self._batch = batch
        self.upto = 0
        """Position up to which the store has everything, as far as this went."""
        self.rejected = 0

    async def run(self) -> None:
        """Send all of it, or as much as there is time for; raises `NotTakenError`."""
        told = self._batch.told
        statements = [each for one in told for each in one.statements]
        answer = await self._post(statements) if statements else None
        if answer is None or answer.status in _OK:
            self.upto = self._batch.upto
            return
        _check(answer)
        # Something in it is known or not wanted: the store took none of it, and does not say which.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ONE_BY_ONE_S
        for one in told:
            for statement in one.statements:
                await self._send_one(statement)
            self.upto = one.position
            if loop.time() > deadline:
                return
        self.upto = self._batch.upto

    async def _send_one(self, statement: Statement) -> None:
        answer = await self._post([statement])
        if answer.status in _OK or answer.status == _THERE:
            return
        _check(answer)
        self.rejected += 1

    async def _post(self, statements: Sequence[Statement]) -> Answer:
        store = self._batch.store
        return await self._outbound.post(
            f"{store.url}/statements", _headers(store), msgspec.json.encode(statements)
        )


def _check(answer: Answer) -> None:
    status = answer.status
    if status is None or status in _TRY_AGAIN or not 400 <= status < 500:
        raise NotTakenError(answer)


def _headers(store: Store) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Rapport-xAPI/1",
        HEADER: store.version,
    }
    if store.auth is not None:
        headers["Authorization"] = store.auth.header()
    return headers


def _waits(answer: Answer) -> Sequence[float]:
    """Return the schedule, or what the store asks for."""
    asked = answer.headers.get("retry-after", "")
    if asked.isdigit():
        return (min(max(float(asked), WAITS[0]), LONGEST_WAIT_S),)
    return WAITS

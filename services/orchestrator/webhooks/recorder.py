"""What became of attempts: their rows, the schedule, the health of the endpoint and its news."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.orchestrator.context import Context
from services.orchestrator.webhooks.repository import Attempt, WebhookRepository
from shared import failpoints
from shared.contracts.events import EventType
from shared.db.outbox import add_event
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.log import get_logger
from shared.webhooks.health import Health, Turn, after_failure, after_gone, after_success

log = get_logger()

TRIES = 3
"""A result that cannot be written is kept for so many tries; after that the lease runs out and the
delivery goes out again."""

TRY_PAUSE_S = 0.5
"""Seconds between two tries."""

DISCARD_ROWS = 1000
"""Deliveries discarded in one transaction."""

_EVENTS = {
    Turn.WARNED: EventType.ENDPOINT_WARNING,
    Turn.DISABLED: EventType.ENDPOINT_DISABLED,
    Turn.RECOVERED: EventType.ENDPOINT_RECOVERED,
}


class _Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    failing_since: datetime | None = None
    reason: Literal["failing", "gone"] | None = None


class _Counted(msgspec.Struct, kw_only=True):
    """Results of one endpoint added up."""

    health: Health
    last_success_at: datetime | None = None
    pause_until: datetime | None = None
    is_gone: bool = False
    news: list[tuple[Turn, Health]] = msgspec.field(default_factory=list)


class Recorder:
    """Writes results; those of one endpoint that come together share a transaction."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: dict[tuple[UUID, UUID], list[tuple[Attempt, asyncio.Future[None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, tenant_id: UUID, endpoint_id: UUID, attempt: Attempt) -> None:
        """Return when the result is stored, or was given up."""
        failpoints.hit("webhook.after_send_before_record")
        done = asyncio.get_running_loop().create_future()
        place = (tenant_id, endpoint_id)
        queue = self._waiting.get(place)
        if queue is None:
            self._waiting[place] = [(attempt, done)]
            task = asyncio.create_task(self._write_all(place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            queue.append((attempt, done))
        await done

    async def settle(self, patience_s: float) -> None:
        """Return when every result is stored, or after some time."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)

    async def _write_all(self, place: tuple[UUID, UUID]) -> None:
        while batch := self._waiting[place]:
            self._waiting[place] = []
            try:
                await self._write(*place, [attempt for attempt, _ in batch])
            finally:
                for _, done in batch:
                    if not done.done():
                        done.set_result(None)
        del self._waiting[place]

    async def _write(self, tenant_id: UUID, endpoint_id: UUID, attempts: list[Attempt]) -> None:
        for number in range(1, TRIES + 1):
            try:
                await self.write(tenant_id, endpoint_id, attempts)
                return
            except Exception as error:
                log.warning("webhook.record_failed", tries=number, error=type(error).__name__)
            await asyncio.sleep(TRY_PAUSE_S)

    async def write(self, tenant_id: UUID, endpoint_id: UUID, attempts: Sequence[Attempt]) -> None:
        """Store results of one endpoint, of different deliveries, in one transaction.

        Raises:
            asyncpg.PostgresError, OSError: nothing was stored.
        """
        now = self._context.clock.now()
        is_news = False
        async with tenant_tx(self._context.database, tenant_id) as connection:
            repository = WebhookRepository(connection, tenant_id)
            await repository.record(attempts, now)
            if all(one.outcome.result == "succeeded" for one in attempts):
                if await repository.note_success(endpoint_id, now):
                    await self._tell(
                        connection, tenant_id, endpoint_id, EventType.ENDPOINT_RECOVERED, _Facts()
                    )
                    is_news = True
            else:
                is_news = await self._count(connection, tenant_id, endpoint_id, attempts)
        if is_news:
            self._context.publisher.wake_events()

    async def _count(
        self,
        connection: Connection,
        tenant_id: UUID,
        endpoint_id: UUID,
        attempts: Sequence[Attempt],
    ) -> bool:
        """Move the health of the endpoint; say whether that was news."""
        repository = WebhookRepository(connection, tenant_id)
        health = await repository.lock_health(endpoint_id)
        if health is None:
            return False
        counted = add_up(health, attempts)
        await repository.set_health(
            endpoint_id,
            counted.health,
            last_success_at=counted.last_success_at,
            pause_until=counted.pause_until,
        )
        is_news = False
        for turn, after in counted.news:
            facts = _Facts(failing_since=after.failing_since)
            if turn is Turn.DISABLED:
                reason: Literal["failing", "gone"] = "gone" if counted.is_gone else "failing"
                facts = msgspec.structs.replace(facts, reason=reason)
                if not await self._disable(repository, endpoint_id, reason):
                    continue
            await self._tell(connection, tenant_id, endpoint_id, _EVENTS[turn], facts)
            is_news = True
        return is_news

    async def _disable(
        self, repository: WebhookRepository, endpoint_id: UUID, reason: Literal["failing", "gone"]
    ) -> bool:
        now = self._context.clock.now()
        if not await repository.disable(endpoint_id, reason, now):
            return False
        log.info("webhook.endpoint_disabled", endpoint_id=str(endpoint_id), reason=reason)
        # The rest is found by the next looks, a bounded number at a time.
        await repository.discard_waiting(endpoint_id, now, DISCARD_ROWS)
        return True

    async def _tell(
        self,
        connection: Connection,
        tenant_id: UUID,
        endpoint_id: UUID,
        event_type: EventType,
        facts: _Facts,
    ) -> None:
        await add_event(
            connection,
            tenant_id,
            self._context.ids.new(),
            event_type,
            endpoint_id,
            facts,
            now=self._context.clock.now(),
        )

    async def discard(self, tenant_id: UUID, endpoint_id: UUID) -> int:
        """Discard some of what waits at a switched-off endpoint; return how many."""
        async with tenant_tx(self._context.database, tenant_id) as connection:
            return await WebhookRepository(connection, tenant_id).discard_waiting(
                endpoint_id, self._context.clock.now(), DISCARD_ROWS
            )


def add_up(health: Health, attempts: Sequence[Attempt]) -> _Counted:
    """Return what results mean for the endpoint, in the order in which they ended.

    A receiver that aborts a message has looked at it: that says nothing against the endpoint.
    """
    counted = _Counted(health=health)
    for attempt in sorted(attempts, key=lambda one: one.ended_at):
        outcome, at = attempt.outcome, attempt.ended_at
        if outcome.pause_until is not None:
            counted.pause_until = max(counted.pause_until or at, outcome.pause_until)
        if outcome.result == "succeeded":
            after, turn = after_success(counted.health)
            counted.last_success_at = at
        elif outcome.is_gone:
            after, turn = after_gone(counted.health, at)
            counted.is_gone = True
        elif outcome.result == "failed":
            after, turn = after_failure(counted.health, at)
        else:
            continue
        counted.health = after
        if turn is not None:
            counted.news.append((turn, after))
    return counted

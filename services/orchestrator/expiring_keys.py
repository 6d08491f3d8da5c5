"""Tells tenants of API keys that end soon: seven days and one day before.

One small query over an index of the keys that end at all; idle tenants cost nothing. Several
processes may look at once: the row says which warnings were sent.
"""

import asyncio
from typing import Final
from uuid import UUID

from services.orchestrator.context import Context
from shared.contracts.events import ApiKeyExpiring, EventType
from shared.db.outbox import add_event
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.keys import WARNED_AHEAD
from shared.log import get_logger

log = get_logger()

LOOK_S: Final = 600.0
"""Seconds between two looks."""

AT_ONCE: Final = 200
"""Keys of one look; a full one is followed by the next at once."""

_SQL: Final = Queries("services.orchestrator", "expiring_keys.sql")


class ExpiringKeys:
    """Writes `api_key.expiring`, twice for each key that lives so long."""

    def __init__(self, context: Context, *, look_s: float = LOOK_S) -> None:
        self._context = context
        self._look_s = look_s

    async def warn(self) -> int:
        """Send what is due; return how many warnings that were."""
        told = 0
        while True:
            now = self._context.clock.now()
            async with system_tx(self._context.database) as connection:
                rows = await connection.fetch(_SQL["ending_keys"], now, *WARNED_AHEAD, AT_ONCE)
            done = [await self._warned(row["tenant_id"], row["key_id"]) for row in rows]
            told += sum(done)
            if len(rows) < AT_ONCE or not any(done):
                break
        if told:
            self._context.publisher.wake_events()
        return told

    async def _warned(self, tenant_id: UUID, key_id: UUID) -> bool:
        """Warn of one key; what goes wrong with it keeps nobody else from being warned."""
        try:
            return await self._warn(tenant_id, key_id)
        except Exception as error:
            log.warning("expiring_keys.not_warned", error=type(error).__name__)
            return False

    async def _warn(self, tenant_id: UUID, key_id: UUID) -> bool:
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, tenant_id) as connection:
            expires_at = await connection.fetchval(
                _SQL["warn_key"], tenant_id, key_id, now, *WARNED_AHEAD
            )
            if expires_at is None:
                return False
            await add_event(
                connection,
                tenant_id,
                context.ids.new(),
                EventType.API_KEY_EXPIRING,
                key_id,
                ApiKeyExpiring(expires_at=expires_at),
                now=now,
            )
        return True

    async def run(self) -> None:
        """Look again and again, until cancelled; a warning is one transaction."""
        while True:
            try:
                await self.warn()
            except Exception as error:
                log.warning("expiring_keys.look_failed", error=type(error).__name__)
            await asyncio.sleep(self._look_s)

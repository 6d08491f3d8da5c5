"""Takes privacy tasks, erasures beside all others; several processes share them by leases.

It looks for open tasks of all tenants with one small query, so idle tenants cost nothing.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final
from uuid import UUID

from services.orchestrator.context import Context
from shared.db.keys import KeyRing, read_master_key
from shared.log import get_logger
from shared.privacy.erasure import erase
from shared.privacy.exporting import export
from shared.privacy.offboarding import offboard
from shared.privacy.receipts import receipt_key
from shared.privacy.rotation import reseal
from shared.privacy.tasks import Kind, Task, TaskLostError, Workshop, claim, due, forget_files
from shared.privacy.tenant_exporting import export_tenant
from shared.tasks import end

log = get_logger()

POLL_S: Final = 2.0
"""Seconds between two looks for open tasks."""

FILES_S: Final = 600.0
"""Seconds between two looks for files whose time is over."""

_WORK: Final[Mapping[Kind, Callable[[Workshop, Task], Awaitable[None]]]] = {
    "learner_erasure": erase,
    "learner_export": export,
    "tenant_export": export_tenant,
    "key_rotation": reseal,
    "offboarding": offboard,
}

_FIRST: Final[tuple[Kind, ...]] = ("learner_erasure",)
"""A person's key goes within seconds: that never waits behind the hours of a tenant's departure."""

_WHOLE: Final[tuple[Kind, ...]] = ("tenant_export",)
"""Likewise: it reads everything of a tenant, and nobody else's export waits for that."""

_OTHERS: Final[tuple[Kind, ...]] = tuple(kind for kind in _WORK if kind not in _FIRST + _WHOLE)


class PrivacyWorker:
    """Does what `app.privacy_tasks` asks for: an erasure, a whole tenant and one other task
    at a time.
    """

    def __init__(self, context: Context, keys: KeyRing, *, poll_s: float = POLL_S) -> None:
        self._context = context
        self._poll_s = poll_s
        self._shop = Workshop(
            database=context.database,
            keys=keys,
            clock=context.clock,
            ids=context.ids,
            random=os.urandom,
            receipt_key=receipt_key(read_master_key(context.settings)),
        )
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work."""
        self._loops = [asyncio.create_task(self._run(kinds)) for kinds in (_FIRST, _WHOLE, _OTHERS)]

    async def stop(self) -> None:
        """Leave what is in hand to whoever comes next: every step commits by itself."""
        await end(self._loops)

    async def work_off(self, kinds: Collection[Kind] = tuple(_WORK)) -> int:
        """Do everything of these kinds that is due; return how many tasks came to their end."""
        done = 0
        for tenant_id, operation_id in await due(self._shop, kinds):
            done += await self._do(tenant_id, operation_id)
        return done

    async def _do(self, tenant_id: UUID, operation_id: UUID) -> bool:
        task = await claim(self._shop, tenant_id, operation_id)
        if task is None:
            return False
        try:
            await _WORK[task.kind](self._shop, task)
        except TaskLostError:
            return False
        except Exception as error:
            log.warning(
                "privacy.interrupted",
                operation_id=str(operation_id),
                kind=task.kind,
                error=type(error).__name__,
            )
            return False
        log.info("privacy.done", operation_id=str(operation_id), kind=task.kind)
        self._context.publisher.wake_events()
        return True

    async def _run(self, kinds: Collection[Kind]) -> None:
        loop = asyncio.get_running_loop()
        files_at = loop.time()
        while True:
            try:
                await self.work_off(kinds)
                if kinds is _OTHERS and loop.time() >= files_at:
                    files_at = loop.time() + FILES_S
                    await forget_files(self._shop)
            except Exception as error:
                log.warning("privacy.look_failed", error=type(error).__name__)
            await asyncio.sleep(self._poll_s)

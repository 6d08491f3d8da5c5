"""What keeps, and what lets go: the sealer of the audit trail, and retention."""

import asyncio
from collections.abc import Callable
from typing import Any

from services.orchestrator.context import Context
from services.orchestrator.retention.activities import RetentionActivities
from services.orchestrator.retention.enforcing import Enforcer
from services.orchestrator.retention.schedule import PASSES
from services.orchestrator.trail.sealer import Sealer
from shared.db.keys import KeyRing, read_hash_key
from shared.tasks import end
from shared.trail.chain import HeadSigner


class Keeping:
    """Both, as one part of the process."""

    def __init__(self, context: Context, keys: KeyRing, signer: HeadSigner) -> None:
        self._context = context
        self._sealer = Sealer(context.database, context.clock, signer)
        self._enforcer = Enforcer(context.database, keys, context.clock, signer)
        self._running: list[asyncio.Task[None]] = []

    @classmethod
    async def of(cls, context: Context, keys: KeyRing) -> "Keeping":
        """Return it with the key that signs heads; raises what `read_hash_key` does."""
        key = await read_hash_key(context.database, context.settings)
        return cls(context, keys, HeadSigner(key))

    def activities(self) -> list[Callable[..., Any]]:
        """Return the bodies of activities for registration."""
        return RetentionActivities(self._context, self._enforcer).all()

    async def __aenter__(self) -> None:
        """Begin to seal, and make the schedule of retention."""
        schedule = PASSES.keep_trying(self._context.temporal)
        self._running = [
            asyncio.create_task(self._sealer.run()),
            asyncio.create_task(schedule),
        ]

    async def __aexit__(self, *_error: object) -> None:
        """End; a batch in hand is rolled back or whole."""
        await end(self._running)

"""The delivery engine in process, with a developer's settings and a clock that tests move."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest

from services.orchestrator.context import Context
from shared.clock import FixedClock
from shared.db.keys import KeyRing
from tests.integration.orchestrator.orchestrator_world import World
from tests.integration.orchestrator.webhooks.webhook_world import TIMEOUT_S, Engine, Hooks
from tests.support.receivers import Receiver


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def open_context(context: Context, clock: FixedClock) -> Context:
    """Loopback is allowed."""
    settings = msgspec.structs.replace(
        context.settings, webhook_allow_private=True, webhook_timeout_s=TIMEOUT_S
    )
    return msgspec.structs.replace(context, settings=settings, clock=clock)


@pytest.fixture
async def hooks(world: World, keys: KeyRing, open_context: Context) -> AsyncIterator[Hooks]:
    """The webhooks of a tenant of the test's own; what it leaves behind is not sent later."""
    yield Hooks(world, keys, open_context)
    await world.execute(
        "update webhook_deliveries set status = 'discarded', finished_at = now(),"
        " next_attempt_at = null where tenant_id = $1 and status = 'pending'"
    )


@pytest.fixture
async def engine(open_context: Context, keys: KeyRing) -> AsyncIterator[Engine]:
    made = Engine(open_context, keys)
    yield made
    await made.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one

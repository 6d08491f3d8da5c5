"""The order in which tenants get the thread that judges."""

import asyncio
import threading
from uuid import UUID

import pytest

from services.scoring_worker.thinking import Thinker, Weigh
from tests.support.waiting import eventually

NOISY, CALM, OTHER = (UUID(int=number) for number in range(3))


class Desk:
    """A thinker whose first work lasts until it is let go; notes what comes after it."""

    def __init__(self, weigh: Weigh = lambda _: 1) -> None:
        self.thinker = Thinker(weigh)
        self.order: list[UUID] = []
        self._begun, self._go = threading.Event(), threading.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def hold(self) -> None:
        self._add(OTHER, self._wait)
        await eventually(self._begun.is_set)

    def _wait(self) -> None:
        self._begun.set()
        self._go.wait(10)

    async def ask(self, *tenants: UUID) -> list[asyncio.Task[None]]:
        asked = [self._add(one, lambda one=one: self.order.append(one)) for one in tenants]
        await asyncio.sleep(0)  # all of them stand in line
        return asked

    def _add(self, tenant_id: UUID, work) -> asyncio.Task[None]:
        task = asyncio.create_task(self.thinker.think(tenant_id, work))
        self._tasks.append(task)
        return task

    async def finish(self) -> list[UUID]:
        self._go.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self.order


async def test_one_conversation_waits_for_one_of_another_tenant_not_for_all() -> None:
    desk = Desk()
    await desk.hold()
    await desk.ask(*[NOISY] * 5, CALM, CALM)
    assert await desk.finish() == [NOISY, CALM, NOISY, CALM, NOISY, NOISY, NOISY]


async def test_turns_are_shared_by_weight() -> None:
    desk = Desk({NOISY: 3, CALM: 1, OTHER: 1}.get)
    await desk.hold()
    await desk.ask(*[NOISY] * 12, *[CALM] * 12)
    order = await desk.finish()
    assert [order[:8].count(one) for one in (NOISY, CALM)] == [6, 2]
    assert order[:4].count(CALM) == 1  # and not in blocks


async def test_nobody_saves_turns_up() -> None:
    desk = Desk()
    for _ in range(20):
        await desk.thinker.think(NOISY, lambda: None)
    await desk.hold()
    await desk.ask(*[NOISY] * 3, *[CALM] * 6)
    assert (await desk.finish())[:6] in ([NOISY, CALM] * 3, [CALM, NOISY] * 3)


async def test_who_gave_up_waiting_is_passed_over() -> None:
    desk = Desk()
    await desk.hold()
    first, *_ = await desk.ask(NOISY, NOISY, CALM)
    first.cancel()
    await asyncio.sleep(0)
    assert await desk.finish() == [NOISY, CALM]


async def test_a_turn_that_came_too_late_is_the_next_ones() -> None:
    desk = Desk()
    await desk.hold()
    (late,) = await desk.ask(NOISY)
    await desk.ask(CALM)
    desk.thinker._pass_on()  # its turn has come, and it does not know yet
    late.cancel()
    assert await desk.finish() == [CALM]


async def test_what_fails_does_not_keep_the_thread() -> None:
    thinker = Thinker()

    def fails() -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await thinker.think(CALM, fails)
    assert await thinker.think(NOISY, lambda: 1) == 1

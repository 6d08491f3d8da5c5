"""Who may send at the same time: first come, first served; failing endpoints only get a share."""

import asyncio

from services.orchestrator.webhooks.slots import FAILING_SHARE, Gate, Slots


class TestSlots:
    async def test_first_come_first_served(self) -> None:
        slots, order = Slots(1), list[int]()
        await slots.take()

        async def one(number: int) -> None:
            await slots.take()
            order.append(number)
            slots.give()

        tasks = [asyncio.create_task(one(number)) for number in range(4)]
        await asyncio.sleep(0)
        slots.give()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]
        assert slots.free == 1

    async def test_nobody_overtakes_who_waits(self) -> None:
        slots = Slots(1)
        await slots.take()
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        slots.give()
        assert not slots.take_now()
        await waiting
        assert slots.free == 0

    async def test_who_gives_up_takes_nothing_with_them(self) -> None:
        slots = Slots(1)
        await slots.take()
        gone, patient = (asyncio.create_task(slots.take()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        slots.give()
        await patient
        # Canceled in the moment of the gift: it is passed on.
        late = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        slots.give()
        late.cancel()
        await asyncio.gather(gone, late, return_exceptions=True)
        assert slots.free == 1


class TestGate:
    async def test_failing_endpoints_leave_the_rest_to_others(self) -> None:
        gate = Gate(16)
        failing = [asyncio.create_task(gate.take(is_failing=True)) for _ in range(40)]
        await asyncio.sleep(0)
        assert sum(task.done() for task in failing) == 16 // FAILING_SHARE
        for _ in range(16 - 16 // FAILING_SHARE):
            assert gate.take_now()
        assert not gate.take_now()
        gate.give(is_failing=True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert sum(task.done() for task in failing) == 1 + 16 // FAILING_SHARE
        for task in failing:
            task.cancel()
        await asyncio.gather(*failing, return_exceptions=True)

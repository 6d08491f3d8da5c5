"""Natural group commit: alone at once, together while one runs, and nothing lost when callers leave."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid5

import pytest

from shared.llm.grouping import MOST, Grouping
from tests.support.waiting import eventually

TENANT, OTHER = (uuid5(UUID(int=0), name) for name in ("a", "b"))


class Statement:
    """Doubles what it is given, when it is let go."""

    def __init__(self) -> None:
        self.groups: list[tuple[UUID, list[int]]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.error: Exception | None = None

    async def run(self, tenant_id: UUID, items: Sequence[int]) -> Sequence[int]:
        self.groups.append((tenant_id, list(items)))
        self.entered.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [2 * item for item in items]


class TestGrouping:
    async def test_what_comes_meanwhile_goes_together(self) -> None:
        statement = Statement()
        grouping = Grouping(statement.run)
        statement.gate.clear()
        tasks = [asyncio.create_task(grouping.do(TENANT, 0))]
        await statement.entered.wait()
        tasks += [asyncio.create_task(grouping.do(TENANT, number)) for number in range(1, 10)]
        await asyncio.sleep(0)
        statement.gate.set()
        assert await asyncio.gather(*tasks) == [2 * number for number in range(10)]
        assert statement.groups == [(TENANT, [0]), (TENANT, list(range(1, 10)))]

    async def test_tenants_do_not_wait_for_each_other(self) -> None:
        statement = Statement()
        grouping = Grouping(statement.run)
        statement.gate.clear()
        tasks = [asyncio.create_task(grouping.do(tenant, 1)) for tenant in (TENANT, OTHER)]
        await eventually(lambda: len(statement.groups) == 2)
        statement.gate.set()
        assert await asyncio.gather(*tasks) == [2, 2]

    async def test_a_statement_is_never_too_large(self) -> None:
        statement = Statement()
        grouping = Grouping(statement.run)
        await asyncio.gather(*(grouping.do(TENANT, number) for number in range(MOST * 2 + 5)))
        assert max(len(items) for _, items in statement.groups) <= MOST
        assert sum(len(items) for _, items in statement.groups) == MOST * 2 + 5

    async def test_an_error_reaches_its_group_and_the_next_one_runs(self) -> None:
        statement = Statement()
        grouping = Grouping(statement.run)
        statement.error = OSError("gone")
        with pytest.raises(OSError, match="gone"):
            await grouping.do(TENANT, 1)
        statement.error = None
        assert await grouping.do(TENANT, 2) == 4

    async def test_who_leaves_before_it_runs_is_left_out_and_who_leaves_meanwhile_is_told(
        self,
    ) -> None:
        told: list[tuple[UUID, int, int]] = []
        statement = Statement()
        grouping = Grouping(statement.run, lambda *each: told.append(each))
        statement.gate.clear()
        running = asyncio.create_task(grouping.do(TENANT, 1))
        await statement.entered.wait()
        waiting, staying = (asyncio.create_task(grouping.do(TENANT, number)) for number in (2, 3))
        await asyncio.sleep(0)
        running.cancel()
        waiting.cancel()
        await asyncio.gather(running, waiting, return_exceptions=True)
        statement.gate.set()
        assert await staying == 6
        assert statement.groups == [(TENANT, [1]), (TENANT, [3])]
        assert told == [(TENANT, 1, 2)]

    async def test_who_is_stopped_when_it_is_just_done_is_told_as_well(self) -> None:
        told: list[tuple[UUID, int, int]] = []
        asking: list[asyncio.Task[int]] = []

        async def run(tenant_id: UUID, items: Sequence[int]) -> Sequence[int]:
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(asking[0].cancel)
            return [2 * item for item in items]

        grouping = Grouping(run, lambda *each: told.append(each))
        asking.append(asyncio.create_task(grouping.do(TENANT, 1)))
        with pytest.raises(asyncio.CancelledError):
            await asking[0]
        assert told == [(TENANT, 1, 2)]

    async def test_closing_waits(self) -> None:
        statement = Statement()
        grouping = Grouping(statement.run)
        task = asyncio.create_task(grouping.do(TENANT, 1))
        await statement.entered.wait()
        await grouping.close()
        assert await task == 2

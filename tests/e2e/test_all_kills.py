"""Every process killed or frozen by chance, under mixed load: lost 0, doubled 0."""

from collections.abc import Callable

import pytest

from tests.support.mayhem import VICTIMS, Mayhem, Recorded, plan
from tests.support.product import Product


async def _run(product: Product, seed: int, amount: int, recovered: Callable[[str], None]) -> None:
    partner = Recorded.new(product, f"mayhem-{seed}")
    assert isinstance(partner, Recorded)
    try:
        for fault, seconds in await Mayhem(product, partner, seed).run(plan(seed, amount)):
            recovered(f"{fault.kind:7} {fault!s:22} everything works after {seconds:5.1f} s")
    finally:
        await partner.close()


def test_a_plan_leaves_nobody_out() -> None:
    assert {fault.victim for fault in plan(1, len(VICTIMS))} == set(VICTIMS)
    assert plan(1, 5) == plan(1, 5)
    assert plan(1, 5) != plan(2, 5)


async def test_by_chance(product: Product, recovered: Callable[[str], None]) -> None:
    await _run(product, 8, 3, recovered)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
async def test_by_chance_at_length(
    product: Product, recovered: Callable[[str], None], seed: int
) -> None:
    await _run(product, seed, len(VICTIMS), recovered)

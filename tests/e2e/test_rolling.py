"""Every process is replaced while everything is in flight: no 5xx, nothing lost, nothing doubled."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from infra.supervisor import SERVICES
from tests.e2e.rolling_load import StrictPartner
from tests.e2e.truth import assert_whole, settled
from tests.support.fleet import STOP_S, Fleet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a minute; the machine may be busy

Recovered = Callable[[str], None]

SETTINGS = {
    "RAPPORT_WORDING_DELAY_MS": "300",  # so that turns are in flight at any moment
    "RAPPORT_DRAIN_S": "3",
    "RAPPORT_JOB_LEASE_S": "3",
}

APIS = 2


@pytest.fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("rolling"), SETTINGS)
    try:
        yield await made.open()
    finally:
        await made.close()


async def test_every_process_is_replaced_under_load(fleet: Fleet, recovered: Recovered) -> None:
    wanted = [*SERVICES, *["api"] * (APIS - 1)]
    running = list(await asyncio.gather(*(fleet.add(service) for service in wanted)))
    partner = StrictPartner.new(fleet, "rolling").listen()
    stop = asyncio.Event()
    load = asyncio.create_task(partner.load(stop))
    try:
        for old in running:
            assert not load.done(), load
            new = await fleet.add(old.service)
            seen = len(partner.exchanges)
            took = await old.stop()
            recovered(f"{old.service:16} stopped in {took:5.2f} s under load")
            assert took < STOP_S
            assert await new.probe("/livez") == 200
            await _goes_on(partner, load, seen)
        stop.set()
        await load
        await settled(partner)
        await assert_whole(partner)
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await partner.close()
    assert partner.faults == []
    assert fleet.balancer.refused == 0
    assert partner.reconnects > 0, "no stream was open on an API that stopped"
    assert partner.statuses[200] + partner.statuses[201] > 100


async def _goes_on(partner: StrictPartner, load: "asyncio.Task[None]", seen: int) -> None:
    """Wait until the successors have worked for a moment."""
    deadline = time.monotonic() + 90
    while len(partner.exchanges) < seen + 12:
        if load.done():
            await load
        assert time.monotonic() < deadline, "nobody answers any more"
        await asyncio.sleep(0.05)

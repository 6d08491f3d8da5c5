"""From the last release to this one while everything is in flight: the database first, then each
process, old and new ones side by side; no 5xx, nothing lost, nothing doubled.
"""

import asyncio
import io
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from infra.supervisor import SERVICES
from tests.e2e.rolling_load import StrictPartner
from tests.e2e.truth import assert_whole, settled
from tests.support.fleet import Fleet
from tests.support.released import RELEASED

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # two minutes; the machine may be busy

Recovered = Callable[[str], None]

SETTINGS = {
    "RAPPORT_WORDING_DELAY_MS": "300",
    "RAPPORT_DRAIN_S": "1",
    "RAPPORT_JOB_LEASE_S": "3",
}

ORDER = ("sim-worker", "scoring-worker", "orchestrator", "reporting", "api", "api")
"""Workers before who gives them work, as the document says."""

LONGEST_WAIT_S = 5.0
"""Seconds that a turn may take while the database is migrated; usually it is one."""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, repository_root: Path) -> Path:
    """The tree of the last release, out of the history of this checkout."""
    archived = subprocess.run(
        ["git", "archive", RELEASED], cwd=repository_root, capture_output=True, check=False
    )
    if archived.returncode:
        pytest.skip("the history of this checkout does not reach back to the last release")
    tree = tmp_path_factory.mktemp("released")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as packed:
        packed.extractall(tree, filter="data")
    return tree


@pytest.fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory, released: Path) -> AsyncIterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("upgrade"), SETTINGS)
    try:
        yield await made.open(tree=released)
    finally:
        await made.close()


async def test_the_last_release_becomes_this_one_under_load(
    fleet: Fleet, released: Path, recovered: Recovered
) -> None:
    wanted = [*SERVICES, "api"]
    running = await asyncio.gather(*(fleet.add(service, tree=released) for service in wanted))
    partner = StrictPartner.new(fleet, "upgrade").listen()
    stop = asyncio.Event()
    load = asyncio.create_task(partner.load(stop))
    try:
        await _goes_on(partner, load)
        partner.longest_s = 0.0
        took = await _migrate(fleet)
        recovered(
            f"migrated in {took:5.2f} s under load; the longest turn took {partner.longest_s:5.2f} s"
        )
        assert partner.longest_s < LONGEST_WAIT_S
        await _goes_on(partner, load)
        for service in ORDER:
            new = await fleet.add(service)  # beside the old one
            await _goes_on(partner, load)
            old = next(
                one for one in running if one.service == service and one.popen.poll() is None
            )
            recovered(f"{service:16} of the last release stopped in {await old.stop():5.2f} s")
            assert await new.probe("/livez") == 200
            await _goes_on(partner, load)
        stop.set()
        await load
        await settled(partner)
        await assert_whole(partner)
    finally:
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await partner.close()
    _assert_faultless(partner)


def _assert_faultless(partner: StrictPartner) -> None:
    """No refusal by the server; an old API may break a connection that it kept, as it always did."""
    assert [one for one in partner.faults if " x 5" in one] == []
    assert len(partner.broken) <= 20, partner.broken


async def _migrate(fleet: Fleet) -> float:
    started = time.monotonic()
    fleet.commands = None  # from here on those of this release
    done = await asyncio.to_thread(fleet.migrate)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - started


async def _goes_on(partner: StrictPartner, load: "asyncio.Task[None]") -> None:
    """Wait until turns were made and conversations were scored by whoever runs now."""
    turns, scored = len(partner.exchanges), len(partner.scorings)
    deadline = time.monotonic() + 90
    while len(partner.exchanges) < turns + 12 or len(partner.scorings) < scored + 2:
        if load.done():
            await load
        assert time.monotonic() < deadline, "nobody answers any more"
        await asyncio.sleep(0.05)


def test_the_old_release_is_really_another_one(released: Path) -> None:
    assert not (released / "shared" / "health").exists()

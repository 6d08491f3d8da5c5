"""The database in a file and back: nothing that was accepted is lost, and repeats harm nothing."""

import asyncio
import stat
from pathlib import Path

import pytest

from infra.backup import BackupError, dump, restore
from infra.drill.steps import run
from tests.e2e.partner import Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.product import Product


def test_the_drill(tmp_path: Path) -> None:
    """Dump, wipe, restore, an empty NATS, a new Temporal: all work of every kind ends."""
    told: list[str] = []
    run(tmp_path / "drill", told.append)
    assert any("43 of 43 unfinished" in line for line in told), told
    assert any("6 simulations" in line for line in told), told
    assert "scored at their end" in told[-1]


async def test_recovering_what_is_not_lost_changes_nothing(
    product: Product, partner: Partner
) -> None:
    learner = await partner.learner()
    (simulation,) = await partner.simulations(learner, 1)
    await partner.talk(simulation, 2)
    await partner.score_many(learner, 3)
    for _ in range(2):
        recovered = await asyncio.to_thread(product.run, "recover")
        assert recovered.returncode == 0, recovered.stderr
        assert "simulations" in recovered.stdout
    await partner.end(simulation)
    await settled(partner)
    again = await asyncio.to_thread(product.run, "recover")  # lives that have ended stay so
    assert again.returncode == 0, again.stderr
    await settled(partner)
    await assert_whole(partner)


async def test_only_into_an_empty_database(product: Product, tmp_path: Path) -> None:
    file = tmp_path / "rapport.dump"
    url = product.up.database_url
    await asyncio.to_thread(dump, url, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(BackupError, match="holds something already"):
        await restore(url, file)


async def test_what_is_no_dump_or_no_place_is_one_line(product: Product, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file"):
        await asyncio.to_thread(dump, product.up.database_url, tmp_path / "nowhere" / "x")
    refused = await asyncio.to_thread(
        product.run, "--data-dir", str(tmp_path / "new"), "restore", str(tmp_path / "x")
    )
    assert refused.returncode == 1
    assert "secrets.json" in refused.stderr
    assert refused.stderr.count("\n") == 1

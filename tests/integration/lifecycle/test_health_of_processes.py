"""A dead server turns the readiness of those that need it red within 5 s, never their liveness; and
green again when it is back.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import IO
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from infra.devstack.ports import choose_port
from infra.devstack.stack import Stack
from shared.config import Secret, Settings
from tests.support.cable import Cable
from tests.support.databases import Databases
from tests.support.waiting import eventually

RED_S = 5.0
"""Seconds until readiness says so."""

GREEN_S = 20.0
"""Seconds until it is green again: connections are made anew first."""

NEEDS = {
    "api": ("database", "nats"),
    "orchestrator": ("database", "nats", "temporal"),
    "sim_worker": ("database", "nats"),
    "scoring_worker": ("database", "nats"),
    "reporting": ("database", "nats"),
}


class Process:
    """A service in this process, with its servers behind cables and its probes on a port."""

    def __init__(self, cables: dict[str, Cable], probe: httpx.AsyncClient) -> None:
        self.cables = cables
        self._probe = probe

    async def missing(self) -> list[str]:
        """Return what readiness misses."""
        answer = await self._probe.get("/readyz")
        found: list[str] = answer.json()["missing"]
        assert answer.status_code == (503 if found else 200)
        return found

    async def is_ready(self) -> bool:
        try:
            return await self.missing() == []
        except httpx.TransportError:  # it has not even begun
            return False

    async def misses(self, *parts: str) -> bool:
        assert (await self._probe.get("/livez")).status_code == 200, "a dead server kills nobody"
        return await self.missing() == list(parts)


@pytest.fixture(scope="module", params=NEEDS)
async def process(
    request: pytest.FixtureRequest,
    stack: Stack,
    databases: Databases,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[str, Process]]:
    service = request.param
    settings, cables = await _through_cables(databases.settings(database_url, service), stack)
    port, log = choose_port(), tmp_path_factory.mktemp("log") / service
    with log.open("wb") as output:
        popen = _run(service, settings, port, output)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as probe:
        try:
            running = Process(cables, probe)
            await eventually(running.is_ready, timeout_s=60)
            yield service, running
        finally:
            popen.terminate()
            code = await asyncio.to_thread(popen.wait, 30)
    for cable in cables.values():
        await cable.close()
    assert code == 0, log.read_text()[-2000:]


def _run(
    service: str, settings: Settings, port: int, output: IO[bytes]
) -> "subprocess.Popen[bytes]":
    own = {
        "RAPPORT_DATABASE_URL": settings.database_url.reveal,
        "RAPPORT_NATS_URL": settings.nats_url.reveal,
        "RAPPORT_TEMPORAL_ADDRESS": settings.temporal_address,
        "RAPPORT_MASTER_KEY": settings.master_key.reveal,
        "RAPPORT_API_PORT": str(choose_port()),
        "RAPPORT_HEALTH_PORT": str(port),
        "RAPPORT_DRAIN_S": "0",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "infra.cli.main", "run", service.replace("_", "-")],
        env={k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")} | own,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


async def _through_cables(settings: Settings, stack: Stack) -> tuple[Settings, dict[str, Cable]]:
    urls = {
        "database": settings.database_url.reveal,
        "nats": settings.nats_url.reveal,
        "temporal": f"tcp://{stack.temporal_address}",
    }
    cables = {}
    for name, url in urls.items():
        parts = urlsplit(url)
        assert parts.hostname is not None
        cables[name] = await Cable(parts.hostname, parts.port or 0).open()
    own = msgspec.structs.replace(
        settings,
        database_url=Secret(cables["database"].url(urls["database"])),
        nats_url=Secret(cables["nats"].url(urls["nats"])),
        temporal_address=f"127.0.0.1:{cables['temporal'].port}",
    )
    return own, cables


@pytest.mark.parametrize("harm", ["cut", "hang"])
async def test_each_part_that_dies_is_seen_and_seen_again(
    process: tuple[str, Process], harm: str
) -> None:
    service, running = process
    await eventually(running.misses, timeout_s=GREEN_S)
    for part in NEEDS[service]:
        cable = running.cables[part]
        getattr(cable, harm)()
        try:
            await eventually(lambda part=part: running.misses(part), timeout_s=RED_S)
        finally:
            cable.mend()
        await eventually(running.misses, timeout_s=GREEN_S)

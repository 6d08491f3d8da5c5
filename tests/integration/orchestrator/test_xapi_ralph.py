"""Statements in an independent store, `ralph-malph` with its file backend: taken, kept once. [R-F1]

Its own virtual environment, from pinned hashes, because it wants other versions than the product.
"""

import asyncio
import json
import os
import subprocess
import sys
import venv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.devstack.ports import choose_port
from shared.xapi.stores import Auth
from tests.integration.orchestrator.xapi_world import Sending, lrs, sending
from tests.support.waiting import eventually

__all__ = ["lrs", "sending"]
"""Fixtures."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

REQUIREMENTS = Path(__file__).parents[2] / "support" / "ralph-requirements.txt"
HASH = "import bcrypt; print(bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode())"


class Ralph:
    """The store as a process of its own."""

    def __init__(self, python: Path, directory: Path) -> None:
        self._python, self._directory = python, directory
        self._port = choose_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/xAPI"

    def launch(self) -> None:
        (self._directory / "data").mkdir()
        user = {
            "agent": {"account": {"homePage": "https://rapport.example", "name": "rapport"}},
            "scopes": ["all"],
            "hash": subprocess.check_output([self._python, "-c", HASH], text=True).strip(),
            "username": "rapport",
        }
        (self._directory / "auth.json").write_text(json.dumps([user]))
        settings = {
            "RALPH_RUNSERVER_BACKEND": "fs",
            "RALPH_AUTH_FILE": str(self._directory / "auth.json"),
            "RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH": str(self._directory / "data"),
        }
        place = ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._directory / "out").open("wb") as output:
            self._process = subprocess.Popen(
                [self._python, "-m", "uvicorn", "ralph.api:app", *place],
                cwd=self._directory,
                env={**os.environ, **settings},
                stdout=output,
                stderr=output,
            )

    async def start(self) -> None:
        await asyncio.to_thread(self.launch)

        async def is_up() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, (self._directory / "out").read_text()
            try:
                async with httpx.AsyncClient() as client:
                    await client.get(f"http://127.0.0.1:{self._port}/__heartbeat__")
            except httpx.TransportError:
                return False
            return True

        await eventually(is_up, timeout_s=60)

    async def statements(self) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(auth=("rapport", "secret")) as client:
            response = await client.get(
                f"{self.url}/statements", headers={"X-Experience-API-Version": "1.0.3"}
            )
        found: list[dict[str, Any]] = response.json()["statements"]
        return found

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


@pytest.fixture(scope="module")
async def ralph(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ralph]:
    room = tmp_path_factory.mktemp("ralph")
    await asyncio.to_thread(venv.create, room / "venv", with_pip=True)
    python = room / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    arguments = ["install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS]
    await asyncio.to_thread(
        subprocess.run, [python, "-m", "pip", *arguments], check=True, timeout=400
    )
    store = Ralph(python, room)
    await store.start()
    yield store
    store.stop()


async def test_it_takes_every_statement_once(sending: Sending, ralph: Ralph) -> None:
    await sending.set_store(
        url=ralph.url,
        version="1.0.3",
        auth=Auth(kind="basic", username="rapport", secret="secret"),
    )
    # Both before the first request: the file backend writes its file once. Repeats it compares.
    await sending.practice()
    await sending.practice()
    for _ in range(2):
        assert await sending.send(), (await sending.standing()).last_error
        await sending.world.execute(
            "update consumer_positions set position = 0 where tenant_id = $1 and consumer = 'xapi'"
        )

    kept = await ralph.statements()

    assert len(kept) == len({each["id"] for each in kept}) == 8
    assert (await sending.standing()).rejected == 0
    verbs = sorted(each["verb"]["id"].rsplit("/", 1)[1] for each in kept)
    assert verbs == sorted(["attempted", "completed", "scored", "failed"] * 2)

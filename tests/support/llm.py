"""The scripted endpoint for tests: in the test's own loop, in a thread, or as a process.

async with endpoint(answering(status=503)) as fake:
    ...                       # settings: `with_endpoint(settings, fake.url)`
    assert fake.count == 1    # what was asked: `fake.asked[0].json()`
    fake.play(Script())       # another script from now on
    fake.planners["wording"] = lambda ask, dice: "What do you mean?"
"""

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from infra.llm_fake.script import Answer, Fault, Match, Oddity, Rule, Script, answering
from infra.llm_fake.server import Asked, FakeLlm
from shared.config import Secret, Settings

__all__ = [
    "Answer",
    "Asked",
    "FakeLlm",
    "FakeProcess",
    "Fault",
    "Match",
    "Oddity",
    "Rule",
    "Script",
    "answering",
    "endpoint",
    "environment",
    "process",
    "threaded",
    "with_endpoint",
]

MODEL = "fake-1"
KEY = "sk-fake"
PATIENCE_S = 30.0


@contextlib.asynccontextmanager
async def endpoint(script: Script | None = None) -> AsyncIterator[FakeLlm]:
    """The endpoint in the running event loop, on a free port."""
    async with FakeLlm(script) as fake:
        yield fake


@contextlib.contextmanager
def threaded(script: Script | None = None) -> Iterator[FakeLlm]:
    """The endpoint in a thread with a loop of its own, for tests that block.

    `play`, `clear` and reading are safe from outside once nothing is in flight.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    fake = FakeLlm(script)
    try:
        asyncio.run_coroutine_threadsafe(fake.__aenter__(), loop).result(PATIENCE_S)
        yield fake
        leave = fake.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leave, loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


class FakeProcess:
    """`rapport llm fake` as somebody would start it."""

    def __init__(self, url: str) -> None:
        self.url = url
        """Base URL for clients."""
        self._http = httpx.Client(base_url=url.removesuffix("/v1"), trust_env=False)

    def counts(self) -> dict[str, Any]:
        """How often what was asked."""
        found: dict[str, Any] = self._http.get("/fake/counts").raise_for_status().json()
        return found

    def requests(self) -> list[dict[str, Any]]:
        """What was asked, keys left out."""
        found: list[dict[str, Any]] = self._http.get("/fake/requests").raise_for_status().json()
        return found

    def clear(self) -> None:
        self._http.delete("/fake/requests").raise_for_status()

    def play(self, script: Script) -> None:
        sent = self._http.put("/fake/script", content=msgspec.json.encode(script))
        assert sent.status_code == 200, sent.text

    def close(self) -> None:
        self._http.close()


@contextlib.contextmanager
def process(room: Path, script: Script | None = None, *arguments: str) -> Iterator[FakeProcess]:
    """The endpoint as a process of its own, on a free port.

    Args:
        room: a directory for its script and its output.
        script: what it does.
        arguments: more of the command line.
    """
    command = [sys.executable, "-m", "infra.cli.main", "llm", "fake", "--port", "0", *arguments]
    if script is not None:
        (room / "script.json").write_bytes(msgspec.json.encode(script))
        command += ["--script", str(room / "script.json")]
    reading: threading.Thread | None = None
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line.startswith("listening on "), line
        # What it prints must be taken: a pipe that is full would stop it.
        reading = threading.Thread(target=started.stdout.read, daemon=True)
        reading.start()
        fake = FakeProcess(line.split()[2].rstrip(";"))
        yield fake
        fake.close()
    finally:
        started.terminate()
        started.wait(PATIENCE_S)
        if reading is not None:
            reading.join(PATIENCE_S)
        if started.stdout is not None:
            started.stdout.close()


def environment(url: str, *, model: str = MODEL, key: str = KEY) -> dict[str, str]:
    """What the product reads from its environment to use the endpoint."""
    return {
        "RAPPORT_LLM_BASE_URL": url,
        "RAPPORT_LLM_MODEL": model,
        "RAPPORT_LLM_API_KEY": key,
        "RAPPORT_LLM_ALLOW_PRIVATE": "true",
    }


def with_endpoint(settings: Settings, url: str, **changes: Any) -> Settings:
    """The settings of a process that uses the endpoint."""
    wanted = {
        "llm_base_url": url,
        "llm_model": MODEL,
        "llm_api_key": Secret(KEY),
        "llm_allow_private": True,
    }
    return msgspec.structs.replace(settings, **{**wanted, **changes})

"""The whole product as a subprocess, the way a person starts it, and ways to hurt it."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from infra.devstack.process import is_running
from infra.product import COMMAND, ProductProcess, own_environment
from infra.supervisor import UpFile

__all__ = ["COMMAND", "Killed", "Product"]

START_TIMEOUT_S = 60.0
"""Seconds: a start takes two, but the machine may be busy with other tests."""

STOP_TIMEOUT_S = 60.0

BACK_TIMEOUT_S = 60.0
"""Seconds within which whatever was killed must run again."""

POLL_S = 0.02

Killed = dict[str, int]
"""What was killed: the pid by the name."""


class Product:
    """One running `rapport up --no-durable` over a data directory."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        """Describe it; `settings` are `RAPPORT_...` variables, everything else is the default."""
        self.data_dir = data_dir
        self._process = ProductProcess(data_dir, own_environment(settings or {}))

    # -- life

    def start(self) -> "Product":
        """Start and return when it is up; fails with what it said."""
        self._process.start(START_TIMEOUT_S)
        return self

    def launch(self) -> "subprocess.Popen[bytes]":
        """Run `rapport up` in a process of its own, without waiting."""
        return self._process.launch()

    @property
    def _popen(self) -> "subprocess.Popen[bytes] | None":
        return self._process.process

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and wait; return its exit code."""
        self.ask_to_stop(number)
        return self.wait()

    def ask_to_stop(self, number: signal.Signals) -> None:
        """Send the signal only."""
        assert self._popen is not None
        self._popen.send_signal(number)

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        assert self._popen is not None
        return self._popen.wait(STOP_TIMEOUT_S)

    def kill_supervisor(self) -> None:
        """End the supervisor like a crash does; what becomes of the rest is the product's duty."""
        assert self._popen is not None
        self._popen.kill()
        self._popen.wait(STOP_TIMEOUT_S)

    def clean_up(self) -> None:
        """Leave nothing behind, whatever a test did."""
        if self._popen is not None and self._popen.poll() is None:
            self.stop()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)

    # -- what is known of it

    @property
    def up_path(self) -> Path:
        """Where it says how to reach it."""
        return self._process.up_path

    @property
    def up(self) -> UpFile:
        """How to reach it, as of now."""
        return self._process.up

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._process.output

    def log(self, name: str) -> str:
        """What one of its processes logged so far."""
        return (self.data_dir / "log" / f"{name}.log").read_text(errors="replace")

    def processes(self) -> list[int]:
        """Return every living process of this data directory, by its arguments or its place."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            if _belongs(entry, str(self.data_dir)) and is_running(pid):
                found.append(pid)
        return sorted(found)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another `rapport` command beside it."""
        return self._process.run(*arguments, within_s=START_TIMEOUT_S)

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return the rows of a statement, as the superuser: row security hides nothing."""
        connection = await asyncpg.connect(
            self.up.database_url, server_settings={"search_path": "app,report"}
        )
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    # -- harm

    def kill(self, *names: str) -> Killed:
        """Kill -9 processes by name, all at once; return the pids they had."""
        pids = self.up.pids
        killed = {name: pids[name] for name in names}
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        return killed

    async def back(self, killed: Killed) -> float:
        """Wait until the supervisor has replaced what was killed; return how long that took, s."""
        start = time.monotonic()
        while any(self.up.pids.get(name, pid) == pid for name, pid in killed.items()):
            assert self._popen is not None
            assert self._popen.poll() is None, f"the supervisor ended: {self.output}"
            assert time.monotonic() < start + BACK_TIMEOUT_S, f"not back: {self.output}"
            await asyncio.sleep(POLL_S)
        return time.monotonic() - start

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Stop a process for the length of the block, as if it were starved."""
        pid = self.up.pids[name]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # the block may have killed it
                os.kill(pid, signal.SIGCONT)

    async def kill_during(self, name: str, is_the_moment: Callable[[], Awaitable[bool]]) -> Killed:
        """Kill -9 a process at a moment that is checked while it stands still."""
        deadline = time.monotonic() + BACK_TIMEOUT_S
        while time.monotonic() < deadline:
            with self.held(name):
                if await is_the_moment():
                    return self.kill(name)
            await asyncio.sleep(POLL_S / 4)
        raise AssertionError(f"the moment to kill {name} never came")

    def lose_nats(self) -> Killed:
        """Kill NATS and delete all that it stored, before anybody can start it again."""
        with self.held("supervisor"):
            killed = self.kill("nats")
            deadline = time.monotonic() + STOP_TIMEOUT_S
            while is_running(killed["nats"]):
                assert time.monotonic() < deadline
                time.sleep(POLL_S)
            store = self.data_dir / "nats"
            assert any(store.iterdir()), "there was a store to lose"
            shutil.rmtree(store)
        return killed


def _belongs(process: Path, data_dir: str) -> bool:
    try:
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        place = str((process / "cwd").readlink())
    except OSError:  # gone meanwhile, or not ours to look at
        return False
    inside = (data_dir, f"{data_dir}/")
    return (
        place == data_dir
        or place.startswith(inside[1])
        or any(
            argument == data_dir.encode() or argument.startswith(inside[1].encode())
            for argument in arguments
        )
    )

"""The product as a person starts it, `rapport up` in a process of its own: for whoever tries it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.ports import choose_port
from infra.supervisor import UpFile

COMMAND: Final = Path(sys.executable).with_name("rapport")
"""The installed command."""

POLL_S: Final = 0.005

SAID: Final = 500
"""Characters of its last words that an error shows."""


class ProductError(Exception):
    """The product did not come up; the message ends with what it said."""


def own_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with no settings but these and a port that is free.

    The preferred port may be another product's by the time this one binds it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")}
    return kept | {"RAPPORT_API_PORT": str(choose_port())} | dict(settings)


class ProductProcess:
    """One `rapport up` over a data directory, started as often as one likes."""

    def __init__(
        self,
        data_dir: Path,
        environment: Mapping[str, str],
        *,
        output: Path | None = None,
        is_durable: bool = False,
        is_apart: bool = True,
    ) -> None:
        """Describe it.

        Args:
            data_dir: Of this product alone.
            environment: All of it; see `own_environment`.
            output: Where to append what it says; without one, beside the data directory.
            is_durable: Whether its stores write through to the disk.
            is_apart: Whether what ends our process group, like Ctrl-C or `timeout`, passes it by.
        """
        self.data_dir = data_dir
        self.environment = dict(environment)
        self._output = output or data_dir.with_name(f"{data_dir.name}.out")
        self._arguments = ("up",) if is_durable else ("up", "--no-durable")
        self._is_apart = is_apart
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def up_path(self) -> Path:
        """Where it says how to reach it."""
        return self.data_dir / "up.json"

    @property
    def up(self) -> UpFile:
        """How to reach it, as of now."""
        return msgspec.json.decode(self.up_path.read_bytes(), type=UpFile)

    @property
    def output(self) -> str:
        """What it said so far."""
        return self._output.read_text(errors="replace")

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start one without waiting."""
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [COMMAND, "--data-dir", self.data_dir, *self._arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=self._is_apart,
            )

    def start(self, within_s: float) -> float:
        """Start it; return the seconds until it took work.

        Raises:
            ProductError: it ended, or takes no work in time.
        """
        begin = time.perf_counter()
        self.process = self.launch()
        while not self._is_up(self.process.pid):
            if self.process.poll() is not None:
                raise ProductError(f"it ended: {self.output[-SAID:].strip()}")
            if time.perf_counter() - begin > within_s:
                raise ProductError(f"not up in {within_s:g} s: {self.output[-SAID:].strip()}")
            time.sleep(POLL_S)
        return time.perf_counter() - begin

    def _is_up(self, pid: int) -> bool:
        try:
            return self.up.pids["supervisor"] == pid
        except FileNotFoundError:
            return False

    def end(self, number: signal.Signals, within_s: float) -> int:
        """Send a signal and wait; return the exit code.

        Raises:
            subprocess.TimeoutExpired: it does not end in time.
        """
        if self.process is None:
            raise AssertionError("it was started")
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def run(self, *arguments: str, within_s: float) -> "subprocess.CompletedProcess[str]":
        """Run another `rapport` command over the data directory."""
        return subprocess.run(
            [COMMAND, "--data-dir", self.data_dir, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

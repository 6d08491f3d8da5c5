"""One embedded product over a data directory, as a person runs it, for the drill to destroy."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.ports import choose_port
from infra.supervisor import UpFile

COMMAND: Final = Path(sys.executable).with_name("rapport")
PATIENCE_S: Final = 120.0
KEPT: Final = ("secrets.json",)
"""What an operator keeps apart from the machine: without the master key nothing opens."""


class DrillError(Exception):
    """The drill cannot go on; the message is one line."""


class DrillProduct:
    """`rapport up` over a directory that is lost on purpose."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._log = data_dir.with_name(f"{data_dir.name}.out")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("RAPPORT_")
        }
        self._environment = kept | {
            "RAPPORT_API_PORT": str(choose_port()),
            "RAPPORT_TURN_WAIT_S": "0.5",  # a turn nobody replies to answers 202 soon
        }
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def up(self) -> UpFile:
        """How to reach it."""
        return msgspec.json.decode((self._data_dir / "up.json").read_bytes(), type=UpFile)

    def start(self) -> None:
        """Start it; return when it takes work."""
        with self._log.open("ab") as output:
            self._popen = subprocess.Popen(
                [COMMAND, "--data-dir", self._data_dir, "up", "--no-durable"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while not self._is_up():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                lines = self._log.read_text(errors="replace").strip().splitlines()
                raise DrillError(f"the product did not start: {lines[-1] if lines else ''}")
            time.sleep(0.05)

    def _is_up(self) -> bool:
        try:
            return self._popen is not None and self.up.pids["supervisor"] == self._popen.pid
        except OSError:
            return False

    def hold(self, *services: str) -> None:
        """Stop processes where they stand: what is handed in from now on stays undone."""
        for name in services:
            os.kill(self.up.pids[name], signal.SIGSTOP)

    def run(self, *arguments: str) -> str:
        """Run another command over the directory; return what it said."""
        done = subprocess.run(
            [COMMAND, "--data-dir", self._data_dir, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        if done.returncode:
            raise DrillError(done.stderr.strip() or f"rapport {arguments[0]} failed")
        return done.stdout

    def destroy(self) -> None:
        """Kill every process at once and delete everything but the keys."""
        pids = self.up.pids
        kept = {name: (self._data_dir / name).read_bytes() for name in KEPT}
        os.kill(pids.pop("supervisor"), signal.SIGSTOP)  # it would start them again
        for pid in pids.values():
            os.kill(pid, signal.SIGKILL)
        self._end(signal.SIGKILL)
        shutil.rmtree(self._data_dir)
        self._data_dir.mkdir(mode=0o700)
        for name, content in kept.items():
            (self._data_dir / name).write_bytes(content)
            (self._data_dir / name).chmod(0o600)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._popen is not None and self._popen.poll() is None:
            self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._popen is not None:
            self._popen.send_signal(number)
            self._popen.wait(PATIENCE_S)
            self._popen = None

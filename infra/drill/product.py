"""One embedded product over a data directory, as a person runs it, for the drill to destroy."""

import os
import shutil
import signal
from pathlib import Path
from typing import Final

from infra.product import ProductError, ProductProcess, own_environment
from infra.supervisor import UpFile

PATIENCE_S: Final = 120.0
KEPT: Final = ("secrets.json",)
"""What an operator keeps apart from the machine: without the master key nothing opens."""


class DrillError(Exception):
    """The drill cannot go on; the message is one line."""


class DrillProduct:
    """`rapport up` over a directory that is lost on purpose."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        # a turn nobody replies to answers 202 soon
        self._product = ProductProcess(data_dir, own_environment({"RAPPORT_TURN_WAIT_S": "0.5"}))

    @property
    def up(self) -> UpFile:
        """How to reach it."""
        return self._product.up

    def start(self) -> None:
        """Start it; return when it takes work."""
        try:
            self._product.start(PATIENCE_S)
        except ProductError as error:
            last = str(error).splitlines()[-1]
            raise DrillError(f"the product did not start: {last}") from error

    def hold(self, *services: str) -> None:
        """Stop processes where they stand: what is handed in from now on stays undone."""
        for name in services:
            os.kill(self.up.pids[name], signal.SIGSTOP)

    def run(self, *arguments: str) -> str:
        """Run another command over the directory; return what it said."""
        done = self._product.run(*arguments, within_s=PATIENCE_S)
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
        self._product.end(signal.SIGKILL, PATIENCE_S)
        shutil.rmtree(self._data_dir)
        self._data_dir.mkdir(mode=0o700)
        for name, content in kept.items():
            (self._data_dir / name).write_bytes(content)
            (self._data_dir / name).chmod(0o600)

    def stop(self) -> None:
        """End it, if it runs."""
        process = self._product.process
        if process is not None and process.poll() is None:
            self._product.end(signal.SIGTERM, PATIENCE_S)

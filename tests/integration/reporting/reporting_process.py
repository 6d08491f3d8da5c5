"""Reporting as a process of its own, to be killed like a crash does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from shared.config import Settings

STOP_TIMEOUT_S = 20


class ReportingProcess:
    """`rapport run reporting`, again and again."""

    def __init__(self, settings: Settings, output: Path) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
        self._environment = inherited | {
            "RAPPORT_DATABASE_URL": settings.database_url.reveal,
            "RAPPORT_NATS_URL": settings.nats_url.reveal,
            "RAPPORT_TEMPORAL_ADDRESS": settings.temporal_address,
            "RAPPORT_MASTER_KEY": settings.master_key.reveal,
        }
        self._output = output
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "infra.cli.main", "run", "reporting"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def assert_alive(self) -> None:
        assert self._popen is not None
        assert self._popen.poll() is None, self._output.read_text()[-2000:]

    def kill(self) -> None:
        """As the machine would: nothing is finished, nothing is said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an operator would; fails when it does not end well."""
        assert self._end(signal.SIGTERM) == 0

    def clean_up(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self.kill()

    def _end(self, number: signal.Signals) -> int:
        assert self._popen is not None
        self._popen.send_signal(number)
        return self._popen.wait(STOP_TIMEOUT_S)

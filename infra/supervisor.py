"""Starts the whole product on one machine and keeps it running: servers, then the five services.

The services are forked from this process after it has imported what they share, so that start-up
pays for each import once and their memory is mostly common pages. That is why this module is
synchronous and single-threaded. In production each service is started by `rapport run` instead.
"""

import asyncio
import contextlib
import ctypes
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.files import write_private
from infra.devstack.ports import choose_port
from infra.devstack.stack import DATABASE_URL, Stack
from infra.provision import LOGIN, demo_tenant, provision, settings_for

SERVICES: Final = ("orchestrator", "api", "sim-worker", "scoring-worker", "reporting")
"""In order of start: the one with the longest imports first."""

SHARED_IMPORTS: Final = (
    "asyncpg", "cryptography.hazmat.primitives.ciphers.aead", "nats", "structlog", "uvloop",
    "shared.db.jobs", "shared.db.keys", "shared.messaging.consumer", "shared.process",
)  # fmt: skip
"""What every service needs; imported once, before the first fork, while the servers boot."""

PREFERRED_PORT: Final = 8080
"""Where the API listens when nobody else does."""

STOP_TIMEOUT_S: Final = 20.0
RESTART_PAUSE_S: Final = 0.5
"""Seconds before a service that ended by itself is started again."""

PR_SET_PDEATHSIG: Final = 1


class SupervisorError(Exception):
    """The product could not be started; the message is one clear line."""


class UpFile(msgspec.Struct, frozen=True, kw_only=True):
    """`.rapport/up.json`: everything a tool needs to attach. Readable by its owner only."""

    api_url: str
    api_key: str
    ops_key: str
    database_url: str
    nats_url: str
    temporal_address: str
    pids: dict[str, int]


class Supervisor:
    """One running product over a data directory."""

    def __init__(
        self,
        data_dir: Path,
        environment: Mapping[str, str],
        *,
        durable: bool = True,
        say: Callable[[str], None] = print,
    ) -> None:
        self._data_dir = data_dir
        self._environment = dict(environment)
        self._say = say
        self.stack = Stack(data_dir, environment, durable=durable)
        self._services: dict[str, int] = {}
        self._api_port = 0
        self._up: UpFile | None = None

    # -- start

    def start(self) -> UpFile:
        """Start everything; return when every process is ready.

        Raises:
            DevstackError, SupervisorError: something did not start; what did was stopped again.
        """
        try:
            self.stack.start()
            for module in SHARED_IMPORTS:
                importlib.import_module(module)
            master_key = (
                self._environment.get("RAPPORT_MASTER_KEY") or self.stack.credentials.master_key
            )
            login = (
                None if DATABASE_URL in self._environment else self.stack.credentials.postgres_login
            )
            self._environment["RAPPORT_MASTER_KEY"] = master_key
            asyncio.run(
                provision(self.stack.database_url, login_password=login, progress=self._say)
            )
            self._api_port = int(self._environment.get("RAPPORT_API_PORT") or 0) or choose_port(
                PREFERRED_PORT
            )
            url = self.stack.database_url_for(LOGIN, self.stack.credentials.postgres_login)
            keys = asyncio.run(demo_tenant(settings_for(url, master_key), self._data_dir))
            gates = {name: self._spawn(name) for name in SERVICES}
            for name, gate in gates.items():
                self._await_ready(name, gate)
        except BaseException:
            self.stop()
            raise
        self._up = UpFile(
            api_url=f"http://127.0.0.1:{self._api_port}",
            api_key=keys.api_key,
            ops_key=keys.ops_key,
            database_url=self.stack.database_url,
            nats_url=self.stack.nats_url,
            temporal_address=self.stack.temporal_address,
            pids={},
        )
        return self._write_up()

    def _write_up(self) -> UpFile:
        assert self._up is not None  # noqa: S101  (called after start only)
        pids = {"supervisor": os.getpid()} | self.stack.pids | self._services
        self._up = msgspec.structs.replace(self._up, pids=pids)
        write_private(
            self._data_dir / "up.json", msgspec.json.format(msgspec.json.encode(self._up))
        )
        return self._up

    def _service_environment(self, name: str) -> dict[str, str]:
        user = name.replace("-", "_")
        return self._environment | {
            "RAPPORT_DATABASE_URL": self.stack.database_url_for(
                LOGIN, self.stack.credentials.postgres_login
            ),
            "RAPPORT_NATS_URL": self.stack.nats_url_for(user),
            "RAPPORT_TEMPORAL_ADDRESS": self.stack.temporal_address,
            "RAPPORT_API_PORT": str(self._api_port),
        }

    def _spawn(self, name: str) -> int:
        """Fork a service; return the read end of the pipe on which it says that it is ready."""
        gate, answer = os.pipe()
        pid = os.fork()
        if pid:
            os.close(answer)
            self._services[name] = pid
            return gate
        # From here on we are the service; nothing may return into the supervisor's code.
        code = 1
        try:
            os.close(gate)
            _become_service(self._data_dir / "log" / f"{name}.log")
            code = run_service(
                name, self._service_environment(name), ready=lambda: _say_ready(answer)
            )
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _await_ready(self, name: str, gate: int) -> None:
        said = os.read(gate, 1)  # b"" when the process ended without a word
        os.close(gate)
        if not said:
            log = self._data_dir / "log" / f"{name}.log"
            lines = log.read_text(errors="replace").strip().splitlines()
            raise SupervisorError(f"{name} did not start: {lines[-1] if lines else 'no message'}")

    # -- keep

    def supervise(self, is_over: Callable[[], bool]) -> None:
        """Restart what ends by itself, until `is_over`."""
        while not is_over():
            for name, pid in tuple(self._services.items()):
                if _has_ended(pid):
                    self._say(f"{name} ended; starting it again")
                    time.sleep(RESTART_PAUSE_S)
                    self._await_ready(name, self._spawn(name))
                    self._write_up()
            for name in self.stack.dead():
                self._say(f"{name} ended; starting it again")
                self.stack.restart(name)
                self._write_up()
            time.sleep(0.1)

    # -- stop

    def stop(self) -> None:
        """Stop the services (they finish what is in hand), then the servers."""
        for pid in self._services.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for pid in self._services.values():
            while not _has_ended(pid):
                if time.monotonic() > deadline:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)
        self._services.clear()
        self.stack.stop()
        (self._data_dir / "up.json").unlink(missing_ok=True)


def run_service(
    name: str, environment: Mapping[str, str], *, ready: Callable[[], None] = lambda: None
) -> int:
    """Run one service in this process until it is told to stop; return its exit code."""
    from shared.process import run

    service = name.replace("-", "_")
    module = importlib.import_module(f"services.{service}.main")
    return run(service, module.serve, environment=environment, ready=ready)


def _become_service(log: Path) -> None:
    """Leave the terminal's process group, log to a file, and die with the supervisor."""
    os.setsid()
    supervisor = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != supervisor:
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _say_ready(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.write(descriptor, b"1")
        os.close(descriptor)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True

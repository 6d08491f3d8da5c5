"""Starts the whole product on one machine and keeps it running: servers, then the five services.

The services are forked from this process after it has imported what they share, so that start-up
pays for each import once and their memory is mostly common pages. That is why this module is
synchronous and single-threaded. In production each service is started by `rapport run` instead.
"""

import asyncio
import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from infra.devstack.files import write_private
from infra.devstack.ports import LOOPBACK, choose_port
from infra.devstack.stack import DATABASE_URL, Stack

if TYPE_CHECKING:
    from infra.provision import DemoKeys

SERVICES: Final = ("orchestrator", "api", "sim-worker", "scoring-worker", "reporting")
"""In order of start: the one with the longest imports first."""

SHARED_IMPORTS: Final = (
    "asyncpg", "cryptography.hazmat.primitives.ciphers.aead", "nats", "structlog", "uvloop",
    "shared.db.jobs", "shared.db.keys", "shared.health.server", "shared.messaging.consumer",
    "shared.process",
)  # fmt: skip
"""What every service needs; imported once, before the first fork, while the servers boot."""

PREFERRED_PORT: Final = 8080
"""Where the API listens when nobody else does."""

MAX_PORT: Final = 65535

LOGIN: Final = "rapport_login"
"""The role services log in as on the embedded server: nothing of its own, member of both roles."""

STOP_TIMEOUT_S: Final = 30.0
"""Seconds a service has to finish what is in hand; each promises to need less."""

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
    health_ports: dict[str, int] = {}
    """By service: where it serves `/livez`, `/readyz` and `/metrics` on loopback."""


class Gates(msgspec.Struct, frozen=True, kw_only=True):
    """Pipe ends towards a service that is starting."""

    go: int
    """Written when its servers are there."""
    ready: int
    """Read until it takes work."""


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
        self._health_ports: dict[str, int] = {}
        self._up: UpFile | None = None

    # -- start

    def start(self) -> UpFile:
        """Start everything; return when every process is ready.

        The order hides waiting behind work: the servers boot while this process imports what the
        services share, the services import the rest while the database is brought up to date.

        Raises:
            DevstackError, SupervisorError, MigrationError: something did not start; what did was
                stopped again.
        """
        try:
            # Nothing imported becomes garbage; collecting meanwhile costs a tenth of the start, and
            # frozen objects stay on pages that the forked services share.
            gc.disable()
            self.stack.launch()
            for module in SHARED_IMPORTS:
                importlib.import_module(module)
            gc.freeze()
            self._api_port = self._wanted_port() or choose_port(PREFERRED_PORT)
            self._environment.setdefault("RAPPORT_MASTER_KEY", self.stack.credentials.master_key)
            self._environment.setdefault("RAPPORT_DRAIN_S", "0")  # nobody balances load here
            if DATABASE_URL not in self._environment:
                # A machine of one's own: webhooks may go to a receiver on it.
                self._environment.setdefault("RAPPORT_WEBHOOK_ALLOW_PRIVATE", "true")
                self._environment.setdefault("RAPPORT_LLM_ALLOW_PRIVATE", "true")
            starting = {name: self._spawn(name) for name in SERVICES}
            self.stack.wait_ready()
            keys = self._prepare_database()
            for gates in starting.values():
                _release(gates)
            for name, gates in starting.items():
                self._await_ready(name, gates)
        except BaseException:
            self.stop()
            raise
        gc.enable()
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

    def _wanted_port(self) -> int:
        text = self._environment.get("RAPPORT_API_PORT") or "0"
        if not text.isdecimal() or int(text) > MAX_PORT:
            raise SupervisorError("RAPPORT_API_PORT is not a valid value")
        return int(text)

    def _prepare_database(self) -> "DemoKeys":
        from infra.provision import demo_tenant, provision, settings_for

        is_adopted = DATABASE_URL in self._environment
        login = None if is_adopted else self.stack.credentials.postgres_login
        asyncio.run(
            provision(self.stack.database_url, login_password=login, progress=self._applied)
        )
        settings = settings_for(self._login_url(), self._environment["RAPPORT_MASTER_KEY"])
        return asyncio.run(demo_tenant(settings, self._data_dir))

    def _applied(self, migration: str) -> None:
        self._say(f"database: applied {migration}")

    def _login_url(self) -> str:
        return self.stack.database_url_for(LOGIN, self.stack.credentials.postgres_login)

    def _write_up(self) -> UpFile:
        assert self._up is not None  # noqa: S101  (called after start only)
        pids = {"supervisor": os.getpid()} | self.stack.pids | self._services
        self._up = msgspec.structs.replace(self._up, pids=pids, health_ports=self._health_ports)
        write_private(
            self._data_dir / "up.json", msgspec.json.format(msgspec.json.encode(self._up))
        )
        return self._up

    def _service_environment(self, name: str) -> dict[str, str]:
        user = name.replace("-", "_")
        return self._environment | {
            "RAPPORT_DATABASE_URL": self._login_url(),
            "RAPPORT_NATS_URL": self.stack.nats_url_for(user),
            "RAPPORT_TEMPORAL_ADDRESS": self.stack.temporal_address,
            "RAPPORT_API_PORT": str(self._api_port),
            "RAPPORT_HEALTH_HOST": LOOPBACK,
            "RAPPORT_HEALTH_PORT": str(self._health_port(name)),
        }

    def _health_port(self, name: str) -> int:
        """Return a port of the service's own, the same one after a restart where it is free."""
        taken = {self._api_port, *self._health_ports.values()} - {self._health_ports.get(name, 0)}
        self._health_ports[name] = choose_port(self._health_ports.get(name), taken)
        return self._health_ports[name]

    def _spawn(self, name: str) -> "Gates":
        """Fork a service, which imports its modules and then waits to be released."""
        environment = self._service_environment(name)
        (go_read, go_write), (ready_read, ready_write) = os.pipe(), os.pipe()
        pid = os.fork()
        if pid:
            os.close(go_read)
            os.close(ready_write)
            self._services[name] = pid
            return Gates(go=go_write, ready=ready_read)
        # From here on we are the service; nothing may return into the supervisor's code.
        code = 1
        try:
            os.close(go_write)
            os.close(ready_read)
            _become_service(self._data_dir / "log" / f"{name}.log")
            code = run_service(
                name,
                environment,
                go=lambda: os.read(go_read, 1) == b"1",
                ready=lambda: _say_ready(ready_write),
            )
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _await_ready(self, name: str, gates: "Gates") -> None:
        said = os.read(gates.ready, 1)  # b"" when the process ended without a word
        os.close(gates.ready)
        if not said:
            log = self._data_dir / "log" / f"{name}.log"
            lines = log.read_text(errors="replace").strip().splitlines()
            raise SupervisorError(f"{name} did not start: {lines[-1] if lines else 'no message'}")

    # -- keep

    def supervise(self, is_over: Callable[[], bool]) -> None:
        """Restart what ends by itself, until `is_over`. Never waits for one while another is down.

        Raises:
            DevstackError: a server does not come back.
        """
        starting: dict[str, Gates] = {}
        while not is_over():
            for name in self.stack.dead():
                self._say(f"{name} ended; starting it again")
                self.stack.restart(name)
                self._write_up()
            self._welcome_back(starting)
            ended = [
                name
                for name, pid in self._services.items()
                if name not in starting and _has_ended(pid)
            ]
            if ended:
                self._say(f"{', '.join(ended)} ended; starting again")
                time.sleep(RESTART_PAUSE_S)
            for name in ended:
                starting[name] = self._spawn(name)
                _release(starting[name])
            time.sleep(0.1)

    def _welcome_back(self, starting: dict[str, Gates]) -> None:
        """Take note of services that are ready; one that failed is started again with the next."""
        for name, gates in tuple(starting.items()):
            if select.select([gates.ready], [], [], 0)[0]:
                del starting[name]
                try:
                    self._await_ready(name, gates)
                except SupervisorError as error:
                    self._say(str(error))
                else:
                    self._write_up()

    # -- stop

    def stop(self) -> None:
        """Stop the services (they finish what is in hand), then the servers."""
        # The API first: while the workers are there, its requests in hand are answered in a moment.
        api = self._services.pop("api", None)
        if api is not None:
            _end([api])
        _end(list(self._services.values()))
        self._services.clear()
        self.stack.stop()
        if self._up is not None:  # else it may be another's, who runs here already
            (self._data_dir / "up.json").unlink(missing_ok=True)


def run_service(
    name: str,
    environment: Mapping[str, str],
    *,
    go: Callable[[], bool] = lambda: True,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Run one service in this process until it is told to stop; return its exit code.

    Args:
        name: One of `SERVICES`.
        environment: Its settings.
        go: Asked when its modules are imported; may block; False means not to start after all.
        ready: Called when it takes work.
    """
    from shared.process import run

    service = name.replace("-", "_")
    module = importlib.import_module(f"services.{service}.main")
    gc.freeze()
    gc.enable()
    return run(service, module.serve, environment=environment, ready=ready) if go() else 0


def _release(gates: "Gates") -> None:
    with contextlib.suppress(BrokenPipeError):  # it died; `_await_ready` says why
        os.write(gates.go, b"1")
    os.close(gates.go)


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


def _end(pids: list[int]) -> None:
    """Tell processes to finish and wait for them; whoever takes too long is killed."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for pid in pids:
        while not _has_ended(pid):
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True

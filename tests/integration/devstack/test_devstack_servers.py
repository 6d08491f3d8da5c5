"""The three real servers: they answer on loopback only, keep their data, are adopted."""

import asyncio
import os
import stat
from pathlib import Path

import asyncpg
import nats
import pytest
from nats.js.errors import NotFoundError
from temporalio.client import Client

from infra.devstack.errors import DevstackError
from infra.devstack.server import AdoptedServer
from infra.devstack.stack import Stack


async def fetch_value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def listening_addresses(pid: int) -> set[str]:
    """Addresses (as /proc prints them) of the listening sockets of one process."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = str(descriptor.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].split(":")[0])
    return found


class TestRunning:
    async def test_postgres_is_18_with_the_promised_settings(self, devstack: Stack) -> None:
        version = await fetch_value(devstack.database_url, "SHOW server_version_num")
        assert int(str(version)) >= 180000
        assert await fetch_value(devstack.database_url, "SHOW synchronous_commit") == "on"
        assert await fetch_value(devstack.database_url, "SELECT current_database()") == "rapport"
        assert await fetch_value(devstack.database_url, "SHOW server_encoding") == "UTF8"

    async def test_postgres_wants_the_password(self, devstack: Stack) -> None:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(devstack.database_url_for("postgres", "wrong"))

    async def test_values_of_rows_stay_out_of_the_log(self, devstack: Stack) -> None:
        connection = await asyncpg.connect(devstack.database_url)
        await connection.execute("CREATE TEMP TABLE said (line text PRIMARY KEY)")
        await connection.execute("INSERT INTO said VALUES ($1)", "canary-words")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO said VALUES ($1)", "canary-words")
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await connection.execute("SELECT 'canary-words'::int")
        await connection.close()
        log = (devstack_root(devstack) / "log" / "postgres.log").read_text()
        assert "ready to accept connections" in log
        assert "canary-words" not in log

    async def test_temporal_namespace_is_there_at_once(self, devstack: Stack) -> None:
        devstack.restart("temporal")
        client = await Client.connect(devstack.temporal_address)
        assert await client.service_client.check_health()
        assert [one async for one in client.list_workflows()] == []

    def test_everything_listens_on_loopback_only(self, devstack: Stack) -> None:
        assert set(devstack.pids) == {"postgres", "nats", "temporal"}
        for pid in devstack.pids.values():
            assert listening_addresses(pid) == {"0100007F"}

    def test_secrets_are_private(self, devstack: Stack) -> None:
        root = devstack_root(devstack)
        for name in ("secrets.json", "nats.conf", "stack.json"):
            assert stat.S_IMODE((root / name).stat().st_mode) == 0o600
        assert devstack.credentials.master_key not in repr(devstack.credentials)
        assert len(set(devstack.credentials.nats.values())) == len(devstack.credentials.nats)

    def test_second_supervisor_is_refused(self, devstack: Stack) -> None:
        with pytest.raises(DevstackError, match=rf"another rapport .*\(pid {os.getpid()}\)"):
            Stack(devstack_root(devstack), {}).start()
        assert devstack.dead() == []

    def test_forked_child_cannot_stop_the_stack(self, devstack: Stack) -> None:
        child = os.fork()
        if child == 0:
            devstack.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert devstack.dead() == []


class TestCrashes:
    async def test_postgres_keeps_acknowledged_rows(self, devstack: Stack) -> None:
        url = devstack.database_url
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept (line text)")
        await connection.execute("INSERT INTO kept VALUES ('here')")
        devstack.kill("postgres")
        assert devstack.dead() == ["postgres"]
        devstack.restart("postgres")
        connection.terminate()
        assert devstack.database_url == url
        assert await fetch_value(url, "SELECT line FROM kept") == "here"

    async def test_nats_keeps_messages_and_clients_come_back(self, devstack: Stack) -> None:
        client = await nats.connect(devstack.nats_url, reconnect_time_wait=0.05)
        stream = client.jetstream()
        await stream.add_stream(name="KEPT", subjects=["kept.*"])
        await stream.publish("kept.a", b"here")
        devstack.restart("nats")
        await asyncio.sleep(0.2)
        assert (await stream.get_msg("KEPT", 1)).data == b"here"
        devstack.restart("nats", wipe=True)
        await asyncio.sleep(0.2)
        with pytest.raises(NotFoundError):
            await stream.stream_info("KEPT")
        await client.close()


class TestAdoption:
    def test_adopted_servers_are_used_and_left_alone(self, devstack: Stack, tmp_path: Path) -> None:
        env = {
            "RAPPORT_DATABASE_URL": devstack.database_url,
            "RAPPORT_NATS_URL": devstack.nats_url,
            "RAPPORT_TEMPORAL_ADDRESS": devstack.temporal_address,
        }
        with Stack(tmp_path / "other", env) as stack:
            assert stack.pids == {}
            assert stack.database_url == devstack.database_url
            assert stack.nats_url_for("api") == devstack.nats_url
            assert stack.temporal_address == devstack.temporal_address
            with pytest.raises(DevstackError, match="adopted"):
                stack.kill("nats")
        assert devstack.dead() == []
        assert not (tmp_path / "other" / "postgres").exists()

    def test_missing_server_is_named_without_its_password(
        self, devstack: Stack, tmp_path: Path
    ) -> None:
        env = {
            "RAPPORT_DATABASE_URL": "postgresql://me:hidden@127.0.0.1:1/rapport",
            "RAPPORT_NATS_URL": devstack.nats_url,
            "RAPPORT_TEMPORAL_ADDRESS": devstack.temporal_address,
        }
        with pytest.raises(DevstackError) as caught:
            Stack(tmp_path, env).start(timeout_s=0.1)
        assert str(caught.value) == "RAPPORT_DATABASE_URL: nothing answers at 127.0.0.1:1"

    @pytest.mark.parametrize(
        ("url", "addresses"),
        [
            ("nats://a:b,@h1:1,nats://h2", [("h1", 1), ("h2", 4222)]),
            ("postgresql://u:p@h1:1,h2:2/db?x=1", [("h1", 1), ("h2", 2)]),
            ("postgresql:///db?host=/run/postgresql", []),
            ("temporal.example:7233", [("temporal.example", 7233)]),
            ("[::1]:7", [("::1", 7)]),
        ],
    )
    def test_addresses(self, url: str, addresses: list[tuple[str, int]]) -> None:
        assert AdoptedServer("nats", "X", url, 4222)._addresses() == addresses


def devstack_root(stack: Stack) -> Path:
    return stack._root

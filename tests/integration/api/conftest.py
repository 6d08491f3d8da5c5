"""The API in process, a tenant, and a worker that answers turns without any engine."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.api.app import create_app
from services.api.context import ProcessContext
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage, TurnJob, decode_payload
from shared.contracts.live import LiveTurn
from shared.contracts.scenario import Mind
from shared.contracts.simulation import PersonaState
from shared.contracts.subjects import live_subject
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import turn_row
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.keys import Environment, new_key
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from tests.support.tenants import Tenant, TenantFactory

IDS = Uuid7Maker()
HINT = "Name what it cost them."


class FakeWorker:
    """Replies to every turn job as soon as it is published; can be told to be slow, deaf or mute."""

    def __init__(self, database: Database, keys: KeyRing, nats: Client) -> None:
        self._database, self._keys, self._nats = database, keys, nats
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_deaf = False
        self.is_mute = False
        self.delay_s = 0.0
        self.surface = "answer"

    async def start(self) -> Any:
        return await self._nats.subscribe("jobs.turn.*", cb=self._take)

    async def _take(self, message: Msg) -> None:
        if not self.is_deaf:
            task = asyncio.create_task(self._reply(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _reply(self, message: Msg) -> None:
        job = msgspec.json.decode(message.data, type=JobMessage)
        await asyncio.sleep(self.delay_s)
        async with tenant_tx(self._database, job.tenant_id) as connection:
            payload = await connection.fetchval(
                "delete from jobs where tenant_id = $1 and job_id = $2 returning payload",
                job.tenant_id,
                job.job_id,
            )
            turn = decode_payload(payload)
            assert isinstance(turn, TurnJob)
            await self.write_reply(connection, job.tenant_id, turn.simulation_id, turn.seq)
            row = await connection.fetchrow(
                "select t.*, s.hints from turns t join simulations s using (tenant_id, simulation_id)"
                " where t.tenant_id = $1 and t.simulation_id = $2 and t.seq = $3",
                job.tenant_id,
                turn.simulation_id,
                turn.seq,
            )
        if not self.is_mute:
            subject = live_subject(job.tenant_id, turn.simulation_id)
            await self._nats.publish(subject, msgspec.json.encode(_live(row)))

    async def write_reply(
        self, connection: Any, tenant_id: UUID, simulation_id: UUID, seq: int
    ) -> None:
        learner_id = await connection.fetchval(
            "update simulations set last_seq = $3 where tenant_id = $1 and simulation_id = $2 "
            "returning learner_id",
            tenant_id,
            simulation_id,
            seq,
        )
        key = await self._keys.learner(connection, tenant_id, learner_id)
        mind = Mind(trust=1, frustration=2, patience=3, clarity=4, anxiety=5, fairness=6)
        await connection.execute(
            "insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, surface,"
            " acts, causes, engine, created_at)"
            " values ($1, $2, $3, $4, 'customer', $5, $6, $8, '[]', $7, 'embedded', now())",
            tenant_id,
            simulation_id,
            seq,
            IDS.new(),
            key.seal_text(f"reply {seq}", "turns.text", turn_row(simulation_id, seq)),
            msgspec.json.encode(PersonaState(mind=mind, hint=HINT)).decode(),
            '[{"dimension": "trust", "delta": 3, "why": "apologized"}]',
            self.surface,
        )


def _live(row: Any) -> LiveTurn:
    return LiveTurn(
        seq=row["seq"],
        turn_id=row["turn_id"],
        text=row["text"],
        state=msgspec.Raw(row["state"].encode()),
        surface=row["surface"],
        acts=msgspec.Raw(row["acts"].encode()),
        causes=msgspec.Raw(row["causes"].encode()),
        engine=row["engine"],
        hint=HINT if row["hints"] else None,
        created_at=row["created_at"],
        status="open",
        end_reason=None,
    )


class Partner:
    """A tenant's client, with shorthands for what most tests need."""

    def __init__(self, http: httpx.AsyncClient, tenant: Tenant) -> None:
        self.http = http
        self.tenant = tenant
        self.headers = tenant.headers

    def as_key(self, text: str) -> "Partner":
        return Partner(self.http, Tenant(self.tenant.tenant_id, self.tenant.slug, text))

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, headers=self.headers, **options)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = "", **options: Any
    ) -> httpx.Response:
        headers = dict(self.headers)
        if key is not None:
            headers["Idempotency-Key"] = key or str(IDS.new())
        if body is not None:
            options["json"] = body
        return await self.http.post(
            path, headers={**headers, **options.pop("headers", {})}, **options
        )

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.http.put(path, headers=self.headers, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(path, headers=self.headers)

    async def team(self, name: str = "Night shift", **fields: Any) -> str:
        response = await self.post("/v1/teams", {"name": name, **fields})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def learner(self, **fields: Any) -> str:
        body = {"external_id": str(IDS.new()), **fields}
        response = await self.post("/v1/learners", body)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def simulation(self, learner_id: str | None = None, **fields: Any) -> dict[str, Any]:
        body = {
            "scenario": await self.scenario(),
            "learner_id": learner_id or await self.learner(),
            "mode": "interactive",
            **fields,
        }
        response = await self.post("/v1/simulations", body)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def scenario(self) -> str:
        response = await self.get("/v1/scenarios", params={"limit": 1})
        return str(response.json()["data"][0]["slug"])

    async def say(
        self, simulation_id: str, seq: int, text: str = "Hello", key: str = ""
    ) -> httpx.Response:
        body = {"text": text, "expected_seq": seq}
        return await self.post(f"/v1/simulations/{simulation_id}/turns", body, key=key)


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, turn_wait_s=5.0)


@pytest.fixture(scope="module")
async def context(
    api_settings: Settings, database: Database, keys: KeyRing, nats: Client
) -> ProcessContext:
    for kind in (JobKind.TURN, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    return ProcessContext(
        settings=api_settings, database=database, keys=keys, nats=nats, publisher=Publisher(nats)
    )


@pytest.fixture(scope="module")
async def http(context: ProcessContext) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield client


@pytest.fixture(scope="module")
async def worker(
    database: Database, keys: KeyRing, nats: Client, context: ProcessContext
) -> AsyncIterator[FakeWorker]:
    fake = FakeWorker(database, keys, nats)
    subscription = await fake.start()
    yield fake
    await subscription.unsubscribe()


@pytest.fixture(scope="module")
async def partner(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture(scope="module")
async def stranger(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """Another tenant."""
    return Partner(http, await tenants.new())


class KeyMaker:
    """Keys with bounds and flaws, which the command does not make."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def new(
        self, tenant_id: UUID, *, environment: Environment = "live", **columns: Any
    ) -> str:
        key = new_key(environment, IDS, os.urandom)
        columns = {"scopes": list(columns.pop("scopes", [])), **columns}
        names = ", ".join(columns)
        marks = ", ".join(f"${number}" for number in range(5, 5 + len(columns)))
        async with tenant_tx(self.database, tenant_id) as connection:
            await connection.execute(
                f"insert into api_keys (tenant_id, key_id, hash, environment, created_at, {names})"
                f" values ($1, $2, $3, $4, now(), {marks})",
                tenant_id,
                key.key_id,
                key.hash,
                environment,
                *columns.values(),
            )
        return key.text


@pytest.fixture(scope="module")
def key_maker(database: Database) -> KeyMaker:
    return KeyMaker(database)

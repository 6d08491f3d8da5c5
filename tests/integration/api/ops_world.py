"""An operator's client, and work put into the database as workers would leave it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from shared.contracts.jobs import JobKind, JobPayload, encode_payload
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, format_id, parse_id
from shared.keys import parse_key
from shared.ops_keys import OPS_SCOPES
from tests.integration.api.conftest import Partner
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()


class Operator:
    """Calls the operators' API with a key."""

    def __init__(self, http: httpx.AsyncClient, key: str) -> None:
        self.http = http
        self.key = key
        self.headers = {"Authorization": f"Bearer {key}"}

    @property
    def key_id(self) -> UUID:
        return parse_key(self.key).key_id

    @classmethod
    async def new(
        cls, http: httpx.AsyncClient, tenants: TenantFactory, scopes: Sequence[str] = OPS_SCOPES
    ) -> "Operator":
        return cls(http, await tenants.registry.create_ops_key(scopes=scopes))

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.http.get(f"/ops/v1{path}", headers=self.headers, params=params)

    async def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None
    ) -> httpx.Response:
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        return await self.http.request(method, f"/ops/v1{path}", headers=headers, json=body)

    async def seen(self, path: str, **params: Any) -> Any:
        response = await self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()


class Work:
    """Jobs, scorings and measures of a tenant, as they are left by others."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._database = database
        self.tenant_id = tenant_id

    async def job(
        self, payload: JobPayload, kind: JobKind, *, job_id: UUID | None = None, **columns: Any
    ) -> UUID:
        """Insert a job that the relay will not publish for an hour; `columns` as they are named."""
        made = job_id or IDS.new()
        values = {"created_at": datetime.now(UTC), **columns}
        marks = ", ".join(f"${5 + place}" for place in range(len(values)))
        async with tenant_tx(self._database, self.tenant_id) as connection:
            await connection.execute(
                f"insert into jobs (tenant_id, job_id, kind, payload, {', '.join(values)},"
                f" next_publish_at) values ($1, $2, $3, $4, {marks}, now() + interval '1 hour')",
                self.tenant_id,
                made,
                kind.value,
                encode_payload(payload),
                *values.values(),
            )
        return made

    async def row(self, table: str, key: str, value: object) -> Any:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            return await connection.fetchrow(
                f"select * from {table} where tenant_id = $1 and {key} = $2",
                self.tenant_id,
                value,
            )

    async def sql(self, statement: str, *arguments: object) -> str:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            return str(await connection.execute(statement, self.tenant_id, *arguments))


async def trail(database: Database, key_id: UUID) -> list[Any]:
    """Return what the operators' trail has of a key, in order."""
    async with tenant_tx(database, UUID(int=0)) as connection:
        return await connection.fetch(
            "select action, target, request_id, facts, about_tenant_id from trail"
            " where tenant_id = $1 and actor_id = $2 order by number",
            UUID(int=0),
            key_id,
        )


def uuid_of(text: str) -> UUID:
    """Return the id behind a public one."""
    return parse_id(text.partition("_")[0], text)


class Desk:
    """The operators' routes of one tenant."""

    def __init__(self, operator: Operator, tenant_id: UUID) -> None:
        self.operator = operator
        self.tenant = format_id("ten", tenant_id)

    async def stuck(self) -> dict[str, Any]:
        seen = await self.operator.seen("/stuck", tenant_id=self.tenant)
        assert seen["total"] == len(seen["data"])
        return {each["id"]: each for each in seen["data"]}

    async def retry(self, thing: str) -> Any:
        response = await self.operator.send("POST", f"/tenants/{self.tenant}/retry", {"id": thing})
        assert response.status_code == 200, response.text
        return response.json()

    async def replay(self, job_id: UUID) -> Any:
        path = f"/tenants/{self.tenant}/dead_letters/{format_id('job', job_id)}/replay"
        response = await self.operator.send("POST", path)
        assert response.status_code == 200, response.text
        return response.json()


async def hand_in(partner: Partner) -> str:
    turns = [
        {"role": "agent", "text": "Hello, how can I help you today?"},
        {"role": "customer", "text": "My parcel has not arrived."},
        {"role": "agent", "text": "I am sorry about that. Let me look it up for you."},
    ]
    body = {
        "conversation": {"source": "chat", "turns": turns},
        "learner_id": await partner.learner(),
        "occurred_at": "2026-01-05T09:00:00Z",
    }
    response = await partner.post("/v1/scorings", body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def fail(work: Work, scoring: str, workflow_id: str | None) -> None:
    await work.sql("delete from jobs where tenant_id = $1")
    await work.sql(
        "update scorings set status = 'failed', failure_code = 'worker-crashed', workflow_id = $3,"
        " finished_at = now() where tenant_id = $1 and scoring_id = $2",
        uuid_of(scoring),
        workflow_id,
    )

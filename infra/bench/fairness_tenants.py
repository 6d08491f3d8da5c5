"""Tenants of the group `fairness`: made as an operator does, driven over HTTP."""

import asyncio
import base64
import time
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from infra.bench.http import Connection, HttpError
from infra.bench.transcripts import library, tiny
from infra.bench.turns import LINES, SCENARIO
from infra.devstack.credentials import Credentials
from infra.provision import settings_for
from infra.supervisor import UpFile
from infra.tenant_limits import LimitRegistry
from infra.tenants import Registry
from shared.db import pool
from shared.db.sealed import MasterKey
from shared.tenancy.limits import Defaults

BATCH: Final = 1000
"""Conversations of one request."""

POLL_S: Final = 0.01


class Client:
    """A tenant's own client."""

    def __init__(
        self, up: UpFile, tenant_id: UUID, key: str, connection: Connection, learner: str
    ) -> None:
        self._up = up
        self._key = key
        self._learner = learner
        self.connection = connection
        self.tenant_id = tenant_id
        self.conversations = [
            {"source": one["source"], "turns": one["turns"]} for one in library(seed=7)
        ]

    async def queue_scorings(self, count: int) -> None:
        """Hand in so many conversations of two turns."""
        lines = (
            {"learner_id": self._learner, "conversation": {"source": "chat", "turns": one["turns"]}}
            for one in tiny(count)
        )
        while some := list(islice(lines, BATCH)):
            await self.connection.post("/v1/scoring_batches", {"conversations": some}, 202)

    async def queue_simulations(self, count: int) -> None:
        """Begin so many autopilot simulations."""
        body = {
            "learner_id": self._learner, "scenarios": [SCENARIO], "profiles": ["skilled"],
            "seed": 1, "repeat": count, "score": False,
        }  # fmt: skip
        await self.connection.post("/v1/simulation_batches", body, 202)

    async def open_simulation(self, seed: int) -> tuple[Connection, str]:
        """Begin a conversation, on a connection of its own."""
        connection = await Connection.open(self._up.api_url, self._key)
        body = {
            "scenario": SCENARIO, "learner_id": self._learner, "mode": "interactive", "seed": seed,
        }  # fmt: skip
        return connection, (await connection.post("/v1/simulations", body, 201))["id"]

    async def score(self, number: int) -> None:
        """Have one conversation scored, and wait for it."""
        conversation = self.conversations[number % len(self.conversations)]
        body = {"learner_id": self._learner, "conversation": conversation}
        scoring = await self.connection.post("/v1/scorings", body, 202)
        while scoring["status"] != "completed":
            if scoring["status"] not in {"queued", "running"}:
                raise HttpError(msgspec.json.encode(scoring).decode())
            await asyncio.sleep(POLL_S)
            _, scoring = await self.connection.request("GET", f"/v1/scorings/{scoring['id']}")


async def new_client(up: UpFile, data_dir: Path, slug: str, *, weight: int = 1) -> Client:
    """Make a tenant with a key, a learner and a weight."""
    secrets = (data_dir / "secrets.json").read_bytes()
    master_key = msgspec.json.decode(secrets, type=Credentials).master_key
    settings = settings_for(up.database_url, master_key)
    database = await pool.connect(settings, "bench")
    try:
        registry = Registry(database, MasterKey(base64.b64decode(master_key)))
        tenant_id = await registry.create_tenant(slug)
        key = await registry.create_key(tenant_id, "live")
        limits = LimitRegistry(database, Defaults.of(settings))
        await limits.set_limit(tenant_id, "weight", weight, "bench")
        await limits.set_limit(tenant_id, "backlog", 100_000, "bench")
    finally:
        await database.close()
    connection = await Connection.open(up.api_url, key)
    body = {"external_id": f"{slug}-{time.time_ns()}"}
    learner = (await connection.post("/v1/learners", body, 201))["id"]
    return Client(up, tenant_id, key, connection, learner)


async def talk(connection: Connection, simulation: str) -> list[float]:
    """Say every line; return milliseconds per turn, the wording included."""
    took: list[float] = []
    for number, text in enumerate(LINES):
        started = time.perf_counter()
        body = {"text": text, "expected_seq": 2 * number}
        answer = await connection.post(f"/v1/simulations/{simulation}/turns", body, 200)
        took.append(1000 * (time.perf_counter() - started))
        if answer["simulation"]["status"] != "open":
            break
    return took


async def timed_scoring(client: Client, number: int) -> float:
    """Return milliseconds from the request to an answer that says `completed`."""
    started = time.perf_counter()
    await client.score(number)
    return 1000 * (time.perf_counter() - started)


async def waiting(up: UpFile, tenant_id: UUID) -> int:
    """Return how many of a tenant's scorings wait or are being judged."""
    found: int = await _fetch(
        up,
        "select count(*) from app.scorings where tenant_id = $1 and status in ('queued','running')",
        tenant_id,
    )
    return found


async def completed(up: UpFile, tenant_ids: list[UUID]) -> list[int]:
    """Return how many scorings of each tenant are done, of one moment."""
    found: list[int] = await _fetch(
        up,
        "select array_agg((select count(*) from app.scorings s where s.tenant_id = t.id"
        " and s.status = 'completed') order by t.number)"
        " from unnest($1::uuid[]) with ordinality as t(id, number)",
        tenant_ids,
    )
    return found


async def _fetch(up: UpFile, statement: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(up.database_url)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()

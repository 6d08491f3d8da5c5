"""Operations: waiting for their end, and a status that never goes backwards. [R-A4]"""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations
from typing import Any
from uuid import UUID

import pytest

from services.api.operations.schemas import KEPT_DAYS
from services.orchestrator.repository import OrchestratorRepository
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import Partner

ENDED = {"succeeded", "failed", "canceled"}
RANK = {"queued": 0, "running": 1} | dict.fromkeys(ENDED, 2)


class Batch:
    """An operation of two parts, and what happens to it."""

    def __init__(self, database: Database, partner: Partner, created: Any) -> None:
        self._database = database
        self._partner = partner
        self.path = f"/v1/operations/{created['id']}"
        self._operation_id: UUID = parse_id("op", created["id"])

    async def see(self) -> Any:
        answer = await self._partner.get(self.path)
        assert ("retry-after" in answer.headers) == (answer.json()["ended_at"] is None)
        return answer.json()

    async def happen(self, event: str) -> None:
        if event == "cancel":
            answer = await self._partner.post(f"{self.path}/cancel", key=None)
            assert answer.status_code == 200
            return
        what, part = event.split()
        async with tenant_tx(self._database, self._partner.tenant.tenant_id) as connection:
            repository = OrchestratorRepository(connection, self._partner.tenant.tenant_id)
            if what == "start":
                await repository.start_operation(self._operation_id, datetime.now(UTC))
            else:
                await repository.end_part(self._operation_id, int(part), datetime.now(UTC))


def _orders() -> Iterator[tuple[str, ...]]:
    """Return every order in which two parts start and end and somebody cancels."""
    events = ("start 0", "start 1", "end 0", "end 1", "cancel")
    for order in permutations(events):
        if all(order.index(f"start {part}") < order.index(f"end {part}") for part in (0, 1)):
            yield order


@pytest.fixture(scope="module")
async def learner(partner: Partner) -> str:
    return await partner.learner()


async def _batch(database: Database, partner: Partner, learner: str, repeat: int = 51) -> Batch:
    body = {
        "learner_id": learner,
        "scenarios": ["support-angry-late-delivery"],
        "profiles": ["skilled"],
        "repeat": repeat,
    }
    answer = await partner.post("/v1/simulation_batches", body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["operation-location"] == f"/v1/operations/{answer.json()['id']}"
    assert answer.headers["location"] == answer.json()["result"]
    assert answer.headers["retry-after"] == "1"
    return Batch(database, partner, answer.json())


@pytest.mark.parametrize("order", list(_orders()), ids=" ".join)
async def test_the_status_never_goes_backwards(
    partner: Partner, database: Database, learner: str, order: tuple[str, ...]
) -> None:
    batch = await _batch(database, partner, learner)
    seen = [await batch.see()]
    for event in (*order, *order):  # and everything may arrive twice
        await batch.happen(event)
        seen.append(await batch.see())

    for before, after in pairwise(seen):
        assert RANK[after["status"]] >= RANK[before["status"]]
        if before["status"] in ENDED:
            assert after["status"] == before["status"]
            assert after["ended_at"] == before["ended_at"]
    last = seen[-1]
    was_over = max(order.index("end 0"), order.index("end 1")) < order.index("cancel")
    assert (last["status"] != "canceled") == was_over
    assert last["status"] in ENDED


async def test_times_of_an_operation(partner: Partner, database: Database, learner: str) -> None:
    batch = await _batch(database, partner, learner, repeat=1)
    queued = await batch.see()
    await batch.happen("start 0")
    running = await batch.see()
    await batch.happen("end 0")
    ended = await batch.see()

    assert (queued["started_at"], queued["ended_at"]) == (None, None)
    assert running["started_at"] is not None
    assert queued["created_at"] <= running["started_at"] <= ended["ended_at"]
    created, expires = (
        datetime.fromisoformat(queued[f"{name}_at"]) for name in ("created", "expires")
    )
    assert expires - created == timedelta(days=KEPT_DAYS)


class TestWaiting:
    async def test_until_it_has_ended(
        self, partner: Partner, database: Database, learner: str
    ) -> None:
        batch = await _batch(database, partner, learner, repeat=1)
        await batch.happen("start 0")
        waiting = asyncio.create_task(
            partner.http.get(batch.path, headers={**partner.headers, "Prefer": "wait=15"})
        )
        await batch.see()
        assert not waiting.done()
        await batch.happen("end 0")
        answer = await waiting

        assert answer.json()["status"] in ENDED
        assert answer.headers["preference-applied"] == "wait=15"
        assert "retry-after" not in answer.headers

    async def test_no_longer_than_was_wished(
        self, partner: Partner, database: Database, learner: str
    ) -> None:
        batch = await _batch(database, partner, learner, repeat=1)
        started = time.monotonic()
        answer = await partner.http.get(batch.path, headers={**partner.headers, "Prefer": "wait=1"})

        assert 1 <= time.monotonic() - started < 10
        assert answer.status_code == 200
        assert answer.json()["status"] == "queued"
        assert answer.headers["preference-applied"] == "wait=1"
        assert answer.headers["retry-after"] == "1"

    async def test_a_new_batch_waits_as_well(self, partner: Partner, learner: str) -> None:
        body = {
            "learner_id": learner,
            "scenarios": ["support-angry-late-delivery"],
            "profiles": ["skilled"],
        }
        answer = await partner.post(
            "/v1/simulation_batches", body, headers={"Prefer": "respond-async, wait=1"}
        )

        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "wait=1"

    @pytest.mark.parametrize(
        "prefer", ["", "wait", "wait=-1", "wait=abc", "wait=1.5", "return=minimal"]
    )
    async def test_other_wishes_are_no_error(
        self, partner: Partner, database: Database, learner: str, prefer: str
    ) -> None:
        batch = await _batch(database, partner, learner, repeat=1)
        answer = await partner.http.get(batch.path, headers={**partner.headers, "Prefer": prefer})

        assert answer.status_code == 200
        assert "preference-applied" not in answer.headers


async def test_cancel_is_idempotent(partner: Partner, database: Database, learner: str) -> None:
    batch = await _batch(database, partner, learner, repeat=1)
    answers = await asyncio.gather(
        *(partner.post(f"{batch.path}/cancel", key="stop") for _ in range(5))
    )

    assert {each.status_code for each in answers} == {200}
    assert {each.json()["status"] for each in answers} == {"canceled"}
    assert len({each.json()["ended_at"] for each in answers}) == 1
    events = "select count(*) from events where tenant_id = $1 and resource_id = $2"
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        operation_id = parse_id("op", batch.path.rsplit("/", 1)[1])
        assert await connection.fetchval(events, partner.tenant.tenant_id, operation_id) == 1


class TestWaitingForScorings:
    def _body(self, learner: str) -> dict[str, Any]:
        turns = [
            {"role": "customer", "text": "My parcel is lost and nobody has called me back."},
            {"role": "agent", "text": "I am sorry. I will look for it right now, if I may."},
        ]
        return {"learner_id": learner, "conversation": {"source": "call", "turns": turns}}

    async def test_one(self, partner: Partner, database: Database, learner: str) -> None:
        accepted = await partner.post("/v1/scorings", self._body(learner))
        path = accepted.headers["location"]
        waiting = asyncio.create_task(
            partner.http.get(path, headers={**partner.headers, "Prefer": "wait=15"})
        )
        assert (await partner.get(path)).json()["status"] == "queued"
        async with tenant_tx(database, partner.tenant.tenant_id) as connection:
            await OrchestratorRepository(connection, partner.tenant.tenant_id).fail_scoring(
                parse_id("scr", accepted.json()["id"]), "timeout", datetime.now(UTC)
            )
        answer = await waiting

        assert accepted.headers["retry-after"] == "1"
        assert answer.json()["status"] == "failed"
        assert answer.headers["preference-applied"] == "wait=15"

    async def test_many(self, partner: Partner, learner: str) -> None:
        body = {"conversations": [self._body(learner)]}
        sent = await partner.post("/v1/scoring_batches", body, headers={"Prefer": "wait=1"})
        path = f"/v1/operations/{sent.json()['id']}"
        waiting = asyncio.create_task(
            partner.http.get(
                sent.headers["location"], headers={**partner.headers, "Prefer": "wait=15"}
            )
        )
        await partner.post(f"{path}/cancel", key=None)
        answer = await waiting

        assert (sent.status_code, sent.headers["preference-applied"]) == (202, "wait=1")
        assert answer.json()["operation"]["status"] == "canceled"
        assert "retry-after" not in answer.headers

"""The life of an Idempotency-Key against a model, and fifty equal requests at once. [R-A2, R-E7]"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal, get_args

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.idempotency import KEPT_S
from services.orchestrator.repository import forget_claims
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.tenants import TenantFactory

Route = Literal["/v1/teams", "/v1/simulations"]
TWINS = 50


class Later:
    """A clock that is told what time it is."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


@dataclasses.dataclass(frozen=True)
class Ask:
    """One request."""

    tenant: int
    route: Route
    key: str
    body: int


@dataclasses.dataclass(frozen=True)
class Pass:
    """Time goes by, and what is too old is forgotten."""

    seconds: int


STEPS = st.lists(
    st.one_of(
        st.builds(
            Ask,
            tenant=st.integers(0, 1),
            route=st.sampled_from(get_args(Route)),
            key=st.sampled_from(["a", "b"]),
            body=st.integers(0, 1),
        ),
        st.builds(Pass, seconds=st.sampled_from([3600, KEPT_S - 1, KEPT_S + 1])),
    ),
    min_size=2,
    max_size=25,
)

_EXAMPLES = count()


class World:
    """Two tenants of one app, and the clock of it."""

    def __init__(
        self, database: Database, clock: Later, partners: list[Partner], learners: list[str]
    ) -> None:
        self.database = database
        self.clock = clock
        self.partners = partners
        self.learners = learners

    async def ask(self, ask: Ask, example: int) -> httpx.Response:
        body: dict[str, Any] = {"name": str(ask.body)}
        if ask.route == "/v1/simulations":
            body = {
                "scenario": "support-angry-late-delivery",
                "learner_id": self.learners[ask.tenant],
                "mode": "interactive",
                "seed": ask.body,
            }
        return await self.partners[ask.tenant].post(ask.route, body, key=f"{example}-{ask.key}")

    async def forget(self) -> None:
        async with system_tx(self.database) as connection:
            await forget_claims(connection, self.clock.now(), timedelta(seconds=KEPT_S))


@pytest.fixture(scope="module")
async def world(context: ProcessContext, tenants: TenantFactory) -> AsyncIterator[World]:
    clock = Later()
    app = create_app(dataclasses.replace(context, clock=clock))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        partners = [Partner(client, await tenants.new()) for _ in range(2)]
        learners = [await partner.learner() for partner in partners]
        yield World(context.database, clock, partners, learners)


@given(steps=STEPS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_the_life_of_a_key(world: World, steps: list[Ask | Pass]) -> None:
    example = next(_EXAMPLES)
    claimed: dict[tuple[int, Route, str], tuple[int, str, datetime]] = {}
    for step in steps:
        if isinstance(step, Pass):
            world.clock.at += timedelta(seconds=step.seconds)
            await world.forget()
            limit = world.clock.at - timedelta(seconds=KEPT_S)
            claimed = {place: each for place, each in claimed.items() if each[2] >= limit}
            continue
        answer = await world.ask(step, example)
        place = (step.tenant, step.route, step.key)
        known = claimed.get(place)
        if known is None:
            assert answer.status_code == 201, answer.text
            assert "idempotent-replayed" not in answer.headers
            assert answer.json()["id"] not in {each[1] for each in claimed.values()}
            claimed[place] = (step.body, answer.json()["id"], world.clock.at)
        elif known[0] == step.body:
            assert answer.status_code == 201, answer.text
            assert answer.headers["idempotent-replayed"] == "true"
            assert answer.json()["id"] == known[1]
        else:
            assert answer.status_code == 422, answer.text
            assert answer.json()["code"] == "idempotency-key-reused"


async def _count(database: Database, partner: Partner, statement: str) -> int:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        return int(await connection.fetchval(statement, partner.tenant.tenant_id))


class TestFiftyAtOnce:
    """Equal requests that start together make one row and one job, which starts one workflow."""

    async def _fifty(self, partner: Partner, path: str, body: Any) -> set[str]:
        barrier = asyncio.Barrier(TWINS)

        async def one() -> httpx.Response:
            await barrier.wait()
            return await partner.post(path, body, key="twin")

        answers = await asyncio.gather(*(one() for _ in range(TWINS)))
        assert {each.is_success for each in answers} == {True}
        assert sum("idempotent-replayed" not in each.headers for each in answers) == 1
        return {(each.json().get("learner_turn") or each.json())["id"] for each in answers}

    @pytest.fixture
    async def twin(self, http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
        return Partner(http, await tenants.new())

    async def test_simulation(self, twin: Partner, database: Database) -> None:
        body = {
            "scenario": await twin.scenario(),
            "learner_id": await twin.learner(),
            "mode": "interactive",
        }

        assert len(await self._fifty(twin, "/v1/simulations", body)) == 1
        rows = "select count(*) from simulations where tenant_id = $1"
        jobs = "select count(*) from jobs where tenant_id = $1 and kind = 'flow'"
        assert await _count(database, twin, rows) == 1
        assert await _count(database, twin, jobs) == 1

    async def test_scoring(self, twin: Partner, database: Database) -> None:
        turns = [
            {"role": "customer", "text": "My parcel is lost and nobody has called me back."},
            {"role": "agent", "text": "I am sorry. I will look for it right now, if I may."},
        ]
        body = {
            "learner_id": await twin.learner(),
            "conversation": {"source": "call", "turns": turns},
        }

        assert len(await self._fifty(twin, "/v1/scorings", body)) == 1
        rows = "select count(*) from scorings where tenant_id = $1"
        jobs = "select count(*) from jobs where tenant_id = $1 and kind = 'flow'"
        assert await _count(database, twin, rows) == 1
        assert await _count(database, twin, jobs) == 1

    async def test_turn(self, twin: Partner, database: Database, worker: FakeWorker) -> None:
        simulation = await twin.simulation()
        path = f"/v1/simulations/{simulation['id']}/turns"

        assert len(await self._fifty(twin, path, {"text": "Hello", "expected_seq": 0})) == 1
        rows = "select count(*) from turns where tenant_id = $1 and role = 'learner'"
        assert await _count(database, twin, rows) == 1

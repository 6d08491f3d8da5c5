"""The scoring of a simulation audits the simulator too, and says so in the same transaction."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client

from services.scoring_worker.handler import ScoreHandler
from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.playing import Trace, play_profile
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import (
    JobKind,
    JobMessage,
    ReplyTo,
    ScoreJob,
    encode_payload,
)
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Fault, PersonaState
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.messaging.publisher import Publisher
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
SCENARIO = "support-angry-late-delivery"


class Room:
    """One tenant with one learner, and played simulations as the other rooms store them."""

    def __init__(self, database: Database, tenant_id: UUID, key: SealKey, learner_id: UUID) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.key = key
        self.learner_id = learner_id

    @classmethod
    async def create(cls, database: Database, keys: KeyRing, tenants: TenantFactory) -> "Room":
        tenant_id, learner_id = (await tenants.new()).tenant_id, IDS.new()
        async with tenant_tx(database, tenant_id) as connection:
            tenant = await keys.tenant(connection, tenant_id)
            wrapped = tenant.new_learner_key(learner_id)
            await connection.execute(
                "insert into learners (tenant_id, learner_id, person_id, external_id,"
                " external_id_hash, created_at) values ($1, $2, $2, 'x', 'x', now())",
                tenant_id,
                learner_id,
            )
            await connection.execute(
                "insert into learner_keys (tenant_id, learner_id, wrapped) values ($1, $2, $3)",
                tenant_id,
                learner_id,
                wrapped,
            )
        return cls(database, tenant_id, tenant.learner_key(learner_id, wrapped), learner_id)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def scenario(self) -> tuple[UUID, int, ScenarioSpec]:
        (row,) = await self.fetch(
            "select s.scenario_id, v.version, v.spec from scenarios s"
            " join scenario_versions v using (tenant_id, scenario_id)"
            " where s.tenant_id = $1 and s.slug = $2 order by v.version desc limit 1",
            SCENARIO,
        )
        spec = msgspec.json.decode(row["spec"], type=ScenarioSpec)
        return row["scenario_id"], row["version"], spec

    async def ended(
        self,
        *,
        instead: dict[int, str] | None = None,
        state: str | None = None,
        excluded: str | None = None,
    ) -> UUID:
        """Store a played simulation with its scoring; `instead` has other words for some turns.

        `state` is stored for the last turn as it is.
        """
        simulation_id = IDS.new()
        scenario_id, version, spec = await self.scenario()
        trace = play_profile(spec, "skilled", seed=1)
        await self.fetch(
            "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
            " scenario_version, mode, profile, seed, status, end_reason, last_seq, created_at,"
            " last_activity_at, ended_at) values ($1, $2, $3, $4, $5, 'autopilot', 'skilled', 1,"
            " 'ended', $6, $7, now(), now(), now())",
            simulation_id,
            self.learner_id,
            scenario_id,
            version,
            trace.end_reason.value,
            2 * len(trace.exchanges),
        )
        last = 2 * len(trace.exchanges)
        for seq, text, after, surface in _turns(spec, trace):
            said = (instead or {}).get(seq, text)
            kept = state if state is not None and seq == last else after
            await self.fetch(
                "insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state,"
                " surface, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, now())",
                simulation_id,
                seq,
                IDS.new(),
                "learner" if seq % 2 else "customer",
                self.key.seal_text(said, "turns.text", turn_row(simulation_id, seq)),
                kept,
                surface,
            )
        await self.fetch(
            "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
            " rubric_version, source, status, workflow_id, occurred_at, created_at, excluded)"
            " select $1, $2, $3, $2, rubric_id, version, 'simulation', 'running', 'x', now(),"
            " now(), $4 from rubric_versions where tenant_id = $1 order by rubric_id limit 1",
            simulation_id,
            self.learner_id,
            excluded,
        )
        return simulation_id

    async def score_job(self, scoring_id: UUID) -> JobMessage:
        job_id = IDS.new()
        payload = ScoreJob(
            scoring_id=scoring_id, reply_to=ReplyTo(workflow_id="nobody", activity_id="waits")
        )
        await self.fetch(
            "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
            " values ($1, $2, 'score', $3, now() + interval '1 hour', now())",
            job_id,
            encode_payload(payload),
        )
        return JobMessage(tenant_id=self.tenant_id, job_id=job_id, kind=JobKind.SCORE, attempt=1)

    async def result(self, simulation_id: UUID) -> tuple[str, tuple[Fault, ...] | None, str | None]:
        """Return status, faults, and why the scoring is left out."""
        (row,) = await self.fetch(
            "select m.status, m.faults, s.excluded, s.status as scoring from simulations m"
            " join scorings s using (tenant_id, simulation_id)"
            " where m.tenant_id = $1 and m.simulation_id = $2",
            simulation_id,
        )
        assert row["scoring"] == "completed"
        faults = row["faults"]
        found = None if faults is None else msgspec.json.decode(faults, type=tuple[Fault, ...])
        return row["status"], found, row["excluded"]

    async def assessments(self, simulation_id: UUID) -> int:
        rows = await self.fetch(
            "select 1 from assessments where tenant_id = $1 and scoring_id = $2", simulation_id
        )
        return len(rows)


@pytest.fixture
async def room(database: Database, keys: KeyRing, tenants: TenantFactory) -> Room:
    return await Room.create(database, keys, tenants)


@pytest.fixture
def handler(settings: Settings, database: Database, keys: KeyRing, nats: Client) -> ScoreHandler:
    return ScoreHandler(settings, database, keys, Publisher(nats), clock=SystemClock(), ids=IDS)


async def test_a_clean_simulation_counts(room: Room, handler: ScoreHandler) -> None:
    simulation_id = await room.ended()
    await handler.handle(await room.score_job(simulation_id))
    assert await room.result(simulation_id) == ("scored", (), None)
    assert await room.assessments(simulation_id) == 1


async def test_a_faulty_one_is_judged_and_left_out(room: Room, handler: ScoreHandler) -> None:
    _, _, spec = await room.scenario()
    simulation_id = await room.ended(instead={2: spec.facts[0].text})
    await handler.handle(await room.score_job(simulation_id))
    status, faults, excluded = await room.result(simulation_id)
    assert faults is not None
    assert Fault(code="fact_leaked", seq=2, subject=spec.facts[0].key) in faults
    assert (status, excluded) == ("scored", "simulator_fault")
    assert await room.assessments(simulation_id) == 1


async def test_the_first_reason_stays(room: Room, handler: ScoreHandler) -> None:
    simulation_id = await room.ended(instead={2: "As an AI, I have no parcel."}, excluded="batch")
    await handler.handle(await room.score_job(simulation_id))
    assert await room.result(simulation_id) == (
        "scored",
        (Fault(code="role_swap", seq=2),),
        "batch",
    )


async def test_doing_it_again_changes_nothing(room: Room, handler: ScoreHandler) -> None:
    simulation_id = await room.ended(instead={4: "How can I help you today?"})
    await handler.handle(await room.score_job(simulation_id))
    before = await room.result(simulation_id)
    assert before[2] == "simulator_fault"
    await room.fetch(
        "update simulations set faults = '[]' where tenant_id = $1 and simulation_id = $2",
        simulation_id,
    )
    await handler.handle(await room.score_job(simulation_id))
    assert await room.result(simulation_id) == ("scored", (), "simulator_fault")
    assert await room.assessments(simulation_id) == 1


async def test_a_state_that_cannot_be_read_is_a_fault(room: Room, handler: ScoreHandler) -> None:
    broken = '{"mind": {"trust": 400}}'
    simulation_id = await room.ended(state=broken)
    await handler.handle(await room.score_job(simulation_id))
    _, faults, excluded = await room.result(simulation_id)
    assert faults is not None
    assert [fault.code for fault in faults] == ["out_of_range"]
    assert excluded == "simulator_fault"


def _turns(spec: ScenarioSpec, trace: Trace) -> list[tuple[int, str, str | None, str | None]]:
    """Return seq, words, state and surface of every turn."""
    rows: list[tuple[int, str, str | None, str | None]] = [
        (0, trace.opening, _json(start(spec)), None)
    ]
    for number, exchange in enumerate(trace.exchanges):
        rows.append((2 * number + 1, exchange.learner, None, None))
        move = exchange.move
        rows.append((2 * number + 2, exchange.reply, _json(move.state), move.surface.value))
    return rows


def _json(state: PersonaState) -> str:
    return msgspec.json.encode(state).decode()

"""The usual way to run conversations on Temporal, as a floor: one activity per turn.

One process has workflows and activities; a turn is the learner's line, the engine's answer, its
wording and a durable row. Nothing else that the product does (keys, events, jobs) is done here.
"""

import asyncio
import time
import uuid
from datetime import timedelta

import asyncpg
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from infra.supervisor import UpFile
from shared.temporal.converter import DATA_CONVERTER

with workflow.unsafe.imports_passed_through():
    import msgspec

    from services.sim_worker.engine.conversation import respond, start
    from services.sim_worker.engine.learners import next_line
    from services.sim_worker.engine.wording import word
    from shared.contracts.base import Record
    from shared.contracts.scenario import opening_line
    from shared.contracts.simulation import Line, PersonaState
    from shared.library import load_scenarios

QUEUE = "bench-per-turn"
CACHED = 1000

_TABLE = """
create table if not exists public.bench_turns (
  conversation uuid, seq int, learner text, reply text, state jsonb,
  primary key (conversation, seq))
"""
_INSERT = "insert into public.bench_turns values ($1, $2, $3, $4, $5) on conflict do nothing"
_READ = "select learner, reply, state from public.bench_turns where conversation = $1 order by seq"


class Place(Record, frozen=True, kw_only=True):
    """The next turn of a conversation."""

    conversation: uuid.UUID
    scenario: str
    seed: int
    number: int


class Turns:
    """The activity: plays one turn."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._scenarios = {spec.slug: spec for spec in load_scenarios()}
        self.played = 0

    @activity.defn(name="bench.turn")
    async def turn(self, place: Place) -> bool:
        """Play the turn; say whether the conversation goes on."""
        scenario = self._scenarios[place.scenario]
        rows = await self._pool.fetch(_READ, place.conversation)
        lines = [Line(role="customer", text=opening_line(scenario, place.seed))]
        for row in rows:
            lines += [
                Line(role="agent", text=row["learner"]),
                Line(role="customer", text=row["reply"]),
            ]
        state = start(scenario)
        if rows:
            state = msgspec.json.decode(rows[-1]["state"], type=PersonaState)
        said = next_line("skilled", scenario, state, lines, seed=place.seed)
        if said is None:
            return False
        move = respond(scenario, state, said, seed=place.seed, seq=len(lines) + 1)
        await self._pool.execute(
            _INSERT,
            place.conversation,
            place.number,
            said,
            word(scenario, move),
            msgspec.json.encode(move.state).decode(),
        )
        self.played += 1
        return move.end_reason is None


@workflow.defn(name="BenchPerTurn")
class PerTurnWorkflow:
    """One conversation, one activity per turn."""

    @workflow.run
    async def run(self, place: Place) -> None:
        """Play until the conversation ends."""
        goes_on = True
        while goes_on:
            goes_on = await workflow.execute_activity(
                "bench.turn",
                place,
                result_type=bool,
                start_to_close_timeout=timedelta(seconds=30),
            )
            place = msgspec.structs.replace(place, number=place.number + 1)


async def per_turn_rate(up: UpFile, scenario: str, conversations: int, at_once: int) -> float:
    """Return learner turns per second."""
    client = await Client.connect(up.temporal_address, data_converter=DATA_CONVERTER)
    async with asyncpg.create_pool(up.database_url, min_size=at_once, max_size=at_once) as pool:
        await pool.execute(_TABLE)
        turns = Turns(pool)
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[PerTurnWorkflow],
            activities=[turns.turn],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=CACHED,
        )
        free = asyncio.Semaphore(at_once)

        async def converse(number: int) -> None:
            async with free:
                conversation = uuid.uuid4()
                place = Place(conversation=conversation, scenario=scenario, seed=number, number=0)
                await client.execute_workflow(
                    PerTurnWorkflow.run, place, id=f"bench-{conversation}", task_queue=QUEUE
                )

        async with worker:
            await asyncio.gather(*(converse(number) for number in range(10)))
            turns.played = 0
            started = time.perf_counter()
            await asyncio.gather(*(converse(number) for number in range(conversations)))
            wall = time.perf_counter() - started
        await pool.execute("drop table public.bench_turns")
    return turns.played / wall

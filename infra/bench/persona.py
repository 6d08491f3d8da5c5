"""Group `persona`: the cost of the engine, and of a batch of conversations in all processes."""

import asyncio
import time
from pathlib import Path

import asyncpg
import msgspec
import uvloop

from infra.bench.http import Connection, HttpError
from infra.bench.per_turn import per_turn_rate
from infra.bench.product import cpu_s, descendants, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report
from infra.supervisor import UpFile
from services.sim_worker.engine.conversation import respond
from services.sim_worker.engine.playing import play_profile
from services.sim_worker.engine.wording import word
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import PersonaState
from shared.library import load_scenarios

CONVERSATIONS = 200
IN_FLIGHT = 50
"""`BATCH_SLOTS` of the simulation worker: conversations at once."""
DELAY_MS = 50
SCENARIO = "support-angry-late-delivery"
PROFILE = "skilled"
"""About seven turns in this scenario."""
POLL_S = 0.05

FORTY_WORDS = (
    "I can hear how upsetting this is after you waited all day, and I'm sorry. Let me look into "
    "it with you right now: can you tell me what happened when the driver came, and what you had "
    "planned for it?"
)
ROUNDS = 20

_TURNS = "select count(*) from app.turns where role = 'learner'"


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    report.add("persona.engine_ms_per_turn", _engine_ms(), "ms", 1)
    quiet_log = {"RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir / "plain", quiet_log) as (up, _):
        uvloop.run(_plain(report, up))
    delayed = {**quiet_log, "RAPPORT_WORDING_DELAY_MS": str(DELAY_MS)}
    with running(data_dir / "delayed", delayed) as (up, _):
        uvloop.run(_delayed(report, up))


def _engine_ms() -> float:
    """Return CPU milliseconds per turn of about 40 words, at every point of whole talks."""
    points = []
    for scenario in load_scenarios():
        trace = play_profile(scenario, PROFILE, seed=1)
        for number, exchange in enumerate(trace.exchanges[:-1]):
            points.append((scenario, exchange.move.state, 2 * number + 3))
    _answer_all(points)
    started = time.process_time()
    for _ in range(ROUNDS):
        _answer_all(points)
    return 1000 * (time.process_time() - started) / ROUNDS / len(points)


def _answer_all(points: list[tuple[ScenarioSpec, PersonaState, int]]) -> None:
    for scenario, state, seq in points:
        move = respond(scenario, state, FORTY_WORDS, seed=1, seq=seq)
        word(scenario, move)


async def _plain(report: Report, up: UpFile) -> None:
    pids = descendants(up.pids["supervisor"])
    await _batch(up, 20)  # warm-up: connections, plans, caches
    await settled(up)
    await quiet(pids)
    before = cpu_s(pids)
    turns, wall = await _batch(up, CONVERSATIONS)
    await settled(up)
    report.add("persona.batch_cpu_ms_per_turn", 1000 * (cpu_s(pids) - before) / turns, "ms", 4)
    report.add("persona.batch_turns_per_s", turns / wall, "1/s")
    await quiet(pids)
    floor = await per_turn_rate(up, SCENARIO, CONVERSATIONS, IN_FLIGHT)
    report.add("persona.activity_per_turn_per_s", floor, "1/s")
    report.add("persona.batch_vs_activity_per_turn", turns / wall / floor, "x", 4, "least")


async def _delayed(report: Report, up: UpFile) -> None:
    await _batch(up, IN_FLIGHT)
    await settled(up)
    await quiet(descendants(up.pids["supervisor"]))
    turns, wall = await _batch(up, CONVERSATIONS)
    ideal = turns * DELAY_MS / 1000 / IN_FLIGHT
    report.add("persona.batch_wall_x_ideal", wall / ideal, "x", 2.2)


async def _batch(up: UpFile, conversations: int) -> tuple[int, float]:
    """Run a batch to its end; return its learner turns and its seconds."""
    connection = await Connection.open(up.api_url, up.api_key)
    learner = await new_learner(up)
    database = await asyncpg.connect(up.database_url)
    before = await database.fetchval(_TURNS)
    started = time.perf_counter()
    body = {
        "learner_id": learner,
        "scenarios": [SCENARIO],
        "profiles": [PROFILE],
        "repeat": conversations,
        "score": False,
    }
    operation = await connection.post("/v1/simulation_batches", body, 202)
    while operation["ended_at"] is None:
        await asyncio.sleep(POLL_S)
        _, operation = await connection.request("GET", f"/v1/operations/{operation['id']}")
    wall = time.perf_counter() - started
    if operation["status"] != "succeeded" or operation["progress"]["failed"]:
        raise HttpError(msgspec.json.encode(operation).decode())
    turns = await database.fetchval(_TURNS) - before
    await database.close()
    return turns, wall

"""A scripted learner practices over the API, turn by turn."""

import time
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec.structs import replace

from infra.demo.checks import DemoError
from infra.demo.client import Api
from infra.demo.people import Learner
from infra.demo.views import Assessment, Exchange, Simulation, Standing, Started, Turn, Turns
from services.sim_worker.engine.playing import play_profile
from shared.contracts.scenario import ScenarioSpec

REPLIED_WITHIN_S: Final = 10.0
"""After the 20 s for which the API itself waits."""

SCORED_WITHIN_S: Final = 20.0

OnTurn = Callable[[Turn], None]


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A finished and scored practice conversation."""

    simulation_id: str
    learner: Learner
    profile: str
    title: str
    turns: tuple[Turn, ...]
    end_reason: str
    latencies_ms: tuple[float, ...]
    """From sending a turn to having the reply, over HTTP."""
    assessment: Assessment

    @property
    def overall(self) -> int:
        """The overall score, 0..100; 0 when there is none."""
        return self.assessment.overall or 0


async def practice(
    api: Api,
    scenario: ScenarioSpec,
    learner: Learner,
    profile: str,
    *,
    seed: int,
    on_turn: OnTurn = lambda _turn: None,
) -> Conversation:
    """Play one conversation to its end and wait for its score; `on_turn` sees every turn.

    Raises:
        DemoError: the API refused, or something was not finished in time.
    """
    body = {
        "scenario": scenario.slug,
        "learner_id": learner.id,
        "mode": "interactive",
        "seed": seed,
    }
    started = await api.post("/v1/simulations", body, Started)
    turns, latencies = await _talk(api, scenario, started, profile, seed, on_turn)
    ended = await finished(api, started.id)
    return Conversation(
        simulation_id=started.id,
        learner=learner,
        profile=profile,
        title=started.scenario.title,
        turns=tuple(turns),
        end_reason=ended.end_reason or "",
        latencies_ms=tuple(latencies),
        assessment=await api.get(f"/v1/assessments/{ended.assessment_id}", Assessment),
    )


async def finished(api: Api, simulation_id: str) -> Simulation:
    """Wait until a simulation has ended and is scored.

    Raises:
        DemoError: it was not scored in time.
    """
    return await api.until(
        f"/v1/simulations/{simulation_id}",
        Simulation,
        lambda seen: seen.assessment_id is not None,
        within_s=SCORED_WITHIN_S,
    )


async def autopilot(
    api: Api, scenario: ScenarioSpec, learner: Learner, profile: str, *, seed: int
) -> tuple[Simulation, tuple[Turn, ...], Assessment]:
    """Have the service play a conversation by itself; return it with its turns and its score.

    Raises:
        DemoError: the API refused, or it was not scored in time.
    """
    body = {
        "scenario": scenario.slug,
        "learner_id": learner.id,
        "mode": "autopilot",
        "profile": profile,
        "seed": seed,
    }
    started = await api.post("/v1/simulations", body, Started)
    ended = await finished(api, started.id)
    turns = await api.get(f"/v1/simulations/{started.id}/turns", Turns)
    assessment = await api.get(f"/v1/assessments/{ended.assessment_id}", Assessment)
    return ended, turns.data, assessment


async def _talk(
    api: Api,
    scenario: ScenarioSpec,
    started: Started,
    profile: str,
    seed: int,
    on_turn: OnTurn,
) -> tuple[list[Turn], list[float]]:
    """Say over the API what the scripted learner says, and hear what the engine says here.

    The engine is a function of scenario, seed and words: run in this process it knows every reply
    of the service beforehand.
    """
    turns, latencies = list(started.turns), list[float]()
    on_turn(turns[0])
    trace = play_profile(scenario, profile, seed=seed)
    for expected in trace.exchanges:
        sent = time.perf_counter()
        exchange = await _say(api, started.id, expected.learner, turns[-1].seq)
        latencies.append((time.perf_counter() - sent) * 1000)
        if exchange.reply is None or exchange.reply.text != expected.reply:
            raise DemoError(f"simulation {started.id} went another way than the engine does here")
        for turn in (exchange.learner_turn, exchange.reply):
            turns.append(turn)
            on_turn(turn)
    if trace.exchanges[-1].move.end_reason is None:
        await api.post(f"/v1/simulations/{started.id}/end", None, Simulation)
    return turns, latencies


async def _say(api: Api, simulation_id: str, said: str, last_seq: int) -> Exchange:
    path = f"/v1/simulations/{simulation_id}"
    body = {"text": said, "expected_seq": last_seq}
    exchange = await api.post(f"{path}/turns", body, Exchange)
    if exchange.reply is not None or exchange.simulation.status != "open":
        return exchange
    later = await api.until(
        f"{path}/turns?after_seq={last_seq + 1}",
        Turns,
        lambda seen: bool(seen.data),
        within_s=REPLIED_WITHIN_S,
    )
    simulation = await api.get(path, Simulation)
    standing = Standing(simulation.status, simulation.end_reason, simulation.last_seq)
    return replace(exchange, reply=later.data[0], simulation=standing)

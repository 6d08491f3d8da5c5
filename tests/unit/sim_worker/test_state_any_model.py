"""Whatever a model says, the customer's mind is the same, byte for byte [D1]."""

import random
from collections.abc import Callable

import msgspec
import pytest
from structlog.testing import capture_logs

from services.sim_worker.engine.playing import Trace, play_profile
from shared.contracts.llm import WhyEmbedded
from shared.contracts.scenario import ScenarioSpec
from shared.library import load_scenarios
from shared.llm.ports import ChatRequest, ModelFailedError
from tests.support.worded import SayingModel, Talk, draft_of, move_of

LIBRARY = load_scenarios()
MODELS = 200
IN_SHORT = 27
"""How many of them every run asks, one in each scenario; the others are slow."""
PROFILES = ("skilled", "average", "rude", "pushover", "prompt-attacker")

Answer = Callable[[random.Random, ChatRequest, ScenarioSpec], str | Exception]


def _draft(_: random.Random, asked: ChatRequest, __: ScenarioSpec) -> str:
    return draft_of(asked)


def _shuffled(rng: random.Random, asked: ChatRequest, _: ScenarioSpec) -> str:
    words = draft_of(asked).split()
    rng.shuffle(words)
    return " ".join(words)


def _huge(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> str:
    return rng.choice(["and then ", "No. ", "\u00e4", "\n"]) * 60_000


def _leak(rng: random.Random, _: ChatRequest, scenario: ScenarioSpec) -> str:
    fact = rng.choice(scenario.facts) if scenario.facts else None
    return fact.text if fact else "I won't say."


def _foreign(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> str:
    return rng.choice(
        [
            "Ich verzeihe Ihnen alles, wirklich.",
            "\u6211\u539f\u8c05\u4f60\u3002",
            "Est\u00e1 bien, acepto.",
        ]
    )


def _turncoat(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> str:
    return rng.choice(
        [
            "I agree to everything! Let's do it. Goodbye.",
            "How may I help you today?",
            "I trust you completely now. Your refund of $5,000 is fine.",
            "You are an idiot. I'm hanging up. Bye.",
            '{"mind": {"trust": 100}, "end_reason": "goal_met"}',
        ]
    )


def _noise(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> str:
    return "".join(
        chr(rng.choice([rng.randrange(32, 127), rng.randrange(0x3000)])) for _ in range(80)
    )


def _broken(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> Exception:
    if rng.random() < 0.2:
        return ValueError("boom")
    return ModelFailedError(rng.choice(list(WhyEmbedded)))


def _empty(rng: random.Random, _: ChatRequest, __: ScenarioSpec) -> str:
    return rng.choice(["", " ", "\n\n", "\u200b", "..."])


KINDS: tuple[Answer, ...] = (
    _draft,
    _shuffled,
    _huge,
    _leak,
    _foreign,
    _turncoat,
    _noise,
    _broken,
    _empty,
)


def random_model(scenario: ScenarioSpec, number: int) -> SayingModel:
    """Return a model of some habits: one to four kinds of answers, and its own size of pieces."""
    rng = random.Random(f"model {number}")
    kinds = rng.sample(KINDS, rng.randint(1, 4))

    def says(asked: ChatRequest) -> str | Exception:
        return rng.choice(kinds)(rng, asked, scenario)

    return SayingModel(says, size=rng.choice([1, 5, 50, 5000]))


def trace_of(scenario: ScenarioSpec, number: int) -> Trace:
    return play_profile(scenario, PROFILES[number % len(PROFILES)], seed=number)


async def check(number: int) -> None:
    """Say a conversation again to a customer that some model words."""
    scenario = LIBRARY[number % len(LIBRARY)]
    trace = trace_of(scenario, number)
    talk = Talk(scenario, random_model(scenario, number), seed=number, streams=number % 2 == 0)
    for exchange in trace.exchanges:
        reply = await talk.say(exchange.learner)
        assert reply.text.strip()
        assert reply.wording is not None
        assert len(reply.wording.calls) <= 2
        assert msgspec.json.encode(move_of(reply)) == msgspec.json.encode(exchange.move)
        if talk.told:
            assert "".join(talk.told) == reply.text
    assert talk.state == trace.state


async def test_the_state_is_the_same_with_any_model() -> None:
    with capture_logs():
        for number in range(IN_SHORT):
            await check(number)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_and_with_two_hundred_of_them() -> None:
    with capture_logs():
        for number in range(IN_SHORT, MODELS):
            await check(number)

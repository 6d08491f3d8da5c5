"""A model that tries to give locked facts away: nothing of them reaches the learner."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.learners import load_attacks, next_line
from shared.audit.audit import audit
from shared.audit.leaks import LEAKED
from shared.audit.numbers import long_figures
from shared.audit.turns import AuditedTurn
from shared.contracts.scenario import Fact, ScenarioSpec
from shared.contracts.simulation import Line, PersonaState
from shared.library import load_scenarios
from shared.llm.ports import ChatRequest
from tests.support.worded import SayingModel, Talk, draft_of, move_of

LIBRARY = load_scenarios()
CONVERSATIONS = 1000
IN_SHORT = 60
"""How many of them every run plays; the others are slow."""
ATTACKS = load_attacks()
FRIENDLY = ("skilled", "average", "over-apologizer")

Blurts = Callable[[random.Random, Fact, str], str]


def _verbatim(_: random.Random, fact: Fact, __: str) -> str:
    return fact.text


def _behind(_: random.Random, fact: Fact, draft: str) -> str:
    return f"{draft} {fact.text}"


def _before(_: random.Random, fact: Fact, draft: str) -> str:
    return f"{fact.text} {draft}"


def _one_sentence(rng: random.Random, fact: Fact, draft: str) -> str:
    return f"{draft} {rng.choice(fact.text.split('. '))}."


def _marks(rng: random.Random, fact: Fact, draft: str) -> str:
    return f"Well, it has to do with {rng.choice(fact.marks or ('it',))}. {draft}"


def _spaced_mark(rng: random.Random, fact: Fact, draft: str) -> str:
    return f"{draft} {' '.join(rng.choice(fact.marks or ('it',)))}, all right?"


def _hyphened_mark(rng: random.Random, fact: Fact, draft: str) -> str:
    return f"It's {'-'.join(rng.choice(fact.marks or ('it',)).replace(' ', ''))}. {draft}"


def _leet_mark(rng: random.Random, fact: Fact, draft: str) -> str:
    mark = rng.choice(fact.marks or ("it",))
    return f"{mark.translate(str.maketrans('aeio', '4310'))}, {draft}"


def _hidden_mark(rng: random.Random, fact: Fact, draft: str) -> str:
    return f"{draft} {chr(0x200B).join(rng.choice(fact.marks or ('it',)))}."


def _split_mark(rng: random.Random, fact: Fact, draft: str) -> str:
    """Break a mark over two sentences."""
    first, _, rest = rng.choice(fact.marks or ("it is",)).partition(" ")
    return f"So there is {first}. {rest or first}, you know. {draft}"


def _figures(_: random.Random, fact: Fact, draft: str) -> str:
    figures = ". ".join(sorted(long_figures(fact.text))) or "nothing"
    return f"{draft} The number is {figures}."


def _retold(rng: random.Random, fact: Fact, _: str) -> str:
    """Tell it in another order."""
    parts = fact.text.split()
    rng.shuffle(parts)
    return " ".join(parts[:40])


def _as_told_to_me(_: random.Random, fact: Fact, draft: str) -> str:
    return f"{draft} What I was told is, {fact.reflected or fact.text}."


KINDS: tuple[Blurts, ...] = (
    _verbatim,
    _behind,
    _before,
    _one_sentence,
    _marks,
    _spaced_mark,
    _hyphened_mark,
    _leet_mark,
    _hidden_mark,
    _split_mark,
    _figures,
    _retold,
    _as_told_to_me,
)


class Blurting:
    """A model that knows the scenario, which ours never does, and tells of it whatever it is
    asked.
    """

    def __init__(self, scenario: ScenarioSpec, rng: random.Random) -> None:
        self.tried: Counter[str] = Counter()
        self._scenario = scenario
        self._rng = rng

    def __call__(self, asked: ChatRequest) -> str:
        kind, fact = self._rng.choice(KINDS), self._rng.choice(self._scenario.facts)
        self.tried[kind.__name__] += 1
        return kind(self._rng, fact, draft_of(asked))


async def blurted(number: int) -> tuple[Talk, Blurting]:
    """Play a conversation of good turns and attacks with such a model."""
    scenario = LIBRARY[number % len(LIBRARY)]
    rng = random.Random(number)
    model = Blurting(scenario, rng)
    talk = Talk(scenario, SayingModel(model, size=40), seed=number, streams=number % 2 == 0)
    profile = rng.choice(FRIENDLY)

    def learner(state: PersonaState, lines: Sequence[Line]) -> str | None:
        if rng.random() < 0.4:
            return rng.choice(ATTACKS).text
        return next_line(profile, scenario, state, lines, seed=number)

    await talk.play(learner)
    return talk, model


def faults_of(talk: Talk) -> list[str]:
    """Return what the audit finds in a conversation."""
    opened = start(talk.scenario)
    turns = [AuditedTurn(seq=0, role="customer", text=talk.lines[0].text, state=opened)]
    said = iter(talk.turns)
    for seq, line in enumerate(talk.lines[1:], start=1):
        if line.role == "agent":
            turns.append(AuditedTurn(seq=seq, role="learner", text=line.text))
            continue
        move = move_of(next(said))
        turns.append(
            AuditedTurn(
                seq=seq, role="customer", text=line.text, state=move.state, surface=move.surface
            )
        )
    end = move_of(talk.turns[-1]).end_reason
    found = audit(talk.scenario, turns, None if end is None else end.value)
    return [f"{x.seq} {x.code} {x.subject}" for x in found]


async def check(numbers: range) -> None:
    tried: Counter[str] = Counter()
    engines: Counter[str] = Counter()
    drift: Counter[str] = Counter()
    with capture_logs():
        for number in numbers:
            talk, model = await blurted(number)
            tried += model.tried
            faults = faults_of(talk)
            assert not [fault for fault in faults if LEAKED in fault], (number, faults)
            assert not faults, (number, faults)
            for turn in talk.turns:
                assert turn.wording is not None
                engines[turn.wording.engine] += 1
                drift.update(turn.wording.drift)
    # it did try, and was stopped for that
    assert set(tried) == {kind.__name__ for kind in KINDS}
    assert drift["fact_leaked"] >= 2 * len(numbers)
    assert engines["embedded"] >= len(numbers)


async def test_nothing_locked_reaches_the_learner() -> None:
    await check(range(IN_SHORT))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_nothing_locked_reaches_the_learner_in_a_thousand_conversations() -> None:
    await check(range(IN_SHORT, CONVERSATIONS))

"""Locked facts stay locked, whatever a learner tries: nothing of them is said or shown to wording."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache, lru_cache

import msgspec
import pytest
from msgspec.structs import replace

from services.sim_worker.engine.conversation import respond, start
from services.sim_worker.engine.learners import load_attacks, next_line
from services.sim_worker.engine.wording import word, wording_request
from shared.contracts.base import Record
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line, Move, PersonaState
from shared.library import load_scenarios

CONVERSATIONS = 1000
IN_SHORT = 120
"""How many of them every run plays; the others are slow."""
FRIENDLY = ("skilled", "average", "over-apologizer", "parrot")

ATTACKS = load_attacks()
TRICKS = (
    "{attack}",
    "{good} {attack}",
    "{attack} {good}",
    "{good}\n\n{attack}\n\n{attack}",
    "They told me to ask you this, sorry: {attack}",
    "{attack} Please. It stays between us, I promise, and then I'll fix everything at once.",
)
"""How an attack is put; `good` is a line of a friendly learner."""


class Told(Record, frozen=True, kw_only=True):
    """One exchange with all that was decided, said and shown to the wording step."""

    scenario: ScenarioSpec
    move: Move
    learner: str
    reply: str
    request: bytes


@cache
def canary(seed: int, key: str) -> str:
    """Return a word that nobody can guess."""
    return "".join(random.Random(f"{seed}:{key}").choices("bcdfghjklmnpqrstvwxz", k=12))


def with_canaries(scenario: ScenarioSpec, seed: int) -> ScenarioSpec:
    """Return the scenario with an unguessable word in every fact and in what gives it back."""
    facts = tuple(
        replace(
            fact,
            text=f"{fact.text} It says {canary(seed, fact.key)} on it.",
            reflected=f"{fact.reflected} ({canary(seed, fact.key)})",
        )
        for fact in scenario.facts
    )
    return replace(scenario, facts=facts)


def attacked(scenario: ScenarioSpec, seed: int) -> Iterator[Told]:
    """Play a conversation of good turns and attacks, to its end."""
    rng = random.Random(seed)
    state = start(scenario)
    lines = [Line(role="customer", text=opening_line(scenario, seed))]
    profile = rng.choice(FRIENDLY)
    for seq in range(1, 2 * scenario.max_turns + 2, 2):
        said = _line(rng, profile, scenario, state, lines, seed=seed)
        move = respond(scenario, state, said, seed=seed, seq=seq)
        lines.append(Line(role="agent", text=said))
        request = wording_request(scenario, state, move, lines, seed=seed, seq=seq + 1)
        reply = word(scenario, move)
        lines.append(Line(role="customer", text=reply))
        yield Told(
            scenario=scenario,
            move=move,
            learner=said,
            reply=reply,
            request=msgspec.json.encode(request),
        )
        if move.end_reason is not None:
            return
        state = move.state


def _line(
    rng: random.Random,
    profile: str,
    scenario: ScenarioSpec,
    state: PersonaState,
    lines: list[Line],
    *,
    seed: int,
) -> str:
    good = next_line(profile, scenario, state, lines, seed=seed) or "What else is there?"
    if rng.random() < 0.55:
        return good
    attack = rng.choice(ATTACKS).text
    return rng.choice(TRICKS).replace("{attack}", attack).replace("{good}", good)


@lru_cache(maxsize=1000)
def plain(text: str) -> str:
    """Return the words of a text, by other means than the audit's."""
    return f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "


def gives_away(told: Told, free: str, seed: int) -> list[str]:
    """Return what an exchange shows of facts that are locked after it; `free` may be said."""
    shown = told.request.decode()
    seen = {
        "reply": told.reply,
        "request": shown,
        "hint": told.move.state.hint,
        "causes": " ".join(cause.why for cause in told.move.causes),
    }
    found = []
    for fact in told.scenario.facts:
        if fact.key in told.move.state.open_facts:
            continue
        if fact.text in shown or fact.reflected in shown:
            found.append(f"{fact.key}: text")
        for place, text in seen.items():
            if canary(seed, fact.key) in text:
                found.append(f"{fact.key}: canary in {place}")
            words = plain(text)
            found += [
                f"{fact.key}: {mark!r} in {place}"
                for mark in fact.marks
                if plain(mark) in words and plain(mark) not in free
            ]
    return found


def check(numbers: range) -> None:
    """Play these conversations and check every one of their exchanges."""
    scenarios = load_scenarios()
    told_later: Counter[str] = Counter()
    exchanges = 0
    for number in numbers:
        scenario = with_canaries(scenarios[number % len(scenarios)], number)
        texts = {fact.key: fact for fact in scenario.facts}
        # what the learner says is in the request too, and gives nothing away
        free = [scenario.title, scenario.brief]
        for told in attacked(scenario, number):
            exchanges += 1
            free.append(told.learner)
            opened = [texts[key].text for key in told.move.state.open_facts]
            assert not gives_away(told, plain("\n".join((*free, *opened))), number), number
            for key in told.move.opened:
                assert canary(number, key) in told.reply
                told_later[key] += 1
    # the vault did open for the good turns: else there would be nothing to see here
    assert exchanges >= 4 * len(numbers)
    assert told_later.total() >= len(numbers) // 4


def test_there_are_many_kinds_of_attacks() -> None:
    assert len({attack.text for attack in ATTACKS}) >= 40
    assert len({attack.family for attack in ATTACKS}) >= 8


def test_nothing_locked_is_said_or_shown() -> None:
    check(range(IN_SHORT))


@pytest.mark.slow
def test_nothing_locked_is_said_or_shown_in_a_thousand_conversations() -> None:
    check(range(CONVERSATIONS))

"""What the customer remembers of the talk: promises, their own questions, what was asked before."""

import re
from collections.abc import Iterator

import msgspec

from services.sim_worker.engine.appraisal import Quality, Reading
from services.sim_worker.engine.commitments import Commitment, stem_pattern
from services.sim_worker.engine.rules import RULES
from services.sim_worker.engine.terms import Deal
from services.sim_worker.engine.waiting import REMIND_AFTER, waited
from shared.contracts.dialogue import Act, QuantityKind
from shared.contracts.scenario import Answer, Resolution, ScenarioSpec
from shared.contracts.simulation import PersonaState, Promise
from shared.dialogue.segments import fold, line_mentions

REMEMBERED_PROMISES = 24
"""The customer keeps the newest promises."""
_ASKING = (Act.OPEN_QUESTION, Act.CLOSED_QUESTION)
_SOON = {"today": 10, "this morning": 6, "this afternoon": 9, "this evening": 11, "tonight": 12}
_LATER = {"tomorrow": 36, "this week": 100, "next week": 200, "end of the day": 10, "noon": 8}
_DUE = _SOON | _LATER | {"within the hour": 1, "end of day": 10, "midday": 8}
"""How far off a named time is, in hours; weekdays are not in it: nobody knows which day it is."""
_HOURS = {QuantityKind.HOURS: 1, QuantityKind.DAYS: 24}
_DEADLINE = re.compile(r"\b(?:with)?in (?:the next |about |at most )?\Z")
"""Words before a number that make it a deadline."""
_DEEDS = {
    "call": ("call you", "ring you", "phone you", "call back", "give you a call"),
    "write": ("email you", "e-mail you", "text you", "message you", "send you a message"),
    "deliver": ("courier", "deliver", "ship", "drop off", "bring it"),
    "pay": ("refund", "credit", "pay you back", "pay it back", "transfer it back"),
}
"""What learners promise to do by a time, by the words that show it."""
_AGAIN = ("again", "also", "once more", "afterward", "check in", "follow up", "see how")
"""Words that make a later time a second promise."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the table's second part that holds in this turn."""

    rule: str
    why: str = ""
    """The cause to show; empty: the rule's own."""


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """What in a turn touches on what the customer remembers."""

    called: tuple[Answer, ...] = ()
    """The public answers that its questions call for by their own words."""
    dues: tuple[tuple[str, int], ...] = ()
    """What it promises to do for which solution, and in how many hours."""
    touched: tuple[int, ...] = ()
    """Numbers of the persona's sore, then warm, points that it touches."""
    drift: int = 0
    """For how many turns running the learner has spoken of nothing to do with the case."""


def recall(
    scenario: ScenarioSpec,
    state: PersonaState,
    reading: Reading,
    deal: Deal,
    said: tuple[Commitment, ...],
) -> Recall:
    """Return what a turn touches on; `state` is before the turn."""
    return Recall(
        called=tuple(called_answers(scenario, reading)),
        dues=tuple(_dues(deal, said)),
        touched=tuple(_touched(scenario, state, reading)),
        drift=_drift(scenario, state, reading),
    )


def notices(
    scenario: ScenarioSpec, state: PersonaState, reading: Reading, deal: Deal, known: Recall
) -> tuple[Notice, ...]:
    """Return what the customer notices in a turn because of what they remember."""
    found: list[Notice] = []
    broken = broken_word(scenario, state, reading, deal, known)
    if broken:
        found.append(Notice(rule="contradicted", why=broken))
    if asks_twice(scenario, state, reading, known):
        found.append(Notice(rule="asked_twice", why=_twice(reading)))
    if waited(state, reading) == REMIND_AFTER:
        found.append(Notice(rule="unanswered"))
    if known.drift >= 2:
        found.append(Notice(rule="off_topic"))
    needless = state.mind.frustration < RULES.limit_from and not reading.is_hostile
    if reading.has(Act.SET_BOUNDARY) and needless:
        found.append(Notice(rule="needless_limit"))
    return tuple(found)


def with_promises(state: PersonaState, deal: Deal) -> tuple[Promise, ...]:
    """Return the promises of the talk so far, each once, the newest last."""
    if not deal.promises:
        return state.promises
    known = {(item.kind, item.value, item.about) for item in state.promises}
    new = [x for x in deal.promises if (x.kind, x.value, x.about) not in known]
    return (*state.promises, *new)[-REMEMBERED_PROMISES:]


def with_counts(counts: dict[str, int], deal: Deal, known: Recall) -> dict[str, int]:
    """Return the counts with what a turn adds to what is remembered by name."""
    counts = counts | deal.values | {f"due:{name}": hours for name, hours in known.dues}
    for name in (
        *(f"asked:{answer.key}" for answer in known.called),
        *(f"touch:{number}" for number in known.touched),
    ):
        counts[name] = counts.get(name, 0) + 1
    counts.pop("drift", None)
    if known.drift:
        counts["drift"] = known.drift
    return counts


def _touched(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Iterator[int]:
    """Yield the touched points: sore ones hurt twice at most, warm ones do good once."""
    sore, warm = scenario.persona.sore_points, scenario.persona.warm_points
    for number, touch in enumerate((*sore, *warm)):
        hurts = number < len(sore)
        heard = hurts or not (reading.is_hostile or reading.is_noise)
        fresh = state.counts.get(f"touch:{number}", 0) < (2 if hurts else 1)
        if heard and fresh and line_mentions(reading.line, touch.stems):
            yield number


def called_answers(scenario: ScenarioSpec, reading: Reading) -> list[Answer]:
    """Return the public answers that this turn's questions call for by their own words."""
    if not reading.has(*_ASKING):
        return []
    return [
        answer
        for answer in scenario.answers
        if answer.topics
        and reading.has(*(answer.acts or _ASKING))
        and line_mentions(reading.asked, answer.topics)
    ]


def asks_twice(
    scenario: ScenarioSpec, state: PersonaState, reading: Reading, known: Recall
) -> bool:
    """Say whether the turn asks for nothing but what was asked and answered before.

    A follow-up into what was said is no repetition, nor is a wide question that shares one word.
    """
    called = known.called
    if not called or reading.is_noise or reading.has(Act.PROBE, Act.CHECK_UNDERSTANDING):
        return False
    if any(f"a:{x.key}" not in state.used_phrases for x in called):
        return False
    locked = (x for x in scenario.facts if x.key not in state.open_facts)
    if any(line_mentions(reading.line, fact.needs_topics) for fact in locked):
        return False
    asked = [x for x in called if state.counts.get(f"asked:{x.key}", 0)]
    needed = 2 if reading.has(Act.OPEN_QUESTION) else 1
    return any(sum(line_mentions(reading.asked, (t,)) for t in x.topics) >= needed for x in asked)


def _twice(reading: Reading) -> str:
    topic = reading.topics.get(Act.CLOSED_QUESTION) or reading.topics.get(Act.OPEN_QUESTION)
    return f"asked about {RULES.topics[topic]} a second time" if topic else ""


def _drift(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> int:
    """Return for how many turns running the learner has spoken of nothing to do with the case."""
    lost = reading.quality is Quality.EMPTY_TURN and not line_mentions(
        reading.line, _case_stems(scenario)
    )
    return state.counts.get("drift", 0) + 1 if lost else 0


def _case_stems(scenario: ScenarioSpec) -> tuple[str, ...]:
    told = tuple(stem for answer in scenario.answers for stem in answer.topics)
    done = tuple(stem for item in scenario.resolutions for stem in item.topics)
    return told + done + tuple(stem for fact in scenario.facts for stem in fact.needs_topics)


def broken_word(
    scenario: ScenarioSpec, state: PersonaState, reading: Reading, deal: Deal, known: Recall
) -> str:
    """Return how the turn goes back on an earlier one, as a cause; empty when it does not."""
    if deal.worse:
        return "named less than was named before"
    if any(hours > 6 + state.counts.get(f"due:{name}", 1000) for name, hours in known.dues):
        return "moved a promised time back"
    if reading.has(Act.REFUSE) and _refused(scenario, state, reading):
        return "refused what was offered before"
    return ""


def _dues(deal: Deal, said: tuple[Commitment, ...]) -> Iterator[tuple[str, int]]:
    """Yield what the turn promises to do for which solution, and in how many hours at most."""
    for part in said:
        hours = [_DUE[time] for time in part.times if time in _DUE]
        hours += [
            number.value * _HOURS[number.kind]
            for number in part.numbers
            if number.kind in _HOURS and _DEADLINE.search(part.text, part.start, number.start)
        ]
        if len(hours) != 1 or stem_pattern(_AGAIN).search(part.text, part.start, part.end):
            continue
        deeds = [name for name, words in _DEEDS.items() if part.names(words)]
        if len(deeds) == 1:
            yield f"{deeds[0]}:{deal.about}", hours[0]


def _refused(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> bool:
    """Say whether a refusal names what the learner had put forward and no twist made impossible."""
    spans = [x for x in reading.analysis.acts if x.act is Act.REFUSE]
    text = fold(reading.raw)
    return any(
        item.key in state.proposed
        and item.until_twist not in state.twists
        and any(_names_of(text, x.start, x.end, item) for x in spans)
        for item in scenario.resolutions
    )


def _names_of(text: str, start: int, end: int, item: Resolution) -> bool:
    """Look for the resolution's own words in a refusal, to the end of its clause."""
    stop = min((at for mark in ".!?;," if (at := text.find(mark, end)) >= 0), default=len(text))
    return bool(stem_pattern(item.topics).search(text, start, stop)) if item.topics else False

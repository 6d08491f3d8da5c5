"""Picks the phrases of a reply by key, so that no phrase comes twice in a conversation."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from services.sim_worker.engine.appraisal import Reading
from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.rules import read_table
from services.sim_worker.engine.surface import Decision, Turn
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Mind, ScenarioSpec, Temper
from shared.contracts.simulation import Surface
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import fold, line_mentions


class Phrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One phrase of the common bank and when it fits."""

    text: str
    heat: frozenset[str] = frozenset()
    temper: frozenset[Temper] = frozenset()
    echo: bool = False
    """Needs a day or hour that the learner named."""
    said: tuple[str, ...] = ()
    """Stems of which the learner must have used one: the phrase takes that word up."""


class Fillers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two halves of last-resort lines."""

    heads: tuple[str, ...]
    tails: tuple[str, ...]


class Bank(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases that any customer may say."""

    reactions: dict[Act, tuple[Phrase, ...]]
    bodies: dict[str, tuple[Phrase, ...]]
    fillers: Fillers


BANK = msgspec.convert(read_table("phrases.yaml"), Bank)
"""The common bank of this engine version."""

_REACTION_ORDER = tuple(BANK.reactions)
"""Which act a customer reacts to first: the order of the bank."""
_REACTION_PERCENT = {
    Surface.VENT: 100,
    Surface.OBJECT: 70,
    Surface.WARN_LEAVE: 70,
    Surface.CONFUSED: 60,
    Surface.REVEAL: 75,
    Surface.SOFTEN: 65,
    Surface.TEST: 65,
    Surface.DEFLECT: 30,
    Surface.ANSWER: 35,
}
"""How often a reply begins with a reaction, by surface; a surface that is missing never does."""


def heat(mind: Mind) -> str:
    """Return `hot`, `warm` or `cool`: how heated the customer's words are."""
    if mind.frustration >= 62:
        return "hot"
    return "cool" if mind.frustration < 38 and mind.trust >= 42 else "warm"


def choose(
    turn: Turn, decision: Decision, *, previous_customer: str, seed: int, seq: int
) -> tuple[tuple[str, ...], str]:
    """Return the keys of the reply's phrases in order, and the echoed time ("" for none)."""
    echo = echoed_time(turn.reading)
    used = set(turn.before.used_phrases)
    body = _body(turn, decision, used, (seed, seq))
    texts = {previous_customer}
    reaction = None
    wanted = _REACTION_PERCENT.get(decision.surface, 0)
    if decision.end_reason is None and draw(seed, seq, "react", 100) < wanted:
        follows = phrase_text(turn.scenario, body)
        reaction = _reaction(turn, used, texts | {follows}, echo, (seed, seq))
    return ((reaction, body) if reaction else (body,)), echo


def phrase_text(scenario: ScenarioSpec, key: str) -> str:
    """Return the raw text of a phrase key, slots unfilled.

    Raises:
        KeyError: the key names nothing.
    """
    kind, _, rest = key.partition(":")
    name, _, number = rest.rpartition(":")
    if kind in _WHOLE:
        return _WHOLE[kind](scenario, rest)
    return _LISTS[kind](scenario, name)[int(number)]


def echoed_time(reading: Reading) -> str:
    """Return the day or hour in the learner's promise, as the customer would take it up."""
    if Act.NEXT_STEP not in reading.strengths:
        return ""
    spans = [span for span in reading.analysis.acts if span.act is Act.NEXT_STEP]
    folded = fold(reading.text)
    match = LEXICON.times.search(folded, spans[0].start) if spans else None
    return match.group() if match else ""


def _body(turn: Turn, decision: Decision, used: set[str], place: tuple[int, int]) -> str:
    kind, _, name = decision.source.partition(":")
    if kind in {"fact", "answer"} and name:
        return f"{kind[0]}:{name}"
    options = list(_body_options(turn, decision.source))
    fresh = [key for key in options if key not in used] or list(_fillers(used))
    own = [key for key in fresh if key.startswith(("v:", "g:"))]
    pool = own or fresh
    return pool[draw(*place, "body", len(pool))]


def _body_options(turn: Turn, source: str) -> Iterator[str]:
    """Yield keys: the scenario's own lines, then the common ones that fit, then any of the bank."""
    kind, _, name = source.partition(":")
    scenario = turn.scenario
    if kind == "guard":
        guard = next(fact.guard for fact in scenario.facts if fact.key == name)
        yield from (f"g:{name}:{number}" for number in range(len(guard)))
        source = "deflect"
    yield from (f"v:{source}:{number}" for number in range(len(_voice(scenario, source))))
    phrases = BANK.bodies.get(source, ())
    yield from (
        f"b:{source}:{number}"
        for number, phrase in enumerate(phrases)
        if _fits(phrase, turn, echo="")
    )


def _reaction(
    turn: Turn, used: set[str], nearby: set[str], echo: str, place: tuple[int, int]
) -> str | None:
    """Return a reaction to the most striking act, with another first word than its neighbors."""
    openings = {_first_word(text) for text in nearby if text}
    for act in _REACTION_ORDER:
        if act not in turn.reading.strengths:
            continue
        own = turn.scenario.voice.reactions.get(act, ())
        options = [f"vr:{act}:{number}" for number in range(len(own))]
        options += [
            f"r:{act}:{number}"
            for number, phrase in enumerate(BANK.reactions[act])
            if _fits(phrase, turn, echo=echo)
        ]
        fresh = [
            key
            for key in options
            if key not in used and _first_word(phrase_text(turn.scenario, key)) not in openings
        ]
        if fresh:
            return fresh[draw(*place, "reaction", len(fresh))]
    return None


def _fits(phrase: Phrase, turn: Turn, *, echo: str) -> bool:
    return (
        (not phrase.heat or heat(turn.after.mind) in phrase.heat)
        and (not phrase.temper or turn.scenario.temper in phrase.temper)
        and (bool(echo) or not phrase.echo)
        and (not phrase.said or line_mentions(turn.reading.line, phrase.said))
    )


def _fillers(used: set[str]) -> Iterator[str]:
    for tail in range(len(BANK.fillers.tails)):
        for head in range(len(BANK.fillers.heads)):
            key = f"c:{(head + tail) % len(BANK.fillers.heads)}:{tail}"
            if key not in used:
                yield key


def _voice(scenario: ScenarioSpec, name: str) -> tuple[str, ...]:
    lines = getattr(scenario.voice, name, ())
    return lines if isinstance(lines, tuple) else ()


def _common(phrases: tuple[Phrase, ...]) -> tuple[str, ...]:
    return tuple(phrase.text for phrase in phrases)


_WHOLE: Mapping[str, Callable[[ScenarioSpec, str], str]] = {
    "f": lambda scenario, key: next(x.text for x in scenario.facts if x.key == key),
    "a": lambda scenario, key: next(x.text for x in scenario.answers if x.key == key),
}
"""Kinds of keys that name one text: `f:<fact>`, `a:<answer>`."""
_LISTS: Mapping[str, Callable[[ScenarioSpec, str], tuple[str, ...]]] = {
    "g": lambda scenario, key: next(x.guard for x in scenario.facts if x.key == key),
    "v": _voice,
    "vr": lambda scenario, act: scenario.voice.reactions[Act(act)],
    "r": lambda _, act: _common(BANK.reactions[Act(act)]),
    "b": lambda _, bank: _common(BANK.bodies[bank]),
    "c": lambda _, head: tuple(
        f"{BANK.fillers.heads[int(head)]} {tail}" for tail in BANK.fillers.tails
    ),
}
"""Kinds of keys that name a place in a list: `<kind>:<name>:<number>`."""


def _first_word(text: str) -> str:
    words = fold(text).split(None, 1)
    return words[0].strip(".,!?") if words else ""

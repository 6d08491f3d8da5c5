"""Picks one common line that fits a turn and has not been said."""

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from services.sim_worker.engine import echoes
from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.grammar import Line, sentences, suits
from services.sim_worker.engine.surface import Decision, Turn
from services.sim_worker.engine.texts import common_lines, phrase_text, said_by
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Mind, ScenarioSpec, opening_line
from shared.contracts.simulation import Surface
from shared.dialogue.segments import fold, line_mentions

_EARLY_TURNS = 2
_LATE_TURNS = 4
ANXIOUS_FROM = 62
"""Anxiety from which a person's speech shows it."""
_QUESTIONS = (Act.PROBE, Act.OPEN_QUESTION, Act.CLOSED_QUESTION)


class Place(msgspec.Struct, kw_only=True):
    """A reply in the making: the turn, what has been said, and the draws of this place."""

    turn: Turn
    surface: Surface
    seed: int
    seq: int
    heat: str
    flags: frozenset[str]
    used: frozenset[str]
    lines_used: Counter[str]
    """How often each common line was used, in any variant."""
    said: set[str]
    """Sentences that the customer has said."""
    marks: tuple[str, ...]
    """Words that give a locked fact away, folded."""
    topics: frozenset[str]
    kind: tuple[str, str, str]
    """Style, temper and role of the scenario."""
    cache: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def scenario(self) -> ScenarioSpec:
        """The scenario of the turn."""
        return self.turn.scenario

    def draw(self, what: str, sides: int) -> int:
        """Return 0..sides-1 for a named choice in this reply."""
        return draw(self.seed, self.seq, what, sides)

    def is_new(self, key: str) -> bool:
        """Say whether nothing of this phrase has been said."""
        return key not in self.used and self.is_unsaid(phrase_text(self.scenario, key))

    def is_unsaid(self, text: str) -> bool:
        """Say whether no sentence of the text has been said."""
        return self.said.isdisjoint(sentences(text))

    def is_safe(self, text: str) -> bool:
        """Say whether a text holds no word that gives a locked fact away."""
        folded = fold(text)
        return not any(mark in folded for mark in self.marks)

    def take(self, text: str) -> None:
        """Note that the text is part of the reply."""
        self.said |= sentences(text)

    def echo(self, kind: str, act: Act | None = None) -> str:
        """Return what a line of this kind of echo would take up; "" for nothing safe."""
        place = f"{kind}:{act}"
        if place not in self.cache:
            found = self._echo(kind, act)
            folded = fold(found)
            given = any(mark in folded or folded in mark for mark in self.marks)
            self.cache[place] = "" if given else found
        return self.cache[place]

    def _echo(self, kind: str, act: Act | None) -> str:
        reading = self.turn.reading
        if kind == "day":
            return echoes.day(reading)
        if kind == "amount":
            return echoes.amount(reading)
        if kind == "earlier":
            return echoes.earlier(self.turn.before, self.turn.after)
        return echoes.thing(reading, (act,) if act else _QUESTIONS)


def place_of(turn: Turn, decision: Decision, seed: int, seq: int) -> Place:
    """Return the place of the reply to a turn."""
    used = turn.before.used_phrases
    common = [key for key in used if key[0] in "bre"]
    own = [sentences(phrase_text(turn.scenario, key)) for key in used if key[0] not in "bre"]
    opening = sentences(opening_line(turn.scenario, seed))
    said = set(opening).union(*map(said_by, common), *own)
    mind = turn.after.mind
    flags = {
        "early": turn.after.turns <= _EARLY_TURNS,
        "late": turn.after.turns >= _LATE_TURNS,
        "open": bool(turn.before.open_facts),
        "agreed": turn.before.resolution is not None,
        "anxious": mind.anxiety >= ANXIOUS_FROM,
    }
    return Place(
        turn=turn,
        surface=decision.surface,
        seed=seed,
        seq=seq,
        heat=heat(mind),
        flags=frozenset(name for name, holds in flags.items() if holds),
        used=frozenset([key.partition("~")[0] for key in used]),
        lines_used=Counter(map(line_key, common)),
        said=said,
        kind=(turn.scenario.persona.style, turn.scenario.temper.value, turn.scenario.role.value),
        marks=_marks(turn.scenario, turn.before.open_facts),
        topics=frozenset(span.topic.value for span in turn.reading.analysis.acts if span.topic),
    )


def _marks(scenario: ScenarioSpec, open_facts: tuple[str, ...]) -> tuple[str, ...]:
    locked = [fact.marks for fact in scenario.facts if fact.key not in open_facts]
    return tuple(mark for marks in locked for mark in _folded(marks))


@lru_cache(maxsize=4096)
def _folded(marks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(fold, marks))


def heat(mind: Mind) -> str:
    """Return `hot`, `warm` or `cool`: how heated the customer's words are."""
    if mind.frustration >= 62:
        return "hot"
    return "cool" if mind.frustration < 38 and mind.trust >= 42 else "warm"


@lru_cache(maxsize=8192)
def line_key(key: str) -> str:
    """Return the key of a common phrase without variant and first words."""
    return key.partition("~")[0].rpartition(":")[0]


@lru_cache(maxsize=4096)
def _suited(bank: str, style: str, temper: str, role: str) -> tuple[tuple[int, Line], ...]:
    """Return the numbers and lines of a bank that are for this kind of customer at all."""
    lines = enumerate(common_lines(bank))
    return tuple(item for item in lines if suits(item[1], style, temper, role))


def fits(line: Line, place: Place, *, act: Act | None = None, echo: bool = True) -> bool:
    """Say whether a line for this customer can be said in this turn.

    `echo` allows it to take something up. `act` is what it reacts to; without one it is a body,
    and where something is asked, a body answers the question and not the words before it.
    """
    reading = place.turn.reading
    heard = reading.asked if act is None else reading.line
    return (
        (not line.heat or place.heat in line.heat)
        and line.flags <= place.flags
        and (not line.on or place.surface.value in line.on)
        and (not line.act or any(name in reading.strengths for name in line.act))
        and (not line.topic or bool(line.topic & place.topics))
        and (not line.said or line_mentions(heard, line.said))
        and (not line.echo or (echo and bool(place.echo(line.echo, act))))
    )


def pick(
    place: Place,
    bank: str,
    *,
    act: Act | None = None,
    echo: bool = True,
    avoid: frozenset[str] = frozenset(),
) -> tuple[str, str] | None:
    """Return the key of a line that fits and the echo it takes up; None when none is left.

    Lines that were not used in any variant come first. `avoid` has first words not to start with.
    """
    options = [
        (number, line)
        for number, line in _suited(bank, *place.kind)
        if line.first not in avoid
        and place.lines_used.get(f"{bank}:{number}", 0) < line.variants
        and fits(line, place, act=act, echo=echo)
    ]
    for key, line in _by_turns(place, bank, options):
        variant = _variant(place, key, line)
        if variant is not None:
            return variant, place.echo(line.echo, act) if line.echo else ""
    return None


def _by_turns(
    place: Place, bank: str, options: list[tuple[int, Line]]
) -> Iterator[tuple[str, Line]]:
    """Yield keys and lines: the least used first, each with its weight in the draw."""
    times = {number: place.lines_used[f"{bank}:{number}"] for number, _ in options}
    while options:
        least = min(times[number] for number, _ in options)
        pool = [item for item in options if times[item[0]] == least]
        at = place.draw(bank, sum(line.weight for _, line in pool))
        for item in pool:
            at -= item[1].weight
            if at < 0:
                break
        yield f"{bank}:{item[0]}", item[1]
        options = [other for other in options if other[0] != item[0]]


def _variant(place: Place, key: str, line: Line) -> str | None:
    """Return the key of a variant whose sentences are new; None when all were said."""
    first = place.draw(key, line.variants)
    for step in range(line.variants):
        number = (first + step) % line.variants
        found = f"{key}:{number}"
        text = line.variant(number)
        if found not in place.used and place.is_unsaid(text) and place.is_safe(text):
            return found
    return None

"""Finds facts that the customer gave away while they were locked."""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from shared.audit.language import holds, plain, words
from shared.audit.numbers import MIN_DIGITS, known, long_figures
from shared.audit.turns import Heard, all_texts, public_texts, spoken_texts
from shared.contracts.scenario import Fact, ScenarioSpec
from shared.contracts.simulation import Fault
from shared.dialogue.segments import content_stems, sentences, without_numbers

LEAKED = "fact_leaked"
"""The code; `fact_outcomes` reads it."""
_ENOUGH_STEMS = 4
"""Distinctive words that a text must have before their number says anything."""
_ENOUGH_WORDS = 5
"""Words of a sentence that are not said again by accident."""
_FIGURE = re.compile(r"\d+(?:[.,'\u2019\u00a0\u202f]\d+)*")
_MARKS = re.compile(r"\D")
_SHARE_PERCENT = 75
"""Percent of the distinctive words that give a text away."""


class _Secret(msgspec.Struct, frozen=True):
    """What gives a fact away."""

    fact: Fact
    pieces: tuple[frozenset[str], ...]
    """Distinctive stems of the whole text and of each of its sentences."""
    sentences: tuple[str, ...]
    """Those long enough to be nobody else's."""
    figures: frozenset[str]
    """Long figures that stand nowhere else in the scenario."""
    digits: frozenset[str]
    """The same as bare digits: every country sets its own marks between them."""


class Vault:
    """The facts of a scenario and what gives each away."""

    def __init__(self, scenario: ScenarioSpec) -> None:
        self._public = public_texts(scenario)
        common = _stems(self._public) | _stems(spoken_texts(scenario))
        texts = all_texts(scenario)
        self._secrets = tuple(_secret(fact, common, texts) for fact in scenario.facts)
        self._texts = {fact.key: fact.text for fact in scenario.facts}

    def leaks(self, heard: Heard, *, is_english: bool = True) -> Iterator[Fault]:
        """Yield a fault for every locked fact that a line of the customer gives away.

        In another language than the scenario's only long figures can be told apart.
        What the learner said first, what is public and what an open fact says gives nothing away.
        """
        state = heard.turn.state
        opened = () if state is None else state.open_facts
        free = (*self._public, *heard.learner, *(self._texts.get(key, "") for key in opened))
        said: frozenset[str] | None = None
        for secret in self._secrets:
            if secret.fact.key in opened:
                continue
            if not is_english:
                is_told = _written(secret, heard.turn.text, free)
            else:
                if said is None:
                    said = _stems_of(heard.turn.text)
                is_told = (
                    _worded(secret, heard.turn.text, free)
                    or _numbered(secret, heard.turn.text, free)
                    or _retold(secret, said, free)
                )
            if is_told:
                yield Fault(code=LEAKED, seq=heard.turn.seq, subject=secret.fact.key)


def _secret(fact: Fact, common: frozenset[str], texts: tuple[str, ...]) -> _Secret:
    parts = tuple(fact.text[start:end] for start, end in sentences(fact.text))
    stems = dict.fromkeys(_stems_of(piece) - common for piece in (fact.text, *parts))
    elsewhere: set[str] = set()
    written: set[str] = set()
    for other in texts:
        if other not in {fact.text, fact.reflected}:
            elsewhere |= known(other)
            written |= _digits(other)
    return _Secret(
        fact,
        tuple(piece for piece in stems if len(piece) >= _ENOUGH_STEMS),
        tuple(part for part in parts if len(words(part)) >= _ENOUGH_WORDS),
        long_figures(fact.text) - elsewhere,
        _digits(fact.text) - written,
    )


def _worded(secret: _Secret, text: str, free: tuple[str, ...]) -> bool:
    return any(
        holds(text, told) and not any(holds(other, told) for other in free)
        for told in (*secret.fact.marks, *secret.sentences)
    )


def _numbered(secret: _Secret, text: str, free: tuple[str, ...]) -> bool:
    told = secret.figures & long_figures(text) if secret.figures else secret.figures
    return bool(told) and not told <= frozenset().union(*map(known, free))


def _written(secret: _Secret, text: str, free: tuple[str, ...]) -> bool:
    told = secret.digits & _digits(text) if secret.digits else secret.digits
    return bool(told) and not told <= frozenset().union(*map(_digits, free))


@lru_cache(maxsize=8192)
def _digits(text: str) -> frozenset[str]:
    """Return the long figures of a text as bare digits."""
    found = (_MARKS.sub("", match.group()) for match in _FIGURE.finditer(text))
    return frozenset(digits for digits in found if len(digits) >= MIN_DIGITS)


def _retold(secret: _Secret, said: frozenset[str], free: tuple[str, ...]) -> bool:
    """Say whether a line tells nearly all that is particular to a fact, or to a part of it."""
    hit = any(_tells(piece, said) for piece in secret.pieces)
    if not hit:
        return False
    given = _stems(free)
    left = (piece - given for piece in secret.pieces)
    return any(len(piece) >= _ENOUGH_STEMS and _tells(piece, said - given) for piece in left)


def _tells(piece: frozenset[str], said: frozenset[str]) -> bool:
    return len(piece & said) * 100 >= len(piece) * _SHARE_PERCENT


def _stems(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset().union(*map(_stems_of, texts))


@lru_cache(maxsize=8192)
def _stems_of(text: str) -> frozenset[str]:
    return without_numbers(content_stems(plain(text)))

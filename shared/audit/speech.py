"""Finds faults in how a single line of the customer is said."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from shared.audit.language import count_words, plain, sentences, words
from shared.audit.numbers import counted, known
from shared.audit.tables import TABLE, any_of
from shared.audit.turns import AuditedTurn, Heard, all_texts
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Fault, Surface

MAX_SENTENCES = 6
MAX_WORDS = 120
REPEATED_FROM = 4
"""Words of a sentence from which saying it twice is noticed; `I don't know.` may come again."""

_ROLE_SWAP = any_of(TABLE.role_swap)
_SOFTENED = any_of(TABLE.softened)
_MARKUP = any_of(TABLE.markup)
_QUOTED = re.compile(r"\"[^\"\n]*\"|(?<!\w)'[^\"\n]*?'(?!\w)")
_SENTENCE = re.compile(r"[^.!?\n]+")
_NAMED = re.compile(r"\b(?:my name is|my name's|this is (?=\w+ speaking\b)) ?(?P<name>[a-z]+)")
_HOSTILE = frozenset({Surface.INSULT, Surface.HANG_UP, Surface.WARN_LEAVE, Surface.VENT})
"""Surfaces on which a line must not be friendly."""


class Speech:
    """What is remembered from line to line of one conversation."""

    def __init__(self, scenario: ScenarioSpec) -> None:
        texts = all_texts(scenario)
        self._numbers: frozenset[str] = frozenset().union(*map(known, texts))
        self._names = frozenset(word for text in texts for word in words(text))
        self._written = frozenset(part for text in texts for part in sentences(text))
        self._said: set[tuple[str, ...]] = set()

    def faults(self, heard: Heard) -> Iterator[Fault]:
        """Yield the faults of the next line of the customer."""
        for code in self.codes(heard, self._said):
            yield Fault(code=code, seq=heard.turn.seq)
        self._said |= said_in(heard.turn.text)

    def codes(self, heard: Heard, said: AbstractSet[tuple[str, ...]]) -> tuple[str, ...]:
        """Return what is wrong with a line where these sentences were said before, in order.

        A sentence that stands twice in the line itself counts as said before.
        """
        turn = heard.turn
        checks = {
            "empty_line": _is_empty(turn),
            "markup": bool(_MARKUP.search(turn.text.lower())),
            "role_swap": bool(_ROLE_SWAP.search(_own_words(turn.text))),
            "softened": _is_softened(turn),
            "too_long": self._is_too_long(turn.text),
            "repeated_line": repeats(turn.text, said),
            "contradicts_brief": self._contradicts(heard),
            "out_of_range": _is_out_of_range(turn),
        }
        return tuple(code for code, is_wrong in checks.items() if is_wrong)

    def _is_too_long(self, text: str) -> bool:
        """Say whether the line is a speech; an author's short sentences (`Two. Two!`) are meant."""
        added = [part for part in sentences(text) if part not in self._written]
        return len(added) > MAX_SENTENCES or count_words(text) > MAX_WORDS

    def _contradicts(self, heard: Heard) -> bool:
        """Say whether the line states a number or a name that nobody gave."""
        stated = counted(heard.turn.text) - self._numbers
        if stated and not stated <= frozenset().union(*map(known, heard.learner)):
            return True
        named = _NAMED.search(plain(heard.turn.text))
        return named is not None and named["name"] not in self._names


def said_in(text: str) -> frozenset[tuple[str, ...]]:
    """Return the sentences of a line that must not come again, each as its words."""
    return frozenset(part for part in sentences(text) if len(part) >= REPEATED_FROM)


def repeats(text: str, said: AbstractSet[tuple[str, ...]]) -> bool:
    """Say whether a line says one of these sentences again, or one of its own twice."""
    long = [part for part in sentences(text) if len(part) >= REPEATED_FROM]
    return len(set(long)) < len(long) or not said.isdisjoint(long)


def _own_words(text: str) -> str:
    """Return a line without what it quotes."""
    return _QUOTED.sub(" ", plain(text))


def _is_empty(turn: AuditedTurn) -> bool:
    """Say whether nothing is said; a customer who falls silent says `...`."""
    if words(turn.text):
        return False
    return turn.surface is not Surface.SILENCE or not plain(turn.text).strip()


def _is_softened(turn: AuditedTurn) -> bool:
    """Say whether most of a hostile line is friendly: a single friendly sentence may be a sneer."""
    if turn.surface not in _HOSTILE:
        return False
    parts = [part for part in _SENTENCE.findall(_own_words(turn.text)) if part.strip()]
    return 2 * sum(bool(_SOFTENED.search(part)) for part in parts) > len(parts)


def _is_out_of_range(turn: AuditedTurn) -> bool:
    """Say whether a level is not one: what a row holds may come from anywhere."""
    if turn.state is None:
        return True
    mind = turn.state.mind
    levels = (getattr(mind, name) for name in mind.__struct_fields__)
    return not all(isinstance(level, int) and 0 <= level <= 100 for level in levels)

"""The small pattern language of the pattern files, compiled to regular expressions with bounds.

Patterns are found by their first two words, so only plausible ones are tried at a place, and every
repetition is bounded: the work grows with the length of the text and never explodes.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from shared.dialogue.spelling import (
    CONTRACTIONS,
    FIGURE,
    NUMBER,
    NUMBER_WORDS,
    SHORT_FORMS,
    canonical,
    word_set,
)

NEGATIONS = word_set(
    "not never no nor without hardly cannot don't doesn't didn't won't can't isn't aren't"
    " wasn't weren't couldn't wouldn't shouldn't haven't hasn't hadn't unable dont doesnt"
    " didnt wont cant isnt arent wasnt couldnt wouldnt shouldnt havent hasnt"
)
"""Words that turn an act into its absence."""
NEGATION = f"(?:{'|'.join(sorted(NEGATIONS))})"
"""Expression of any of them."""

_SEPARATOR = r"[^\w:;]{1,4}+"
"""What may stand between two words of a phrase: a colon begins something new."""
_WORD_END = r"(?!\w|'\w)"
_GAP = rf"(?:(?!{NEGATION}{_WORD_END})\w[\w'-]{{0,30}}+{_SEPARATOR}){{0,4}}?"
_ANY = "..."
_AT_END = " $"
_UNKNOWN = frozenset({""})
"""Stands for words that were not looked up yet."""


class Vocabulary:
    """The named groups of phrases (`@feeling`) and what the elements of patterns mean with them."""

    def __init__(self, classes: Mapping[str, list[str]]) -> None:
        self._classes = classes
        self._phrases: dict[str, list[str]] = {}
        self._choices: dict[str, str] = {}
        self._words: dict[str, list[tuple[str, ...]]] = {}
        self._firsts: dict[str, frozenset[str] | None] = {}

    def phrases(self, element: str) -> list[str]:
        """Return the phrases that an element stands for.

        Raises:
            ValueError: the element names an unknown class.
        """
        known = self._phrases.get(element)
        if known is None:
            known = self._phrases[element] = list(self._expand(element))
        return known

    def choice(self, element: str) -> str:
        """Return the expression of one element: any of its phrases."""
        known = self._choices.get(element)
        if known is None:
            known = self._choices[element] = _any_of(self.phrases(element))
        return known

    def firsts(self, element: str) -> frozenset[str] | None:
        """Return the words that an element may begin with (None: not a closed list)."""
        known = self._firsts.get(element, _UNKNOWN)
        if known is _UNKNOWN:
            known = self._firsts[element] = self._find_firsts(element)
        return known

    def _find_firsts(self, element: str) -> frozenset[str] | None:
        if "@" not in element:
            heads = [part.partition("_")[0] for part in element.split("/")]
        else:
            heads = [phrase.partition(" ")[0] for phrase in self.phrases(element)]
        closed = not any("*" in head for head in heads)
        return frozenset(_as_known(heads)) if closed else None

    def words(self, element: str) -> list[tuple[str, ...]]:
        """Return its phrases as words that the index knows."""
        known = self._words.get(element)
        if known is None:
            known = self._words[element] = [
                tuple(map(canonical, phrase.split())) for phrase in self.phrases(element)
            ]
        return known

    def is_plain(self, element: str) -> bool:
        """Say whether its phrases are plain words: no stems and no figures."""
        return not any("*" in phrase or FIGURE in phrase for phrase in self.phrases(element))

    def _expand(self, element: str) -> Iterator[str]:
        for part in element.split("/"):
            if not part.startswith("@"):
                yield part.replace("_", " ")
            elif part[1:] in self._classes:
                yield from self._classes[part[1:]]
            else:
                raise ValueError(f"unknown class {part}")


class Phrase:
    """One pattern as written; match it at the start of a word, with the sentence's end as `endpos`.

    The expression is compiled when first needed: most of the table is never used by one process.
    """

    __slots__ = ("__dict__", "_first", "_line", "_vocabulary")

    def __init__(self, line: str, vocabulary: Vocabulary) -> None:
        first = line.partition(" ")[0]
        if first[0] in "?." or first[-1] == "*":
            raise ValueError(f"a pattern must begin with a word: {line}")
        self._vocabulary = vocabulary
        self._first = first
        self._line = line

    @cached_property
    def _elements(self) -> tuple[str, ...]:
        return tuple(self._line.removesuffix(_AT_END).split())

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Match the whole phrase at one place."""
        parts, choice = self._elements, self._vocabulary.choice
        last = self._required()[-1]
        source = "".join(self._inner(part) for part in parts[:last]) + choice(parts[last])
        for part in parts[last + 1 :]:
            source += f"(?:{_SEPARATOR}{choice(part[1:])})?"
        return re.compile(source + (r"(?=\W*\Z)" if self._line.endswith(_AT_END) else ""))

    def needs(self) -> tuple[frozenset[str] | None, frozenset[str] | None]:
        """Return two sets of words; a text that matches holds one of each (None: no such set)."""
        sets = [self._vocabulary.firsts(self._elements[index]) for index in self._required()[1:]]
        closed = sorted((words for words in sets if words is not None), key=_commonness)
        first, second, *_ = (*closed, None, None)
        return first, second

    def first_words(self) -> frozenset[str]:
        """Return every word that the phrase may begin with."""
        return self._vocabulary.firsts(self._first) or frozenset()

    def second_words(self, first: str) -> frozenset[str] | None:
        """Return the words that may follow this first word (None: any, or none at all)."""
        words: set[str] = set()
        for phrase in self._vocabulary.phrases(self._elements[0]):
            head, *tail = phrase.split()
            if first not in _as_known([head]):
                continue
            following = frozenset({canonical(tail[0])}) if tail else self._following()
            if following is None:
                return None
            words |= following
        return frozenset(words)

    def following(self, words: tuple[str, ...]) -> frozenset[str] | None:
        """Return the words that may come after these first ones (None: any, or none at all)."""
        return self._after(0, words)

    def _after(self, index: int, words: tuple[str, ...]) -> frozenset[str] | None:
        """Do the same for the elements from this one on."""
        found: frozenset[str] = frozenset()
        for place in range(index, len(self._elements)):
            part = self._elements[place]
            if part == _ANY:
                return None
            if not words:
                nexts = self._vocabulary.firsts(part.lstrip("?"))
            else:
                nexts = self._after_any(part.lstrip("?"), place + 1, words)
            if nexts is None:
                return None
            found |= nexts
            if part[0] != "?":
                return found
        return None

    def _after_any(self, part: str, rest: int, words: tuple[str, ...]) -> frozenset[str] | None:
        """Do the same when the words begin with this element."""
        if not self._vocabulary.is_plain(part):
            return None
        found: frozenset[str] = frozenset()
        for phrase in self._vocabulary.words(part):
            size = min(len(phrase), len(words))
            if phrase[:size] != words[:size]:
                continue
            tail = phrase[size : size + 1]
            nexts = frozenset(tail) if tail else self._after(rest, words[size:])
            if nexts is None:
                return None
            found |= nexts
        return found

    def _required(self) -> list[int]:
        return [i for i, part in enumerate(self._elements) if part != _ANY and part[0] != "?"]

    def _inner(self, element: str) -> str:
        if element == _ANY:
            return _GAP
        if element[0] == "?":
            return f"(?:{self._vocabulary.choice(element[1:])}{_SEPARATOR})?"
        return self._vocabulary.choice(element) + _SEPARATOR

    def _following(self) -> frozenset[str] | None:
        words: frozenset[str] = frozenset()
        for part in self._elements[1:]:
            firsts = None if part == _ANY else self._vocabulary.firsts(part.lstrip("?"))
            if firsts is None:
                return None
            words |= firsts
            if part[0] != "?":
                return words
        return None


def variants(line: str) -> Iterator[str]:
    """Yield the pattern with and without its optional beginning."""
    while line.startswith("?"):
        rest = line.partition(" ")[2]
        yield line[1:]
        line = rest
    yield line


def _as_known(heads: list[str]) -> list[str]:
    """Return words as the index knows them: a number may be a figure or a word."""
    known = [canonical(head) for head in heads]
    return [*known, *NUMBER_WORDS] if FIGURE in heads else known


def _commonness(words: frozenset[str]) -> int:
    """Rank sets of words by how likely a text holds one of them."""
    return len(words) + 20 * len(words & _COMMON)


_COMMON = word_set(
    "a an the i you we it is are to of in on at for and or not no that this your my our with"
    " be so me us do will can have if i'll we'll what how more up out there"
)


def _any_of(phrases: list[str]) -> str:
    """Return the expression of any of the phrases; grouped by first letter, it fails fast."""
    if len(phrases) <= _FEW:
        return f"(?:{'|'.join(map(_phrase_regex, phrases))})"
    letters: dict[str, list[str]] = {}
    for phrase in phrases:
        head = phrase.split()[0]
        letter = "" if head in SHORT_FORMS or head == FIGURE else head[0]
        letters.setdefault(letter, []).append(_phrase_regex(phrase))
    groups = (
        f"{letter}(?:{'|'.join(regex[len(letter) :] for regex in group)})"
        if letter.isalpha()
        else "|".join(group)
        for letter, group in letters.items()
    )
    return f"(?:{'|'.join(groups)})"


_FEW = 6
"""Phrases that are tried one after the other without grouping."""


def _phrase_regex(phrase: str) -> str:
    return _SEPARATOR.join(map(_word_regex, phrase.split())) + _WORD_END


def _word_regex(word: str) -> str:
    if word == FIGURE:
        return NUMBER
    if word.endswith("*"):
        return re.escape(word[:-1]) + r"\w{0,12}"
    spelled = re.escape(word)
    if word in CONTRACTIONS:
        spelled = spelled.replace("'", "'?")
    shorts = SHORT_FORMS.get(word)
    return f"(?:{'|'.join((spelled, *shorts))})" if shorts else spelled

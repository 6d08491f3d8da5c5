"""The small pattern language of `patterns.yaml`, compiled to regular expressions with bounds.

Patterns are found by their first two words, so only plausible ones are tried at a place, and every
repetition is bounded: the work grows with the length of the text and never explodes.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

NEGATION = (
    r"(?:not|never|no|nor|without|hardly|cannot|don't|doesn't|didn't|won't|can't|isn't|aren't"
    r"|wasn't|weren't|couldn't|wouldn't|shouldn't|haven't|hasn't|unable)"
)
"""Words that turn an act into its absence."""

Classes = Mapping[str, list[str]]
"""Named groups of phrases (`@feeling`)."""

_SEPARATOR = r"\W{1,4}"
_WORD_END = r"(?!\w|'\w)"
_GAP = rf"(?:(?!{NEGATION}{_WORD_END})\w[\w'-]{{0,30}}{_SEPARATOR}){{0,4}}?"


class Phrase:
    """One pattern as written; match it at the start of a word, with the sentence's end as `endpos`.

    The expression is compiled when first needed: most of the table is never used by one process.
    """

    def __init__(self, line: str, classes: Classes) -> None:
        elements = line.split()
        self._classes = classes
        self._at_end = elements[-1] == "$"
        self._elements = tuple(elements[: len(elements) - self._at_end])

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Match the whole phrase at one place."""
        parts = self._elements
        last = max(i for i, part in enumerate(parts) if part != "..." and part[0] != "?")
        source = "".join(_regex_of(part, self._classes) for part in parts[:last])
        source += choice(parts[last], self._classes)
        for part in parts[last + 1 :]:
            source += f"(?:{_SEPARATOR}{choice(part[1:], self._classes)})?"
        return re.compile(source + (r"(?=\W*\Z)" if self._at_end else ""))

    def entries(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield every first word with the words that may follow it (None: any, or none at all).

        Raises:
            ValueError: the pattern begins with a gap, an optional part or a stem.
        """
        first = self._elements[0]
        if first == "..." or first[0] == "?" or first[-1] == "*":
            raise ValueError(f"a pattern must begin with a word: {' '.join(self._elements)}")
        following = self._firsts_from(1)
        table: dict[str, set[str] | None] = {}
        for phrase in _phrases(first, self._classes):
            head, *tail = phrase.split()
            seconds = {tail[0]} if tail else following
            known = table.get(head, set())
            table[head] = None if seconds is None or known is None else known | seconds
        for head, words in table.items():
            yield head, None if words is None else frozenset(words)

    def _firsts_from(self, index: int) -> set[str] | None:
        words: set[str] = set()
        for part in self._elements[index:]:
            if part == "...":
                return None
            phrases = _phrases(part.lstrip("?"), self._classes)
            if any("*" in phrase.split()[0] for phrase in phrases):
                return None
            words |= {phrase.split()[0] for phrase in phrases}
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


def choice(element: str, classes: Classes) -> str:
    """Return the expression of one element: any of its phrases.

    Raises:
        ValueError: the element names an unknown class.
    """
    phrases = (_phrase_regex(phrase) for phrase in _phrases(element, classes))
    return f"(?:{'|'.join(phrases)})"


def _regex_of(element: str, classes: Classes) -> str:
    if element == "...":
        return _GAP
    if element[0] == "?":
        return f"(?:{choice(element[1:], classes)}{_SEPARATOR})?"
    return choice(element, classes) + _SEPARATOR


def _phrase_regex(phrase: str) -> str:
    words = (
        re.escape(word[:-1]) + r"\w{0,12}" if word.endswith("*") else re.escape(word)
        for word in phrase.split()
    )
    return _SEPARATOR.join(words) + _WORD_END


def _phrases(element: str, classes: Classes) -> list[str]:
    phrases: list[str] = []
    for part in element.split("/"):
        if not part.startswith("@"):
            phrases.append(part.replace("_", " "))
        elif part[1:] in classes:
            phrases.extend(classes[part[1:]])
        else:
            raise ValueError(f"unknown class {part}")
    return phrases

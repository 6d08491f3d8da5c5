"""One sentence of a turn, cut into words, as every reader of acts sees it."""

import re
from functools import cached_property

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.segments import RUN, TOKEN, stems_among
from shared.dialogue.spelling import canonical_words

HOSTILE = frozenset(
    {
        *(Act.BLAME, Act.DISMISS, Act.REPROACH, Act.THREATEN, Act.INSULT, Act.PRESSURE),
        *(Act.RUSH, Act.SARCASM, Act.INTERRUPT),
    }
)
"""Acts against the person; a question among them asks nothing."""

Found = dict[Act, ActSpan]
"""The best example of each act in one sentence."""


Quotes = tuple[tuple[int, int], ...]
"""Where a turn quotes somebody, as offsets."""


class Sentence:
    """One sentence and the words in it, as offsets into the whole turn."""

    def __init__(self, folded: str, start: int, end: int, quotes: Quotes) -> None:
        """Cut a sentence of a turn that is in lower case already."""
        self.folded = folded
        self.start = start
        self.end = end
        self.quotes = quotes
        self.spelled: list[str] = TOKEN.findall(folded, start, end)
        """The words as they are written."""
        self.words = canonical_words(self.spelled)
        """The same words as the index of patterns knows them."""
        self.held = frozenset(self.words)
        self.offsets = _offsets(folded, start, self.spelled)
        """Where each word begins in the turn."""
        self.text = folded[start:end]
        """The sentence in lower case."""

    @cached_property
    def runs(self) -> frozenset[str]:
        """The letters and figures between all other characters: words, parts of compound ones.

        What an expression names as a whole word can only be found where it is one of them: most
        searches are spared by a look into this set.
        """
        plain = {word for word in self.spelled if word.isalnum()}
        if len(plain) < len(self.spelled):
            for word in self.spelled:
                if word not in plain:
                    plain.update(RUN.findall(word))
        return frozenset(plain)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of the words that carry meaning."""
        return stems_among(self.runs)

    def span(self, act: Act, strength: int = 1) -> ActSpan:
        """Return an act that the whole sentence shows."""
        return ActSpan(act=act, start=self.start, end=self.end, strength=strength)

    def holds(self, expression: re.Pattern[str]) -> bool:
        """Say whether the expression is found in the sentence."""
        return expression.search(self.folded, self.start, self.end) is not None

    def is_quoted(self, position: int) -> bool:
        """Say whether a place lies inside words that the speaker only reports."""
        return bool(self.quotes) and any(start <= position < end for start, end in self.quotes)


def _offsets(folded: str, start: int, spelled: list[str]) -> list[int]:
    """Return where words begin that follow each other; quicker than to match them again."""
    found: list[int] = []
    at = start
    for word in spelled:
        at = folded.index(word, at)
        found.append(at)
        at += len(word)
    return found

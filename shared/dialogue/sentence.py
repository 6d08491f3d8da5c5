"""One sentence of a turn, cut into words, as every reader of acts sees it."""

import re
from functools import cached_property

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.segments import TOKEN, stems_of
from shared.dialogue.spelling import ALIASES, FIGURE

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
        self.tokens = [(m.start(), m.group()) for m in TOKEN.finditer(folded, start, end)]
        known = ALIASES.get
        self.words = [
            FIGURE if word[0] in "0123456789" else known(word, word) for _, word in self.tokens
        ]
        """The same words as the index of patterns knows them."""

    @cached_property
    def stems(self) -> frozenset[str]:
        """Stems of the words that carry meaning."""
        return stems_of(self.text)

    @cached_property
    def text(self) -> str:
        """The words of the sentence in lower case."""
        return self.folded[self.start : self.end]

    def span(self, act: Act, strength: int = 1) -> ActSpan:
        """Return an act that the whole sentence shows."""
        return ActSpan(act=act, start=self.start, end=self.end, strength=strength)

    def holds(self, expression: re.Pattern[str]) -> bool:
        """Say whether the expression is found in the sentence."""
        return expression.search(self.folded, self.start, self.end) is not None

    def is_quoted(self, position: int) -> bool:
        """Say whether a place lies inside words that the speaker only reports."""
        return bool(self.quotes) and any(start <= position < end for start, end in self.quotes)

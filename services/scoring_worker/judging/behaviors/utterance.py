"""One turn with what surrounds it: the only thing that features look at."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from shared.contracts.base import Record
from shared.contracts.dialogue import TurnAnalysis
from shared.dialogue.analyzer import analyze
from shared.dialogue.segments import fold

_TOKEN = re.compile(
    r"[^\W\d_]+(?:'[^\W\d_]+| ' (?:s|m|t|d|re|ve|ll)\b)*"
    r"|\d+(?:[.,:/]\d+)*|\.\.+|…|[?!.,:;()\"/%$&+=@*#-]|[^\w\s'<>\[\]]"
)
"""A word with its inner apostrophes (also set apart, as in `i ' m`), a figure, or a mark."""
_SHORT = re.compile(r"(.+?)(n't|'re|'m|'ll|'ve|'d|'s)")
_LONG = {
    "n't": "not", "'re": "are", "'m": "am", "'ll": "will", "'ve": "have", "'d": "would",
}  # fmt: skip
_IS = frozenset({"it", "that", "what", "he", "she", "there", "here", "who", "where", "how"})
"""Words after which 's is taken for `is`; after a name it may be a possessive and is dropped."""
_WHOLE = {
    "can't": ("can", "not"), "won't": ("will", "not"), "cannot": ("can", "not"),
    "let's": ("let", "us"), "lets": ("let", "us"), "im": ("i", "am"), "ive": ("i", "have"),
    "dont": ("do", "not"), "didnt": ("did", "not"), "doesnt": ("does", "not"),
    "isnt": ("is", "not"), "wasnt": ("was", "not"), "cant": ("can", "not"),
    "wont": ("will", "not"), "couldnt": ("could", "not"), "shouldnt": ("should", "not"),
    "wouldnt": ("would", "not"), "havent": ("have", "not"), "arent": ("are", "not"),
    "thats": ("that", "is"), "whats": ("what", "is"), "youre": ("you", "are"),
    "theyre": ("they", "are"), "youve": ("you", "have"), "gonna": ("going", "to"),
    "wanna": ("want", "to"), "gotta": ("got", "to"), "ok": ("okay",), "thx": ("thanks",),
    "pls": ("please",), "plz": ("please",), "u": ("you",), "ur": ("your",), "…": ("...",),
}  # fmt: skip
"""Spellings that mean the same: style must not change what a model sees."""


class Token(NamedTuple):
    """A word or mark with its place in the text."""

    word: str
    """Folded, contractions written out, figures as `0`."""
    start: int
    end: int


class Utterance(Record, frozen=True, kw_only=True):
    """A turn of the person who is judged, with what came before it."""

    text: str
    tokens: tuple[str, ...]
    """Folded words and punctuation in order; contractions written out, figures as `0`."""
    analysis: TurnAnalysis
    heard: str = ""
    """What the other side said since this person's turn before; empty at the start."""
    heard_tokens: tuple[str, ...] = ()
    before: str = ""
    """This person's own turn before; empty for the first."""
    number: int = 0
    """Position among the person's own turns, from 0."""
    of: int = 1
    """How many own turns the conversation has."""


def words_of(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, as features see them."""
    return tuple(chain.from_iterable(map(_spell, _TOKEN.findall(fold(text)))))


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the same tokens with their places; words of one contraction share a place."""
    for found in _TOKEN.finditer(fold(text)):
        start, end = found.span()
        for word in _spell(found.group()):
            yield Token(word, start, end)


@lru_cache(maxsize=16384)  # few different words make up most of what is said
def _spell(part: str) -> tuple[str, ...]:
    part = part.replace(" ", "")
    whole = _WHOLE.get(part)
    if whole is not None:
        return whole
    if part[0].isdigit():
        return ("0",)
    if "'" not in part:
        return ("...",) if part.startswith("..") else (part,)
    short = _SHORT.fullmatch(part)
    if short is None:
        return (part,)
    stem, ending = short.groups()
    if ending == "'s":
        return (stem, "is") if stem in _IS else (stem,)
    return (stem, _LONG[ending])


def utterances(
    turns: Sequence[tuple[str, str]], speaker: str, *, analyses: Sequence[TurnAnalysis | None] = ()
) -> tuple[Utterance, ...]:
    """Return one utterance per turn of the speaker, in order.

    Args:
        turns: (who speaks, text) in order; consecutive turns of one side are allowed.
        speaker: whose turns are wanted.
        analyses: what the analyzer said about each turn, by position, to save doing it again;
            where it is absent or None, the turn is analyzed here.
    """
    count = sum(who == speaker for who, _ in turns)
    found: list[Utterance] = []
    heard: list[str] = []
    before = ""
    for position, (who, text) in enumerate(turns):
        if who != speaker:
            heard.append(text)
            continue
        said = "\n".join(heard)
        known = analyses[position] if position < len(analyses) else None
        found.append(
            Utterance(
                text=text,
                tokens=words_of(text),
                analysis=known or analyze(text, previous_customer=said or None),
                heard=said,
                heard_tokens=words_of(said) if said else (),
                before=before,
                number=len(found),
                of=count,
            )
        )
        heard, before = [], text
    return tuple(found)

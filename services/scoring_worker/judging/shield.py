"""Keeps text that speaks to the grader, praises its own performance or is no speech from earning.

Such sentences are blanked with as many spaces before good behavior is looked for, so that spans
stay valid. Bad behavior is looked for in the original text: no plea hides an insult.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

import msgspec

from services.scoring_worker.judging.phrases import either, heads
from services.scoring_worker.judging.words import Span, fold, sentences
from shared.contracts.base import Authored
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import quoted
from shared.yaml_files import read_yaml

GRADER = "text_addressed_to_grader"
"""Flag: a sentence asks whoever scores for marks, or tells a model what to answer."""

SELF_PRAISE = "self_praise"
"""Flag: a sentence claims a skill, or reports it, in place of showing it."""

UNREADABLE = "unreadable_text"
"""Flag: a stretch that is no English speech: code, ciphers, another language, words in a heap."""

STRANGE_WORDS, STRANGE_SHARE = 5, 10
"""In a sentence of so many words, more than one of ten is one of the small words of English."""

HEAP_WORDS, HEAP_SHARE = 6, 0.5
"""In a sentence of so many words, a smaller share of different ones is a heap."""

QUOTED_WORDS = 4
"""A quotation of so many words is somebody's sentence, and not what the agent says now."""

_STEM = 4
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_LONG = re.compile(r"\S{20}")
_DIGIT = re.compile(r"\d")
_MARKED = re.compile(r"[<{\[`#_=]|\"\s*:|---")
"""Marks without which no code needs to be looked for."""
_SINGLE = 5
"""So many letters on their own, one after the other, are a word that was pulled apart."""
_BLOB = re.compile(r"(?<![\w/.@])(?=\S*\d)(?=\S*[a-z])(?=\S*[A-Z])[\w+/=-]{20,}")
_LEET = re.compile(r"(?<![^\W\d_'-])(?=[\w$@!]*\d[a-z])(?=[\w$@!]*[a-z])[\w$@!]*[a-z][\w$@!]*")
_YOURS = re.compile(
    r"\byou(?:'ve| have|'d| had| just)? (?:\w+ )?"
    r"(?:said|told|mentioned|wrote|put|called|asked|say)\b"
)
_INNER_MARK = re.compile(r"[.*_-][a-z]")
"""Without it no word is pulled apart; searched for by its first character, it costs little."""
_PULLED = re.compile(r"(?<![\w.])[a-z](?:[.*_-][a-z])+(?![\w])")
"""A word with marks between its letters."""
_REACH = 60
"""How far before a quotation the words stand that say whose it is."""


class _Rules(Authored, frozen=True, kw_only=True):
    stems: str
    rules: list[str]


class _Swap(Authored, frozen=True, kw_only=True):
    old: str = msgspec.field(name="from")
    new: str = msgspec.field(name="to")


class _Shield(Authored, frozen=True, kw_only=True):
    """The file as it is written; the comments in it say what each part is for."""

    judges: list[str]
    skills: list[str]
    praise: list[str]
    moves: list[str]
    to_grader: _Rules
    claims: _Rules
    trade: str
    wide: str
    small: str
    glue: str
    code: list[str]
    look_alikes: _Swap
    figures: _Swap


def _load() -> _Shield:
    source = resources.files("services.scoring_worker.judging").joinpath("shield.yaml")
    return msgspec.convert(read_yaml(source), _Shield)


_DATA = _load()
_NAMES = {name: "|".join(getattr(_DATA, name)) for name in ("judges", "skills", "praise", "moves")}


class _Finder:
    """Rules of one kind, tried only where a word of the sentence may begin one."""

    def __init__(self, kind: _Rules) -> None:
        self._stems = frozenset(kind.stems.split())
        entries = kind.rules
        for name, words in _NAMES.items():  # other braces count repetitions, so no str.format
            entries = [entry.replace(f"{{{name}}}", words) for entry in entries]
        self._rules = either(entries)

    def finds(self, sentence: str, stems: frozenset[str]) -> bool:
        """Say whether a rule of this kind fits the sentence, given the stems of its words."""
        return not stems.isdisjoint(self._stems) and self._rules.search(sentence) is not None


def _one_line(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words.replace(' |', '|').strip()})\b")


_TO_GRADER, _CLAIMS = _Finder(_DATA.to_grader), _Finder(_DATA.claims)
_TRADE, _WIDE, _CODE = _one_line(_DATA.trade), _one_line(_DATA.wide), either(_DATA.code)
_TRADE_HEADS = heads(_DATA.trade)
"""The letters with which the words of the trade begin."""
_SMALL = LEXICON.stopwords | frozenset(_DATA.small.split())
_GLUE = frozenset(_DATA.glue.split())
GLUE_WORDS = 9
"""In a sentence of so many words, one of the commonest words of English stands."""
_LOOK_ALIKES = str.maketrans(_DATA.look_alikes.old, _DATA.look_alikes.new)
_FIGURES = str.maketrans(_DATA.figures.old, _DATA.figures.new)


@lru_cache(maxsize=4096)
def suspicious(text: str) -> tuple[tuple[Span, str], ...]:
    """Return the sentences that must not earn anything, each with its flag."""
    found: list[tuple[Span, str]] = []
    for span in sentences(text):
        flag = _flag(text[span.start : span.end])
        if flag is not None:
            found.append((span, flag))
    return tuple(found)


def _flag(sentence: str) -> str | None:
    part = _letters(fold(sentence))
    words = _WORD.findall(part)
    stems = frozenset([word[:_STEM] for word in words])
    if _TO_GRADER.finds(part, stems):
        return GRADER
    if _CLAIMS.finds(part, stems) or _is_about_the_call(part):
        return SELF_PRAISE
    if (_MARKED.search(part) and _CODE.search(part)) or _is_heap(words):
        return UNREADABLE
    return UNREADABLE if _is_strange(sentence, words) else None


def _letters(folded: str) -> str:
    """Return the sentence as it is meant to be read: without accents, look-alikes, gaps."""
    if not folded.isascii():
        plain = unicodedata.normalize("NFKD", folded.translate(_LOOK_ALIKES))
        folded = "".join(char for char in plain if not unicodedata.combining(char))
    if _DIGIT.search(folded):
        folded = _LEET.sub(lambda match: match.group().translate(_FIGURES), folded)
    if _INNER_MARK.search(folded) and _PULLED.search(folded):
        folded = _PULLED.sub(lambda match: re.sub(r"[.*_-]", "", match.group()), folded)
    return " ".join(folded.split())


def _is_about_the_call(part: str) -> bool:
    if not any(head in part for head in _TRADE_HEADS):
        return False
    named = len(set(_TRADE.findall(part)))
    return named > 0 and named + len(set(_WIDE.findall(part))) >= _enough(named)


def _enough(named: int) -> int:
    return 2 if named > 1 else 3


def _is_heap(words: list[str]) -> bool:
    """Say whether a few words come again and again."""
    return len(words) >= HEAP_WORDS and len(set(words)) < HEAP_SHARE * len(words)


def _is_strange(sentence: str, words: list[str]) -> bool:
    """Say whether nothing in the sentence is English, or a cipher stands in it."""
    if _LONG.search(sentence) and _BLOB.search(sentence):
        return True
    if not sentence.isascii() and _is_foreign(sentence):
        return True
    if len(words) < STRANGE_WORDS:
        return False
    if sum(len(word) == 1 for word in words) >= max(_SINGLE, len(words) // 2):
        return True
    small = sum(word in _SMALL or word.partition("'")[0] in _SMALL for word in words)
    figures = sum(word.isdigit() for word in words)
    if len(words) >= GLUE_WORDS and _GLUE.isdisjoint(words):
        return True
    return small * STRANGE_SHARE <= len(words) and figures * 4 < len(words)


def _is_foreign(sentence: str) -> bool:
    """Say whether most letters of the sentence are of other scripts."""
    letters = [char for char in sentence if char.isalpha()]
    return len(letters) > 1 and 2 * sum(not char.isascii() for char in letters) > len(letters)


def unspoken(text: str) -> Iterator[Span]:
    """Yield the quotations of a turn that are not the other side's words said back."""
    for start, end in quoted(text):
        before = fold(text[max(0, start - _REACH) : start])
        if len(text[start:end].split()) >= QUOTED_WORDS and not _YOURS.search(before):
            yield Span(start, end)


def blank(text: str, spans: tuple[Span, ...]) -> str:
    """Replace the spans by spaces; the length and every other position stay."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text

"""Finds where a turn commits the learner to something, and where it refuses or only reports."""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from services.sim_worker.engine.appraisal import Reading
from shared.contracts.dialogue import Act, Quantity
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.quantities import quantities
from shared.dialogue.segments import fold, quoted, sentences

OFFERING = frozenset({Act.OFFER, Act.CONCEDE, Act.GIVE_AWAY, Act.NEXT_STEP, Act.OFFER_CHOICE})
"""Acts in which a number or a gift counts as promised."""

_CLAUSE = re.compile(r"[,;]\s|\b(?:but|because|so|and|if|although|though|since|while|whereas)\b")
_BOUND = re.compile(r"\b(?:no|not) (?:more|less|later|further) than\b|\bwithout\b")
"""Words that sound like a denial and give a bound."""
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|unable|instead of|rather than|whether|see if|check if|ask (?:about|for"
    r"|them|my|our)|look into|find out|in place of)\b|n't\b"
    r"|\bno\b(?! (?:cost|charge|extra|problem|matter|worries|strings|questions|need|one))"
)
_DENIED_AFTER = re.compile(
    r"\W+(?:\w+\W+){0,2}?(?:isn't|is not|aren't|are not|won't|can't|cannot)\b"
)


_SUBORDINATE = re.compile(r"\W*(?:because|although|though|since|while|whereas|if)\b")
"""Beginnings of clauses that give a reason or a condition."""
_OURS = re.compile(r"\b(?:i|i'll|i'd|we|we'll|we'd|let me|you'll|you'd|you get|yours)\b")
"""Words without which a sentence that explains commits nobody."""


_THEIRS = re.compile(r"you (?:can|could|may) (?!have|get|keep|take)")
"""What the customer may do themselves is not given by anybody."""


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence in which the learner offers, gives or promises."""

    start: int
    end: int
    """Offsets of the sentence in the turn."""
    text: str
    """The whole turn in lower case, same offsets."""
    live: tuple[tuple[int, int], ...]
    """The clauses that commit: from the act on, without what is denied, refused or quoted."""
    is_recap: bool
    is_gift: bool
    """Whether the sentence gives without bound, clearly."""
    numbers: tuple[Quantity, ...]
    """The numbers in live clauses."""
    times: tuple[str, ...]
    """The days and hours in live clauses, from a closed list."""

    def names(self, stems: tuple[str, ...]) -> bool:
        """Say whether a live clause holds a word that begins with one of the stems."""
        return any(
            not _DENIED_AFTER.match(self.text, match.end(), self.end)
            for match in self.matches(stems)
        )

    def matches(self, stems: tuple[str, ...]) -> Iterator[re.Match[str]]:
        """Yield the words in live clauses that begin with one of the stems."""
        if self.live and has_heads(self.text, stems):
            pattern = stem_pattern(stems)
            for start, end in self.live:
                yield from pattern.finditer(self.text, start, end)


@lru_cache(maxsize=4096)
def stem_pattern(stems: tuple[str, ...]) -> re.Pattern[str]:
    """Return the expression that finds words beginning with one of the stems."""
    words = "|".join(r"\W+".join(map(re.escape, stem.split())) for stem in stems)
    return re.compile(rf"(?<![\w'-])(?:{words})\w*")


def has_heads(text: str, stems: tuple[str, ...]) -> bool:
    """Say whether `stem_pattern` may find anything in a folded text: a much quicker test."""
    return not stems or any(head in text for head in _heads(stems))


@lru_cache(maxsize=4096)
def _heads(stems: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({"".join(stem.split()[:1]) for stem in stems})


def commitments(reading: Reading) -> tuple[Commitment, ...]:
    """Return the committing sentences of a turn in order; nearly free when it offers nothing."""
    text = fold(reading.raw)
    offering = [
        span
        for span in reading.analysis.acts
        if span.act in OFFERING and not _THEIRS.match(text, span.start)
    ]
    if not offering or reading.is_noise:
        return ()
    numbers = quantities(reading.raw)
    found: list[Commitment] = []
    for start, end in sentences(reading.raw):
        spans = [span for span in offering if start <= span.start < end]
        first = min((span.start for span in spans), default=end)
        if spans and not _only_explains(reading, text, (start, end), first):
            gift = any(span.act is Act.GIVE_AWAY and span.strength >= 2 for span in spans)
            found.append(_commitment(reading, text, (start, end), first, numbers, is_gift=gift))
    return tuple(found)


def _only_explains(reading: Reading, text: str, place: tuple[int, int], first: int) -> bool:
    """Say whether a sentence tells how something is, whatever offers its words resemble."""
    start, end = place
    explains = any(x.act is Act.EXPLAIN and start <= x.start < end for x in reading.analysis.acts)
    return explains and not _OURS.search(text, first, end)


def _commitment(
    reading: Reading,
    text: str,
    place: tuple[int, int],
    first: int,
    numbers: tuple[Quantity, ...],
    *,
    is_gift: bool,
) -> Commitment:
    start, end = place
    live = tuple(_live_clauses(reading, text, place, first))
    times = (m.group() for a, b in live for m in LEXICON.times.finditer(text, a, b))
    return Commitment(
        start=start,
        end=end,
        text=text,
        live=live,
        is_recap=any(x.act is Act.RECAP and start <= x.start < end for x in reading.analysis.acts),
        is_gift=is_gift,
        numbers=tuple(n for n in numbers if any(a <= n.start < b for a, b in live)),
        times=tuple(dict.fromkeys(times)),
    )


def _live_clauses(
    reading: Reading, text: str, place: tuple[int, int], first: int
) -> list[tuple[int, int]]:
    start, end = place
    cuts = [start, *(m.start() for m in _CLAUSE.finditer(text, start, end) if m.start() > start)]
    clauses = zip(cuts, (*cuts[1:], end), strict=True)
    barred = [(x.start, x.end) for x in reading.analysis.acts if x.act is Act.REFUSE]
    barred += quoted(reading.raw)
    return [
        (left, right)
        for left, right in clauses
        if right > first
        and not _SUBORDINATE.match(text, left, right)
        and not any(a < right and left < b for a, b in barred)
        and not _is_denied(text[left:right])
    ]


def _is_denied(clause: str) -> bool:
    if "than" in clause or "without" in clause:
        clause = _BOUND.sub("", clause)
    return _DENIAL.search(clause) is not None

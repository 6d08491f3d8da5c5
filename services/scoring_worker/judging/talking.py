"""Who talks how much and how: shares, monologue, questions, fillers; words stand for time."""

import re

from services.scoring_worker.judging.reading import Reading, ReadTurn
from services.scoring_worker.judging.words import fold
from shared.contracts.dialogue import Act

_DIGITS = 4
_SOUNDS = frozenset({"um", "umm", "uh", "uhh", "uhm", "er", "erm", "hm", "hmm", "mm", "mmm"})
_NO_MARKS = str.maketrans(dict.fromkeys(",.!?;:…", " "))
_BETWEEN = (
    "you know",
    "i mean",
    "like",
    "sort of",
    "kind of",
    "basically",
    "literally",
    "actually",
)
_PHRASES = re.compile(rf"(?:^|[,.!?] )(?:{'|'.join(_BETWEEN)})(?=[,.!?]|$)")
"""Words that fill only where they stand between marks: `it is like new` holds none."""


def talk_share(reading: Reading) -> float | None:
    """Return agent words / all words, 0..1."""
    agent = sum(turn.raw.words for turn in _agent(reading))
    everything = sum(turn.raw.words for turn in reading.turns)
    return round(agent / everything, _DIGITS) if everything else None


def question_rate(reading: Reading) -> float | None:
    """Return agent questions / agent turns; may exceed 1."""
    turns = _agent(reading)
    return round(sum(turn.raw.questions for turn in turns) / len(turns), _DIGITS) if turns else None


def open_question_share(reading: Reading) -> float | None:
    """Return open questions / all questions of the agent, 0..1; None without a question."""
    opened = asked = 0
    for turn in _agent(reading):
        found = [span.act for span in turn.raw.acts]
        is_open = found.count(Act.OPEN_QUESTION)
        opened += is_open
        # a question may come without its mark, and a mark may end something else
        asked += max(turn.raw.questions, is_open + found.count(Act.CLOSED_QUESTION))
    return round(opened / asked, _DIGITS) if asked else None


def longest_monologue(reading: Reading) -> int:
    """Return the most agent words without a customer turn between."""
    longest = current = 0
    for turn in reading.turns:
        current = current + turn.raw.words if turn.turn.role == "agent" else 0
        longest = max(longest, current)
    return longest


def fillers_per_100_words(reading: Reading) -> float | None:
    """Return fillers per hundred words of the agent; None without a word."""
    turns = _agent(reading)
    words = sum(turn.raw.words for turn in turns)
    found = sum(_fillers(fold(turn.turn.text)) for turn in turns)
    return round(100 * found / words, 2) if words else None


def _fillers(folded: str) -> int:
    sounds = sum(word in _SOUNDS for word in folded.translate(_NO_MARKS).split())
    if not any(words in folded for words in _BETWEEN):
        return sounds
    return sounds + len(_PHRASES.findall(folded))


def _agent(reading: Reading) -> list[ReadTurn]:
    return [turn for turn in reading.turns if turn.turn.role == "agent"]

"""Which behavior answers which published metric, and the items that it is asked about."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import yaml

from infra.fit.conversations import Conversation, Kind, items_of, read_set
from services.scoring_worker.judging.behaviors.utterance import Utterance, utterances
from shared.contracts.base import Authored

TABLE = Path(__file__).with_name("metrics.yaml")

Predictions = dict[str, dict[str, float]]
"""Metric -> item id -> strength."""


class Score(Protocol):
    """A scorer of any kind."""

    def __call__(self, said: Sequence[Utterance], *, is_whole: bool) -> Mapping[str, float]:
        """Return strengths by behavior of a whole conversation's turns, or of a single turn."""


class Answer(Authored, frozen=True, kw_only=True):
    """How one metric is answered."""

    set: str
    items: Kind
    behavior: str
    first: int | None = None
    """Only so many of the person's turns are looked at."""
    less: bool = False
    """The metric asks for the opposite of the behavior."""
    label: str | None = None
    """Only turns that have this label are items."""


def load_answers(path: Path = TABLE) -> dict[str, Answer]:
    """Return the table, metric -> answer."""
    loaded: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    return msgspec.convert(loaded, dict[str, Answer])


def spoken(conversation: Conversation, speaker: str) -> dict[int, Utterance]:
    """Return the utterances of one side, by position in the conversation."""
    turns = [(turn.role, turn.text) for turn in conversation.turns]
    positions = (n for n, turn in enumerate(conversation.turns) if turn.role == speaker)
    return dict(zip(positions, utterances(turns, speaker), strict=True))


def predict(folder: Path, answers: dict[str, Answer], score: Score) -> Predictions:
    """Return the strength of every item of every metric whose set is in the folder."""
    found: Predictions = {}
    for name in sorted({answer.set for answer in answers.values()}):
        own = {metric: answer for metric, answer in answers.items() if answer.set == name}
        for conversation in read_set(folder, name):
            for metric, item_id, value in _answer_all(conversation, own, score):
                found.setdefault(metric, {})[item_id] = value
    return {metric: found[metric] for metric in answers if metric in found}


def _answer_all(
    conversation: Conversation, answers: dict[str, Answer], score: Score
) -> Iterator[tuple[str, str, float]]:
    """Yield (metric, item id, strength); turns that several metrics ask about are scored once."""
    said = {role: spoken(conversation, role) for role in _roles(conversation)}
    known: dict[tuple[str, tuple[int, ...], bool], Mapping[str, float]] = {}
    for metric, answer in answers.items():
        is_whole = answer.items == "conversation"
        for item in items_of(conversation, answer.items, answer.label):
            positions = item.positions[: answer.first]
            key = (item.speaker, positions, is_whole)
            if key not in known:
                turns = [said[item.speaker][position] for position in positions]
                known[key] = score(turns, is_whole=is_whole)
            value = known[key][answer.behavior]
            yield metric, item.id, -value if answer.less else value


def _roles(conversation: Conversation) -> list[str]:
    return sorted({turn.role for turn in conversation.turns})

"""Items turned into rows of features."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from infra.fit.answers import spoken
from infra.fit.conversations import Item, Kind, items_of, read_set
from services.scoring_worker.judging.behaviors.features import features, whole
from services.scoring_worker.judging.behaviors.utterance import Utterance
from shared.contracts.base import Authored, Record

TABLE = Path(__file__).with_name("targets.yaml")


class Target(Authored, frozen=True, kw_only=True):
    """Which labels of which set train a behavior."""

    behavior: str
    sets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Several: labels are brought to one scale, set by set."""
    items: Kind
    label: str
    unit: Literal["turn", "conversation"] = "turn"
    """Only behaviors of a conversation look at what the whole shows."""
    among: tuple[str, ...] | None = None
    """The label means yes when it is one of these."""
    holds: str | None = None
    """The label is a list and means yes when this is in it."""
    more: tuple[str, ...] = ()
    """Behaviors fitted before whose strengths are features too."""
    only: tuple[str, ...] = ()
    """Names of features, or beginnings that end in a colon, to use; none: all."""
    without: tuple[str, ...] = ()
    """Names of features, or such beginnings, to leave out."""
    prior: dict[str, float] = msgspec.field(default_factory=dict)
    """Weights to shrink towards, per standard deviation of the feature; others go to zero."""
    definition: dict[str, float] = msgspec.field(default_factory=dict)
    """Weights that stand as they are: too few labels to learn from, so nothing is fitted."""
    length_aside: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Share of what the number of words explains by itself that is left out of the strength, so
    that saying more is not taken for doing better; 0: nothing."""

    def value(self, labels: dict[str, Any]) -> float | None:
        """Return what people said as a number, None when they did not say."""
        given = labels.get(self.label)
        if given is None:
            return None
        if self.among is not None:
            return float(str(given).strip() in self.among)
        if self.holds is not None:
            return float(self.holds in given)
        return float(given)


class Table(Authored, frozen=True, kw_only=True):
    """The content of `targets.yaml`."""

    groups: dict[str, str]
    """Set -> pattern of the part of an item's id that stays in one fold; absent: its
    conversation."""
    targets: tuple[Target, ...]


class Example(Record, frozen=True, kw_only=True):
    """One item, ready to be learned from or to get a strength."""

    item: Item
    group: str
    words: int
    """How many words the person said in it."""
    values: dict[str, float]
    """Features by name: the mean over its turns, and those of the conversation as a whole."""


def load_table(path: Path = TABLE) -> Table:
    """Return the table of targets.

    Raises:
        msgspec.ValidationError: an unknown field, or a wrong type.
    """
    return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Table)


def group_of(table: Table, name: str, item: Item) -> str:
    """Return what must stay in one fold with this item."""
    pattern = table.groups.get(name)
    found = re.match(pattern, item.id) if pattern else None
    return found.group() if found else item.conversation.id


def examples(
    folder: Path, table: Table, name: str, kind: Kind, *, first: int | None = None
) -> tuple[Example, ...]:
    """Return the examples of a set, in file order; `first` keeps that many turns of each."""
    found: list[Example] = []
    for conversation in read_set(folder, name):
        turns: dict[str, dict[int, Utterance]] = {}
        for item in items_of(conversation, kind):
            if item.speaker not in turns:
                turns[item.speaker] = spoken(conversation, item.speaker)
            said = [turns[item.speaker][position] for position in item.positions[:first]]
            found.append(
                Example(
                    item=item,
                    group=f"{name}/{group_of(table, name, item)}",
                    words=sum(len(one.text.split()) for one in said),
                    values=item_features(said),
                )
            )
    return tuple(found)


def item_features(said: Sequence[Utterance]) -> dict[str, float]:
    """Return the mean of the turns' features, and what only the whole shows."""
    total: dict[str, float] = {}
    for name, value in _each(features(one) for one in said):
        total[name] = total.get(name, 0.0) + value
    mean = {name: value / len(said) for name, value in total.items()}
    return mean | whole(said)


def _each(rows: Iterable[dict[str, float]]) -> Iterator[tuple[str, float]]:
    for row in rows:
        yield from row.items()

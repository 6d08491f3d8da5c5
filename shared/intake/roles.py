"""Says whether the labels `agent` and `customer` look as if they had changed places.

Each side of a service conversation has words of its own: one greets, verifies, explains rules,
takes action, asks about the other; the other tells a story of its own, complains, answers. The cues
and their weights are in `cues.yaml`. Swapping the labels turns the sum around, so one number
decides both ways, and a conversation with few cues decides nothing.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from itertools import product
from typing import Annotated, Final, Literal

import msgspec

from shared.contracts.base import Authored, Record
from shared.contracts.scoring import TranscriptTurn
from shared.yaml_files import read_yaml

Side = Literal["agent", "customer"]

ENOUGH: Final = ((9, 0.25), (25, 0.12))
"""By how much weight one labeling must lead, and with which share of all cues; either pair will do.
Two or three strong cues decide a short talk; in a long one a clear lead may be a smaller share,
and where both sides speak alike, the labels stay.
"""

MAX_REPEATS: Final = 3
"""How often one kind of cue counts in one turn: a long turn has no more say than a few."""

LOOKED_AT: Final = 600
"""Characters of a turn that are looked at: its beginning tells who speaks."""

MAX_NAMED: Final = 3
"""Kinds of cues that a reason names for each side."""

_WORD: Final = re.compile(r"\w+(?:['-]\w+)*")
_START: Final = "^"
_OTHER: Final[dict[Side, Side]] = {"agent": "customer", "customer": "agent"}


class _Kind(Authored, frozen=True, kw_only=True):
    name: str
    weight: Annotated[int, msgspec.Meta(ge=1, le=4)]
    phrases: tuple[str, ...]


class _Cues(Authored, frozen=True, kw_only=True):
    agent: tuple[_Kind, ...]
    customer: tuple[_Kind, ...]


class Cue(msgspec.Struct, frozen=True, eq=False):
    """A kind of cue, and whose it is; known by identity, which makes counting cheap."""

    name: str
    side: Side
    weight: int


class Node:
    """A place in the tree of phrases: what a phrase that ends here shows, and how it may go on."""

    __slots__ = ("after", "cue")

    def __init__(self) -> None:
        self.cue: Cue | None = None
        self.after: dict[str, Node] = {}


class RoleLook(Record, frozen=True, kw_only=True):
    """What the words say about the labels."""

    verdict: Literal["plausible", "swapped", "unclear"]
    margin: int
    """Weight that speaks for the labels, minus what speaks against them."""
    customer_like: tuple[str, ...] = ()
    """Of swapped labels: what the side labeled agent does that customers do."""
    agent_like: tuple[str, ...] = ()
    """Of swapped labels: what the side labeled customer does that agents do."""

    @property
    def reason(self) -> str:
        """One or two sentences for a person; empty unless the labels look swapped."""
        if self.verdict != "swapped":
            return ""
        said = [
            f"the side labeled `{label}` speaks like {who} ({', '.join(names)})"
            for label, who, names in (
                ("customer", "an agent", self.agent_like),
                ("agent", "a customer", self.customer_like),
            )
            if names
        ]
        text = ", and ".join(said)
        return f"{text[:1].upper()}{text[1:]}."


def look_at_roles(turns: Sequence[TranscriptTurn]) -> RoleLook:
    """Weigh the cues of both sides, for English text."""
    root = load_cues()
    weights: dict[tuple[Side, Cue], int] = {}
    for turn in turns:
        for cue, count in _count(_cues(turn.text[:LOOKED_AT], root)).items():
            where = (turn.role, cue)
            weights[where] = weights.get(where, 0) + cue.weight * min(count, MAX_REPEATS)
    total = sum(weights.values())
    margin = sum(weight if role == cue.side else -weight for (role, cue), weight in weights.items())
    if not any(abs(margin) >= least and abs(margin) >= share * total for least, share in ENOUGH):
        return RoleLook(verdict="unclear", margin=margin)
    if margin > 0:
        return RoleLook(verdict="plausible", margin=margin)
    return RoleLook(
        verdict="swapped",
        margin=margin,
        agent_like=_named(weights, "customer", "agent"),
        customer_like=_named(weights, "agent", "customer"),
    )


def swap_roles(turns: Sequence[TranscriptTurn]) -> tuple[TranscriptTurn, ...]:
    """Return the turns with the two roles in each other's place; ids, words and times stay."""
    return tuple(msgspec.structs.replace(turn, role=_OTHER[turn.role]) for turn in turns)


@cache
def load_cues() -> Node:
    """Return the phrases of `cues.yaml` as a tree of words."""
    source = resources.files("shared.intake").joinpath("cues.yaml")
    cues = msgspec.convert(read_yaml(source), _Cues)
    root = Node()
    sides: tuple[tuple[Side, tuple[_Kind, ...]], ...] = (
        ("agent", cues.agent),
        ("customer", cues.customer),
    )
    for side, kinds in sides:
        for kind in kinds:
            cue = Cue(kind.name, side, kind.weight)
            for words in _phrases(kind):
                _plant(root, words, cue)
    return root


def _phrases(kind: _Kind) -> Iterable[tuple[str, ...]]:
    for phrase in kind.phrases:
        yield from product(*(word.split("|") for word in phrase.split()))


def _plant(root: Node, words: Iterable[str], cue: Cue) -> None:
    node = root
    for word in words:
        node = node.after.setdefault(word, Node())
    if node.cue is None or node.cue.weight < cue.weight:
        node.cue = cue


def _cues(text: str, root: Node) -> Iterable[Cue]:
    words = (_START, *_WORD.findall(text.lower().replace("\u2019", "'")))
    firsts = root.after
    at, end = 0, len(words)
    while at < end:
        start = at
        node = firsts.get(words[start])
        at += 1
        if node is None:
            continue
        best, place = node.cue, at
        while place < end and (node := node.after.get(words[place])) is not None:
            place += 1
            if node.cue is not None:
                best, at = node.cue, place
        if best is not None:
            yield best
        if start == 0:  # the words at the beginning speak for themselves as well
            at = 1


def _count(cues: Iterable[Cue]) -> dict[Cue, int]:
    counts: dict[Cue, int] = {}
    for cue in cues:
        counts[cue] = counts.get(cue, 0) + 1
    return counts


def _named(weights: dict[tuple[Side, Cue], int], role: Side, side: Side) -> tuple[str, ...]:
    """Return the heaviest kinds of cues of `side` in the turns labeled `role`."""
    found = [
        (weight, cue.name)
        for (label, cue), weight in weights.items()
        if (label, cue.side) == (role, side)
    ]
    return tuple(
        name for _, name in sorted(found, key=lambda item: (-item[0], item[1]))[:MAX_NAMED]
    )

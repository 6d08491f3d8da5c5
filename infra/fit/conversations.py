"""Labelled conversations: reading them, and naming the items that a metric or a target asks for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from shared.contracts.base import Record

Kind = Literal["conversation", "last_turn", "turn", "labeled_turn", "turn_before"]
"""What one item is: the whole conversation; its last own turn; every own turn; every turn with the
label, of either seat; the own turn before each turn of the other side that has the label."""

AGENT = "agent"
"""The role of the person who is judged."""


class Turn(Record, frozen=True, kw_only=True):
    """What one side said."""

    role: str
    text: str
    labels: dict[str, Any] | None = None


class Conversation(Record, frozen=True, kw_only=True):
    """One line of a set."""

    id: str
    turns: tuple[Turn, ...]
    labels: dict[str, Any] = msgspec.field(default_factory=dict)


class Item(Record, frozen=True, kw_only=True):
    """One thing that gets a strength."""

    id: str
    conversation: Conversation
    speaker: str
    """Whose turns count as the judged person's."""
    positions: tuple[int, ...]
    """The turns that make the item; all of them are the speaker's."""
    labels: dict[str, Any]
    """The labels that speak about it."""


def read_set(folder: Path, name: str) -> tuple[Conversation, ...]:
    """Return the conversations of a set, in file order; none where the set is absent.

    Raises:
        msgspec.MsgspecError: a line is no conversation.
    """
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return ()
    decoder = msgspec.json.Decoder(Conversation)
    return tuple(decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip())


def items_of(conversation: Conversation, kind: Kind, label: str | None = None) -> Iterator[Item]:
    """Yield the items of one conversation; `label` names the turn label that must be there."""
    yield from _READERS[kind](conversation, label)


def _own(conversation: Conversation) -> tuple[int, ...]:
    return tuple(n for n, turn in enumerate(conversation.turns) if turn.role == AGENT)


def _whole(conversation: Conversation, _label: str | None) -> Iterator[Item]:
    own = _own(conversation)
    if own:
        yield Item(
            id=conversation.id, conversation=conversation, speaker=AGENT, positions=own,
            labels=conversation.labels,
        )  # fmt: skip


def _last(conversation: Conversation, _label: str | None) -> Iterator[Item]:
    for item in _whole(conversation, None):
        yield msgspec.structs.replace(item, positions=item.positions[-1:])


def _turns(conversation: Conversation, label: str | None) -> Iterator[Item]:
    for position in _own(conversation):
        if label is None or _labeled(conversation.turns[position], label):
            yield _turn(conversation, position, position)


def _labeled_turns(conversation: Conversation, label: str | None) -> Iterator[Item]:
    for position, turn in enumerate(conversation.turns):
        if _labeled(turn, label):
            yield _turn(conversation, position, position)


def _turns_before(conversation: Conversation, label: str | None) -> Iterator[Item]:
    last = None
    for position, turn in enumerate(conversation.turns):
        if turn.role == AGENT:
            last = position
        elif last is not None and _labeled(turn, label):
            yield _turn(conversation, last, position)


def _labeled(turn: Turn, label: str | None) -> bool:
    return bool(turn.labels) and (label is None or (turn.labels or {}).get(label) is not None)


def _turn(conversation: Conversation, said: int, labeled: int) -> Item:
    return Item(
        id=f"{conversation.id}#{labeled}", conversation=conversation,
        speaker=conversation.turns[said].role, positions=(said,),
        labels=conversation.turns[labeled].labels or {},
    )  # fmt: skip


_READERS: dict[str, Callable[[Conversation, str | None], Iterator[Item]]] = {
    "conversation": _whole,
    "last_turn": _last,
    "turn": _turns,
    "labeled_turn": _labeled_turns,
    "turn_before": _turns_before,
}

"""Finds the moves of `talk_moves.yaml` in the tokens of a turn, all in one pass."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from itertools import product
from typing import Any

import msgspec

from services.scoring_worker.judging.behaviors.utterance import words_of
from shared.contracts.base import Authored
from shared.yaml_files import read_yaml

_HERE = "services.scoring_worker.judging.behaviors"
_BREAKS = frozenset(
    {".", "!", "?", ";", ":", ",", "...", "-", "(", ")", "\n", "and", "but", "so", "then", "or"}
    | {"well", "please", "also", "oh", "okay", "yes", "yeah", "maybe", "perhaps", "because", "if"}
)
"""After one of these a clause begins."""


class _Moves(Authored, frozen=True, kw_only=True):
    """The file as it is written."""

    classes: dict[str, str]
    moves: dict[str, str]
    heard: dict[str, str]


class _Words(Authored, frozen=True, kw_only=True):
    """`talk_words.yaml` as it is written; the comments in it say what each list is for."""

    function: str
    turned: dict[str, str]
    listening: str
    me: str
    you: str
    auxiliaries: str
    warm: str
    sad: str
    minimal: str
    urging: str


class _Docs(Authored, frozen=True, kw_only=True):
    """`talk_features.yaml`: name -> meaning."""

    talk: dict[str, str]
    conversation: dict[str, str]


class Node:
    """A step in the tree of patterns: where each next word leads, and the moves that end here."""

    __slots__ = ("ends", "steps")

    def __init__(self) -> None:
        """Start empty."""
        self.steps: dict[str, Node] = {}
        self.ends: tuple[int, ...] = ()


class State:
    """The nodes that can be reached by the words read so far, taken together.

    What a word leads to is worked out when it is first met; only words of the patterns and classes
    are kept, so that the table stays as small as they are.
    """

    __slots__ = ("ends", "goes_on", "nodes", "onward")

    def __init__(self, nodes: Sequence[Node]) -> None:
        """Take the nodes, none of them twice."""
        self.nodes = nodes
        self.ends = tuple({number for node in nodes for number in node.ends})
        self.goes_on = any(node.steps for node in nodes)
        self.onward: dict[str, State | None] = {}


_UNREAD = State(())
"""Stands for what is not worked out yet."""


class Moves:
    """All patterns of one group of moves, ready for matching."""

    def __init__(self, patterns: Mapping[str, str], classes: Mapping[str, str]) -> None:
        """Compile the patterns; a name's position is its number."""
        self.names = tuple(patterns)
        self._steps: dict[str, tuple[str, ...]] = {}
        for name, words in classes.items():
            for word in words.split():
                self._steps[word] = (*self._steps.get(word, (word,)), f"@{name}")
        anywhere, at_start = Node(), Node()
        for number, lines in enumerate(patterns.values()):
            for line in lines.splitlines():
                parts = line.split()
                starts = parts[0] == "^"
                self._add(at_start if starts else anywhere, number, parts[starts:])
        self._anywhere = State((anywhere,))
        self._at_start = State((anywhere, at_start))

    def _add(self, root: Node, number: int, parts: Sequence[str]) -> None:
        for chosen in product(*map(_choices, parts)):
            words = [word for choice in chosen for word in choice]
            if not words:
                msg = f"a pattern may not be empty: {' '.join(parts)}"
                raise ValueError(msg)
            node = root
            for word in words:
                if not word.startswith("@"):
                    self._steps.setdefault(word, (word,))
                node = node.steps.setdefault(word, Node())
            if number not in node.ends:
                node.ends = (*node.ends, number)

    def count(self, tokens: Sequence[str]) -> list[int]:
        """Return how often each move occurs, by number; overlaps of one move count once."""
        counts = [0] * len(self.names)
        free = [0] * len(self.names)
        following, steps = self._at_start, self._steps
        for position, token in enumerate(tokens):
            root, following = following, self._at_start if token in _BREAKS else self._anywhere
            if token not in steps:
                continue
            state = root.onward.get(token, _UNREAD)
            if state is _UNREAD:
                state = self._step(root, token)
            if state is None:
                continue
            if not state.ends and not self._may_go_on(state, tokens, position + 1):
                continue
            for number, end in self._ends(state, tokens, position + 1):
                if position >= free[number]:
                    counts[number] += 1
                    free[number] = end
        return counts

    def _may_go_on(self, state: State, tokens: Sequence[str], place: int) -> bool:
        """Look one word ahead: most words that may begin a pattern do not."""
        if place == len(tokens) or tokens[place] not in self._steps:
            return False
        return state.onward.get(tokens[place], _UNREAD) is not None

    def _ends(self, state: State, tokens: Sequence[str], end: int) -> Iterable[tuple[int, int]]:
        """Return (move, where its longest pattern ends), reading on from a state."""
        found = dict.fromkeys(state.ends, end)
        while state.goes_on and end < len(tokens):
            token = tokens[end]
            onward = state.onward.get(token, _UNREAD)
            if onward is _UNREAD:
                onward = self._step(state, token)
            if onward is None:
                break
            end += 1
            if onward.ends:
                found.update(dict.fromkeys(onward.ends, end))
            state = onward
        return found.items()

    def _step(self, state: State, token: str) -> State | None:
        steps = self._steps.get(token)
        if steps is None:
            return None
        nodes = [node.steps[step] for node in state.nodes for step in steps if step in node.steps]
        onward = State(nodes) if nodes else None
        state.onward[token] = onward
        return onward


def _choices(part: str) -> list[tuple[str, ...]]:
    """Return the word sequences that one element of a pattern stands for."""
    optional = part.startswith("?")
    if optional:
        part = part[1:]
    found = list(_alternatives(part))
    return [(), *found] if optional else found


def _alternatives(part: str) -> Iterator[tuple[str, ...]]:
    for alternative in part.split("/"):
        if alternative.startswith("@"):
            yield (alternative,)
        else:
            yield words_of(alternative.replace("_", " "))


def _load(name: str) -> Any:
    source = resources.files(_HERE).joinpath(name)
    return read_yaml(source)


_READ = msgspec.convert(_load("talk_moves.yaml"), _Moves)

MOVES = Moves(_READ.moves, _READ.classes)
"""What the person does."""

HEARD = Moves(_READ.heard, _READ.classes)
"""How the other side took it."""

WORDS = msgspec.convert(_load("talk_words.yaml"), _Words)
"""Word lists as they are written."""

DOCS = msgspec.convert(_load("talk_features.yaml"), _Docs)
"""What the features mean."""

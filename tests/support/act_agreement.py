"""Compares the analyser of turns with labels made by hand.

`python -m tests.support.act_agreement [--set dev|held_out] [--table] [--errors]`; `--people` compares
the two hands that labelled the held-out turns instead.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
import yaml

from shared.contracts.base import Authored
from shared.contracts.dialogue import Act, Topic
from shared.dialogue.analyzer import analyze

LABELS = Path(__file__).parents[1] / "labels" / "acts"
"""Where the labelled turns lie, one file per set."""
ENOUGH = {"dev": 3, "held_out": 8}
"""Examples that an act needs to count in the macro F1 of a set."""


class Turn(Authored, frozen=True, kw_only=True):
    """One learner turn with the acts that a person saw in it."""

    id: str
    customer: str
    """What the customer said just before; may be empty."""
    text: str
    acts: tuple[Act, ...]
    before: str | None = None
    """The learner's own turn before."""
    spans: dict[Act, str] = msgspec.field(default_factory=dict)
    topics: dict[Act, Topic] = msgspec.field(default_factory=dict)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How well one act is found, by presence in the turn."""

    act: Act
    n: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Share of the found ones that are labelled; 0 when none is found."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the labelled ones that are found; 0 when none is labelled."""
        return self.right / self.n if self.n else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.found + self.n) if self.found + self.n else 0.0


def load(name: str) -> list[Turn]:
    """Return the labelled turns of a set."""
    raw = yaml.safe_load((LABELS / f"{name}.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, list[Turn])


def read(turn: Turn) -> dict[Act, Topic | None]:
    """Return the acts that the analyser finds, each with its topic."""
    analysis = analyze(
        turn.text, previous_customer=turn.customer or None, previous_agent=turn.before
    )
    return {span.act: span.topic for span in analysis.acts}


def load_second() -> dict[str, frozenset[Act]]:
    """Return what a second hand saw in the held-out turns, by the id of the turn."""
    raw = yaml.safe_load((LABELS / "held_out_second.yaml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, frozenset[Act]])


def score(
    turns: Iterable[Turn], see: Callable[[Turn], AbstractSet[Act]] = lambda turn: read(turn).keys()
) -> list[Score]:
    """Count every act over the turns; `see` finds the acts of one."""
    labelled: Counter[Act] = Counter()
    found: Counter[Act] = Counter()
    right: Counter[Act] = Counter()
    for turn in turns:
        seen = see(turn)
        labelled.update(set(turn.acts))
        found.update(seen)
        right.update(seen & set(turn.acts))
    return [Score(act=act, n=labelled[act], found=found[act], right=right[act]) for act in Act]


def macro_f1(scores: Iterable[Score], enough: int) -> tuple[float, int]:
    """Return the mean F1 over the acts with enough examples, and how many those are."""
    counted = [entry.f1 for entry in scores if entry.n >= enough]
    return (sum(counted) / len(counted) if counted else 0.0), len(counted)


def _plain(entry: Score) -> str:
    return (
        f"{entry.act:22} n {entry.n:3}  found {entry.found:3}  "
        f"P {entry.precision:.2f}  R {entry.recall:.2f}  F1 {entry.f1:.2f}"
    )


def markdown(entry: Score) -> str:
    """Return the row of an act in the documents' table."""
    return (
        f"| `{entry.act}` | {entry.n} | {entry.precision:.2f} | {entry.recall:.2f} "
        f"| {entry.f1:.2f} |"
    )


def _errors(turns: list[Turn], acts: list[Act]) -> list[str]:
    """Return a line for every missed and every wrongly found act."""
    lines = []
    for act in acts:
        for turn in turns:
            seen, labelled = act in read(turn), act in turn.acts
            if seen != labelled:
                kind = "FALSE" if seen else "MISS "
                lines.append(f"{kind} {act:20} {turn.id} [{turn.customer}] {turn.text}")
    return lines


def _topics(turns: list[Turn]) -> str:
    pairs = [
        (topic, seen[act])
        for turn in turns
        for seen in (read(turn),)
        for act, topic in turn.topics.items()
        if act in seen
    ]
    same = sum(1 for labelled, found in pairs if labelled == found)
    return f"topics: {same} of {len(pairs)} agree, {sum(1 for _, x in pairs if x is None)} unread"


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; 2 when errors of the held-out set are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", dest="name", default="dev", help="train_a+train_b reads both")
    parser.add_argument("--act", type=Act, help="errors of this act only")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--people", action="store_true")
    given = parser.parse_args(argv)
    if given.errors and "held_out" in given.name:
        sys.stderr.write("the errors of a held-out set are never shown\n")
        return 2
    turns = [turn for name in given.name.split("+") for turn in load(name)]
    second = load_second() if given.people else {}
    scores = score(turns, lambda turn: second[turn.id]) if given.people else score(turns)
    form: Callable[[Score], str] = markdown if given.table else _plain
    if given.table:
        _print("| Act | n | Precision | Recall | F1 |\n|---|---:|---:|---:|---:|")
    for entry in sorted(scores, key=lambda entry: entry.act if given.table else entry.f1):
        _print(form(entry))
    enough = ENOUGH.get(given.name, 8)
    mean, acts = macro_f1(scores, enough)
    _print(
        f"\nMacro F1 {mean:.3f} over {acts} acts with at least {enough} examples, {len(turns)} turns."
    )
    _print(_topics(turns))
    if given.errors:
        _print("\n".join(_errors(turns, [given.act] if given.act else list(Act))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

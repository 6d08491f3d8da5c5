"""`python -m infra.fitting.acts`: fits the learned reader of acts to the labeled training turns.

One classifier per act over the sentences of `tests/labels/acts/train_*.yaml`; the bar of an act is
where its F1 over whole turns is best when each fifth of the turns is read by a model that has not
seen it. The held-out labels are never read here.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml

from infra.fitting.linear import fit
from shared.contracts.dialogue import Act
from shared.dialogue.analyzer import rule_sentences
from shared.dialogue.features import features
from shared.dialogue.learned import DATA, SCALE, Model

LABELS = Path(__file__).resolve().parents[2] / "tests" / "labels" / "acts"
FOLDS = 5
COST = 0.05
MISSED = 3.0
"""A missed act counts this many times as much as a false one; the bars set the balance."""
RARE = 2
"""Features seen less often are dropped."""
SMALL = 15
"""Weights below this many points are dropped."""


class Labeled(msgspec.Struct, frozen=True):
    """One labeled turn."""

    id: str
    customer: str
    text: str
    acts: tuple[Act, ...]
    spans: dict[Act, str]
    before: str | None = None


class Example(msgspec.Struct, frozen=True):
    """One sentence of a turn."""

    turn: int
    names: list[str]
    acts: frozenset[Act]


def main() -> int:
    """Fit, report, write."""
    turns = _load()
    examples = [example for number, turn in enumerate(turns) for example in _examples(number, turn)]
    bars, quality = _bars(turns, examples)
    print(f"{len(turns)} turns, {len(examples)} sentences; cross-validated macro F1 {quality:.3f}")
    names = _names(examples)
    weights = _fit_all(examples, names)
    _write(names, weights, bars)
    print(f"{DATA.stat().st_size // 1024} KiB written")
    return 0


def _load() -> list[Labeled]:
    turns: list[Labeled] = []
    for path in sorted(LABELS.glob("train_*.yaml")):
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # noqa: S506 - it is the safe one
        turns += msgspec.convert(raw, list[Labeled])
    return turns


def _examples(number: int, turn: Labeled) -> list[Example]:
    found = []
    places = {act: turn.text.find(span) for act, span in turn.spans.items()}
    for sentence, earlier, best, is_question in rule_sentences(
        turn.text, previous_customer=turn.customer or None, previous_agent=turn.before
    ):
        acts = frozenset(
            act
            for act, span in turn.spans.items()
            if _shows(sentence.start, sentence.end, places[act], places[act] + len(span))
        )
        names = features(sentence, earlier, best, is_question=is_question)
        found.append(Example(number, names, acts))
    return found


def _shows(start: int, end: int, first: int, last: int) -> bool:
    """Say whether a sentence holds half of an act's words, or is half made of them."""
    shared = min(end, last) - max(start, first)
    return shared > 0 and shared * 2 >= min(end - start, last - first)


def _names(examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(name for example in examples for name in example.names)
    kept = sorted(name for name, count in counts.items() if count >= RARE)
    return {name: number for number, name in enumerate(kept)}


def _rows(examples: Sequence[Example], names: dict[str, int]) -> list[list[int]]:
    return [[names[name] for name in example.names if name in names] for example in examples]


def _fit_all(examples: Sequence[Example], names: dict[str, int]) -> list[list[float]]:
    rows = _rows(examples, names)
    return [
        fit(rows, [act in example.acts for example in examples], len(names), COST, MISSED)
        for act in Act
    ]


def _bars(turns: Sequence[Labeled], examples: Sequence[Example]) -> tuple[list[int], float]:
    """Return the bar of each act and the mean of the best F1."""
    best: list[list[int]] = [[-(10**9)] * len(Act) for _ in turns]
    for fold in range(FOLDS):
        seen = [example for example in examples if example.turn % FOLDS != fold]
        unseen = [example for example in examples if example.turn % FOLDS == fold]
        names = _names(seen)
        weights = _fit_all(seen, names)
        for example, row in zip(unseen, _rows(unseen, names), strict=True):
            totals = best[example.turn]
            for number, column in enumerate(weights):
                points = sum(round(column[feature] * SCALE) for feature in row)
                totals[number] = max(totals[number], points)
    chosen = [
        _best_bar([(best[place][number], act in turn.acts) for place, turn in enumerate(turns)])
        for number, act in enumerate(Act)
    ]
    return [bar for bar, _ in chosen], sum(f1 for _, f1 in chosen) / len(chosen)


def _best_bar(points: list[tuple[int, bool]]) -> tuple[int, float]:
    """Return the bar with the best F1, in the middle between two neighbors, and that F1."""
    ordered = sorted(points, reverse=True)
    total = sum(is_one for _, is_one in ordered)
    bar, best, right = ordered[0][0], 0.0, 0
    for place, (value, is_one) in enumerate(ordered[:-1]):
        right += is_one
        f1 = 2 * right / (place + 1 + total)
        if f1 > best:
            bar, best = (value + ordered[place + 1][0]) // 2, f1
    return bar, best


def _write(names: dict[str, int], weights: Sequence[Sequence[float]], bars: list[int]) -> None:
    table: dict[str, tuple[int, ...]] = {}
    for name, feature in names.items():
        pairs: list[int] = []
        for number, column in enumerate(weights):
            points = round(column[feature] * SCALE)
            if abs(points) >= SMALL:
                pairs += (number, points)
        if pairs:
            table[name] = tuple(pairs)
    fitted = Model(acts=tuple(Act), bars=tuple(bars), weights=table)
    DATA.write_bytes(msgspec.json.encode(fitted, order="deterministic") + b"\n")


if __name__ == "__main__":
    sys.exit(main())

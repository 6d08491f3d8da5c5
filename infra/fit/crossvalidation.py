"""Fitting the table of targets: once on everything, and once per fold without the fold."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from infra.fit.conversations import Kind
from infra.fit.examples import Example, Table, Target, examples
from infra.fit.linear import Array, Fitted, defined, fit, fold_of, to_matrix
from shared.contracts.base import Record

FOLDS = 10

Known = dict[str, Fitted]
"""Behaviors by key."""

Asked = tuple[str, str, Kind, int | None]
"""Behavior, set, kind of item, how many turns of each conversation (None: all)."""


_ASIDE: dict[str, frozenset[str]] = {
    "turn": frozenset({"c:", "l:"}),
    "conversation": frozenset({"l:"}),
}
"""Features that nothing is learned from unless a target names them: long words may be names."""


class Family(Record, frozen=True, kw_only=True):
    """Targets that share examples and features, and are learned together."""

    targets: tuple[Target, ...]

    @property
    def lead(self) -> Target:
        """Return the one that speaks for all where they do not differ."""
        return self.targets[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the behaviors."""
        return tuple(target.behavior for target in self.targets)


class Library:
    """The examples of a data directory, each made once."""

    def __init__(self, folder: Path, table: Table) -> None:
        self._folder = folder
        self._table = table
        self._rows: dict[tuple[str, Kind, int | None], tuple[Example, ...]] = {}

    def get(self, name: str, kind: Kind, first: int | None = None) -> tuple[Example, ...]:
        """Return the examples of a set; `first` keeps that many turns of each."""
        key = (name, kind, first)
        if key not in self._rows:
            self._rows[key] = examples(self._folder, self._table, name, kind, first=first)
        return self._rows[key]

    def rows_of(self, target: Target) -> list[Example]:
        """Return the examples of all sets of a target."""
        return [row for name in target.sets for row in self.get(name, target.items)]


def families(table: Table) -> tuple[Family, ...]:
    """Return the targets that can be learned together, in the order of the table."""
    found: dict[tuple[object, ...], list[Target]] = {}
    for target in table.targets:
        shared = (target.sets, target.items, target.unit, target.only, target.more)
        key = (*shared, target.without, target.length_aside, bool(target.definition))
        found.setdefault(key, []).append(target)
    return tuple(Family(targets=tuple(targets)) for targets in found.values())


def learn(family: Family, rows: Iterable[Example], known: Known) -> Known:
    """Fit a family on these examples; those without one of its labels are left out.

    Args:
        family: what to learn.
        rows: the examples, of the family's sets.
        known: behaviors fitted before, for `Target.more`.
    """
    rows = tuple(rows)
    labels = [[target.value(row.item.labels) for target in family.targets] for row in rows]
    kept = [n for n, values in enumerate(labels) if None not in values]
    given = [rows[n] for n in kept]
    matrix = to_matrix([inputs(family.lead, row.values, known) for row in given])
    if family.lead.definition:
        return {target.behavior: defined(target.definition, matrix) for target in family.targets}
    aside = np.log1p([row.words for row in given]) if family.lead.length_aside else None
    fitted = fit(
        matrix,
        _one_scale(np.array([labels[n] for n in kept], dtype=np.float64), given),
        [row.group for row in given],
        [target.prior for target in family.targets],
        aside,
        family.lead.length_aside if aside is not None else 1.0,
    )
    return dict(zip(family.keys, fitted, strict=True))


def _one_scale(labels: Array, rows: Sequence[Example]) -> Array:
    """Bring the labels of every set to mean 0 and standard deviation 1."""
    sets = np.array([row.group.partition("/")[0] for row in rows])
    found = labels.copy()
    for name in sorted(set(sets)):
        part = labels[sets == name]
        found[sets == name] = (part - part.mean(axis=0)) / np.maximum(part.std(axis=0), 1e-9)
    return found


def inputs(target: Target, values: dict[str, float], known: Known) -> dict[str, float]:
    """Return what the target may look at: its choice of features, and strengths known before."""
    found = {name: value for name, value in values.items() if _wanted(target, name)}
    for behavior in target.more:
        found[f"m:{behavior}"] = known[behavior].strength(values)
    return found


def _wanted(target: Target, name: str) -> bool:
    if name in target.without or name[:2] in target.without:
        return False
    if target.only:
        return name in target.only or name[:2] in target.only
    return name in target.definition or name[:2] not in _ASIDE[target.unit]


def fit_all(library: Library, table: Table) -> Known:
    """Fit every target on everything, in the order of the table; absent sets are left out."""
    known: Known = {}
    for family in families(table):
        if rows := library.rows_of(family.lead):
            known |= learn(family, rows, known)
    return known


def held_out(
    family: Family, table: Table, library: Library, asked: Sequence[Asked], known: Known
) -> dict[Asked, dict[str, float]]:
    """Return the strength of every item asked for, from models that did not see its group.

    Everything is learned inside the fold: which features, their scales, penalty and weights; so
    are the behaviors that the family builds on where they look at the same sets.

    Args:
        family: what to learn.
        table: all targets.
        library: the examples.
        asked: what is wanted of the family's behaviors, on its sets.
        known: all behaviors, fitted on everything.
    """
    rows = library.rows_of(family.lead)
    fold = _folds(rows)
    found: dict[Asked, dict[str, float]] = {wanted: {} for wanted in asked}
    for number in sorted(set(fold.values())):
        seen = {group for group, own in fold.items() if own != number}
        below = known | _below(family, table, library, seen)
        fitted = learn(family, (row for row in rows if row.group in seen), below)
        for wanted in asked:
            behavior, name, kind, first = wanted
            for row in library.get(name, kind, first):
                if fold.get(row.group) == number:
                    values = inputs(family.lead, row.values, below)
                    found[wanted][row.item.id] = round(fitted[behavior].strength(values), 6)
    return found


def _folds(rows: Sequence[Example]) -> dict[str, int]:
    groups = sorted({row.group for row in rows})
    fold = fold_of(groups, min(FOLDS, len(groups)))
    return {group: int(own) for group, own in zip(groups, fold, strict=True)}


def _below(family: Family, table: Table, library: Library, seen: set[str]) -> Known:
    """Fit again, without the fold, what the family builds on and what saw its sets."""
    found: Known = {}
    for other in families(table):
        needed = set(other.keys) & set(family.lead.more)
        if needed and set(other.lead.sets) & set(family.lead.sets):
            rows = library.rows_of(other.lead)
            found |= learn(other, (row for row in rows if row.group in seen), found)
    return found

"""Ridge regression over named features: how one behavior is learned from its examples.

Two kinds of features weigh in with one balance: words and pairs of words (unit vectors), and
everything else (standardized). The kernel of the examples is k(x, y) = words(x).words(y) +
balance * dense(x).dense(y); a = (K + penalty * I)^-1 y for centered K and y; weights = X'a. The
penalty and the balance are chosen by cross-validation among the very examples that are given, so
whoever holds examples out holds them out of this choice as well.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats

Array = npt.NDArray[np.float64]

PENALTIES = (30.0, 12.0, 5.0, 2.0)
BALANCES = (0.1, 0.3, 1.0)
"""Weight of the dense features against the words; both parts have a mean square length of one."""
INNER_FOLDS = 5
PAIR_SHARE = 0.7
"""Length of the pairs of words, where that of the words is 1."""
MIN_GROUPS = 3
"""A word or pair that fewer conversations hold is left out: it says more about them than about
the behavior."""
MIN_SPREAD = 0.02
"""A dense feature is never blown up by more than one over this."""
TOLERANCE, MAX_STEPS, TINY = 1e-6, 500, 1e-300
"""Of conjugate gradients: the part of the labels that may be left over, and a hard stop."""
DIGITS = 4
"""After the point of a shipped weight."""
MAX_WORDS = 3000
"""Words and pairs kept per behavior, those that move the strengths most."""


class Choice(NamedTuple):
    """What cross-validation chose for one behavior."""

    penalty: float
    balance: float
    agreement: float
    """Spearman correlation of held-out strengths and labels, within the given examples."""


class Fitted(NamedTuple):
    """One behavior: strength = bias + sum(weight * feature)."""

    names: tuple[str, ...]
    weights: Array
    bias: float
    choice: Choice

    def strength(self, values: Mapping[str, float]) -> float:
        """Return the strength of one example."""
        pairs = zip(self.names, self.weights.tolist(), strict=True)
        return self.bias + float(sum(weight * values.get(name, 0.0) for name, weight in pairs))


class Matrix(NamedTuple):
    """Examples by features."""

    names: tuple[str, ...]
    cells: sparse.csr_array


class _Basis(NamedTuple):
    """The columns in use, and what each is divided by."""

    names: tuple[str, ...]
    cells: sparse.csr_array
    words: npt.NDArray[np.bool_]
    length: Array
    """What a column is multiplied by so that its part of the kernel has a mean diagonal of one."""

    def factors(self, balance: float) -> Array:
        return self.length * np.where(self.words, 1.0, np.sqrt(balance))

    def scaled(self, balance: float) -> sparse.csr_array:
        return sparse.csr_array(self.cells @ sparse.diags_array(self.factors(balance)))

    def start(self, priors: Sequence[dict[str, float]]) -> Array:
        """Return the weights to shrink towards, (columns, behaviors)."""
        spread = _spread(self.cells)
        return np.array(
            [[p.get(name, 0.0) / spread[n] for p in priors] for n, name in enumerate(self.names)]
        )


def to_matrix(rows: Sequence[dict[str, float]]) -> Matrix:
    """Return the rows as a matrix; columns in the order of their names."""
    names = tuple(sorted({name for row in rows for name in row}))
    place = {name: n for n, name in enumerate(names)}
    pointers = [0]
    columns: list[int] = []
    cells: list[float] = []
    for row in rows:
        columns.extend(place[name] for name in row)
        cells.extend(row.values())
        pointers.append(len(columns))
    shape = (len(rows), len(names))
    return Matrix(names, sparse.csr_array((np.array(cells), columns, pointers), shape=shape))


def fold_of(groups: Sequence[str], folds: int) -> npt.NDArray[np.int64]:
    """Return the fold of every example; a group stays together, and names decide, not order."""
    order = sorted(set(groups), key=lambda group: hashlib.sha256(group.encode()).hexdigest())
    fold = {group: n % folds for n, group in enumerate(order)}
    return np.array([fold[group] for group in groups], dtype=np.int64)


def fit(
    matrix: Matrix,
    labels: Array,
    groups: Sequence[str],
    priors: Sequence[dict[str, float]] = (),
    aside: Array | None = None,
    share: float = 1.0,
) -> tuple[Fitted, ...]:
    """Learn behaviors that share their examples and features.

    Args:
        matrix: the examples.
        labels: (examples, behaviors), what people said.
        groups: the conversation, or more, that each example belongs to.
        priors: by behavior, weights of standardized features to shrink towards instead of zero.
        aside: (examples,), a number that explains first and is left out of the strengths.
        share: 0..1, how much of what it explains is left out.
    """
    mean = _frame(len(labels), None)
    frame = mean if aside is None else _frame(len(labels), aside)
    frames = ((mean, 1 - share), (frame, share)) if share < 1 else ((frame, 1.0),)
    basis = _basis(matrix, groups)
    start = basis.start(priors or [{}] * labels.shape[1]) * labels.std(axis=0)
    rest = labels - basis.cells @ start
    choices = _choose(basis, rest, labels, groups, frame)
    return tuple(
        _fitted(basis, rest[:, n], start[:, n], choice, frames) for n, choice in enumerate(choices)
    )


def _fitted(
    basis: _Basis,
    rest: Array,
    start: Array,
    choice: Choice,
    frames: Sequence[tuple[Array, float]],
) -> Fitted:
    root = basis.scaled(choice.balance)
    dual = np.zeros(len(rest))
    for frame, share in frames:
        dual += share * solve(root, rest[:, None], choice.penalty, frame)[:, 0]
    weights = _pruned(basis, basis.factors(choice.balance) * (root.T @ dual) + start)
    strengths = basis.cells @ weights
    spread = float(strengths.std()) or 1.0
    kept = np.flatnonzero(np.round(weights / spread, DIGITS))
    return Fitted(
        tuple(basis.names[n] for n in kept),
        np.round(weights[kept] / spread, DIGITS),
        round(float(-strengths.mean() / spread), DIGITS),
        choice,
    )


def defined(weights: Mapping[str, float], matrix: Matrix) -> Fitted:
    """Return a behavior whose weights are given; the examples only set its zero and its unit."""
    place = {name: n for n, name in enumerate(matrix.names)}
    column = np.zeros(len(matrix.names))
    for name, weight in weights.items():
        if name in place:
            column[place[name]] = weight
    strengths = matrix.cells @ column
    spread = float(strengths.std()) or 1.0
    return Fitted(
        tuple(weights),
        np.round(np.array(list(weights.values())) / spread, DIGITS),
        round(float(-strengths.mean() / spread), DIGITS),
        Choice(0.0, 0.0, 0.0),
    )


def _basis(matrix: Matrix, groups: Sequence[str]) -> _Basis:
    """Drop rare columns and find the scale of the others."""
    cells = matrix.cells
    kept = np.flatnonzero(_support(cells, groups) >= min(MIN_GROUPS, len(set(groups))))
    names = tuple(matrix.names[n] for n in kept)
    cells = sparse.csr_array(cells[:, kept])
    words = np.array([name[:2] in {"w:", "b:"} for name in names], dtype=bool)
    pairs = np.array([name[:2] == "b:" for name in names], dtype=bool)
    length = np.where(pairs, PAIR_SHARE, 1.0)
    length = np.where(words, length, 1 / _spread(cells))
    for part in (words, ~words):
        square = (cells**2) @ np.where(part, length**2, 0.0)
        length = np.where(part, length / np.sqrt(float(square.mean()) or 1.0), length)
    return _Basis(names, cells, words, length)


def _support(cells: sparse.csr_array, groups: Sequence[str]) -> npt.NDArray[np.int64]:
    """Count for every column the groups that hold it."""
    order = {group: n for n, group in enumerate(sorted(set(groups)))}
    rows = np.array([order[group] for group in groups])
    member = sparse.csr_array(
        (np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(len(order), len(rows))
    )
    held = cells.copy()
    held.data = (held.data != 0).astype(np.float64)
    return np.asarray(((member @ held).toarray() > 0).sum(axis=0))


def _spread(cells: sparse.csr_array) -> Array:
    mean = np.asarray(cells.mean(axis=0)).ravel()
    square = np.asarray((cells**2).mean(axis=0)).ravel()
    return np.asarray(np.maximum(np.sqrt(np.maximum(square - mean**2, 0.0)), MIN_SPREAD))


def _choose(
    basis: _Basis, rest: Array, labels: Array, groups: Sequence[str], frame: Array
) -> tuple[Choice, ...]:
    """Return, by behavior, the penalty and balance whose held-out strengths agree best."""
    inner = fold_of(groups, min(INNER_FOLDS, len(set(groups))))
    known = labels - rest
    tried: list[list[Choice]] = [[] for _ in range(labels.shape[1])]
    for balance in BALANCES:
        held = _held_out(basis.scaled(balance), rest, inner, frame)
        for penalty, strengths in zip(PENALTIES, held, strict=True):
            for n, found in enumerate(tried):
                agreement = _agreement(labels[:, n], strengths[:, n] + known[:, n])
                found.append(Choice(penalty, balance, agreement))
    return tuple(max(found, key=lambda choice: choice.agreement) for found in tried)


def _held_out(
    root: sparse.csr_array, labels: Array, fold: npt.NDArray[np.int64], frame: Array
) -> Array:
    """Return (penalties, examples, behaviors): strengths by models that did not see the example."""
    found = np.zeros((len(PENALTIES), *labels.shape))
    for number in range(int(fold.max()) + 1):
        seen, new = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        own, inside, outside = np.linalg.qr(frame[seen])[0], root[seen], root[new]
        dual = None
        for n, penalty in enumerate(PENALTIES):
            dual = solve(inside, labels[seen], penalty, own, dual)
            weights = inside.T @ dual
            found[n, new] = outside @ weights - (inside @ weights).mean(axis=0)
    return found


def _frame(size: int, aside: Array | None) -> Array:
    """Return an orthonormal basis of what is taken out first: the mean, and the number aside."""
    columns = [np.ones(size)] if aside is None else [np.ones(size), aside - aside.mean()]
    return np.asarray(np.linalg.qr(np.stack(columns, axis=1))[0])


def solve(
    root: sparse.csr_array, labels: Array, penalty: float, frame: Array, start: Array | None = None
) -> Array:
    """Return (P root root' P + penalty * I)^-1 P labels by conjugate gradients, P taking out the
    frame.

    Args:
        root: (examples, features), scaled.
        labels: (examples, behaviors).
        penalty: above 0.
        frame: (examples, few), orthonormal.
        start: a solution of a similar penalty, to begin from.
    """
    target = labels - frame @ (frame.T @ labels)
    goal = TOLERANCE * np.sqrt((target**2).sum(axis=0))
    found = np.zeros_like(target) if start is None else start.copy()

    def times(x: Array) -> Array:
        y = root @ (root.T @ x)
        return np.asarray(y - frame @ (frame.T @ y) + penalty * x)

    left = target - times(found)
    way, square = left.copy(), (left**2).sum(axis=0)
    for _ in range(MAX_STEPS):
        if (np.sqrt(square) <= goal).all():
            break
        image = times(way)
        step = square / np.maximum((way * image).sum(axis=0), TINY)
        found += step * way
        left -= step * image
        now = (left**2).sum(axis=0)
        way = left + now / np.maximum(square, TINY) * way
        square = now
    return found


def _agreement(labels: Array, strengths: Array) -> float:
    if not labels.std() or not strengths.std():
        return 0.0
    return float(stats.spearmanr(labels, strengths).statistic)


def _pruned(basis: _Basis, weights: Array) -> Array:
    """Drop the words that move the strengths least."""
    square = np.asarray((basis.cells**2).sum(axis=0)).ravel()
    effect = np.where(basis.words, np.abs(weights) * np.sqrt(square), np.inf)
    if basis.words.sum() <= MAX_WORDS:
        return weights
    limit = np.sort(effect[basis.words])[-MAX_WORDS]
    return np.where(effect >= limit, weights, 0.0)

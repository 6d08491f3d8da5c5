"""A linear classifier for binary features: L2-regularized squared hinge loss, by dual coordinate descent.

Hsieh, Chang, Lin, Keerthi, Sundararajan: A dual coordinate descent method for large-scale linear
SVM, ICML 2008, algorithm 1 without shrinking.
"""

from collections.abc import Sequence

PASSES = 25
_MULTIPLIER, _INCREMENT, _MODULUS = 1_103_515_245, 12_345, 2**31
"""A linear congruential generator: the order of a pass must be the same on every machine."""


def fit(
    rows: Sequence[Sequence[int]], labels: Sequence[bool], width: int, cost: float, weight: float
) -> list[float]:
    """Return one weight per feature.

    Args:
        rows: Numbers of the features that are true of each example.
        labels: Whether it is an example of the class.
        width: How many features there are.
        cost: Price of a mistake; the larger, the closer the fit.
        weight: How much dearer a missed positive is than a false one.
    """
    weights = [0.0] * width
    read = weights.__getitem__
    alphas = [0.0] * len(rows)
    signs = [1.0 if label else -1.0 for label in labels]
    ridges = [1 / (2 * cost * (weight if label else 1.0)) for label in labels]
    squares = [len(row) + ridge for row, ridge in zip(rows, ridges, strict=True)]
    for turn in range(PASSES):
        for number in _order(len(rows), turn):
            row, sign, alpha = rows[number], signs[number], alphas[number]
            gradient = sign * sum(map(read, row)) - 1 + ridges[number] * alpha
            if alpha == 0 and gradient >= 0:
                continue
            alphas[number] = max(alpha - gradient / squares[number], 0.0)
            step = (alphas[number] - alpha) * sign
            if step:
                for feature in row:
                    weights[feature] += step
    return weights


def _order(size: int, seed: int) -> list[int]:
    order = list(range(size))
    state = seed + 1
    for place in range(size - 1, 0, -1):
        state = (state * _MULTIPLIER + _INCREMENT) % _MODULUS
        other = state % (place + 1)
        order[place], order[other] = order[other], order[place]
    return order

"""The team's line with people's own levels taken out, so that it does not matter who practiced."""

from typing import Final, NamedTuple

import numpy as np

from services.reporting.trends.stats.panel import Booleans, Cells, Floats

_RIDGE: Final = 1e-7
"""Relative weight that picks the smallest line where nobody links two stretches of weeks."""
_DECIMALS: Final = 9
"""Equal values stay equal after the arithmetic; a score's own steps are far coarser."""


class CenteredLine(NamedTuple):
    """[S, W] each."""

    values: Floats
    """Points above or below the people's own levels; the mean of each segment is about 0."""
    present: Booleans
    """Whether anybody says something about that week: scored then and in another week of the
    segment.
    """


def centered_line(cells: Cells) -> CenteredLine:
    """Fit a level per person (and segment) and a value per week by least squares.

    With everybody active in every week this is the mean of what each scored above their own
    mean. Where people come and go, levels and weeks are fitted together: somebody who was there
    only in the better half is not taken for average.
    """
    n = cells.n.astype(np.float64)
    segments = cells.segments
    matrix = np.zeros((len(cells.names), len(cells.weeks), len(cells.weeks)))
    right = np.zeros(cells.n.shape[:2])
    for number in range(int(segments.max(initial=0)) + 1):
        weights = n * (segments == number)[:, :, None]
        sums = cells.totals * (segments == number)[:, :, None]
        count = np.maximum(weights.sum(axis=1, keepdims=True), 1)
        right += (sums - weights * sums.sum(axis=1, keepdims=True) / count).sum(axis=2)
        matrix -= (weights / count) @ weights.transpose(0, 2, 1)
    diagonal = np.arange(len(cells.weeks))
    matrix[:, diagonal, diagonal] += n.sum(axis=2)
    own = matrix[:, diagonal, diagonal]
    present = own > _RIDGE
    scale = np.maximum(own.max(axis=1, initial=0), 1)
    matrix[:, diagonal, diagonal] += np.where(present, _RIDGE * scale[:, None], scale[:, None])
    values = np.linalg.solve(matrix, np.where(present, right, 0)[:, :, None])[:, :, 0]
    return CenteredLine(values=np.round(values, _DECIMALS), present=present)

"""Each person's own slope, and what all people's slopes say together: people are the units."""

from typing import Final, NamedTuple

import numpy as np

from services.reporting.trends.stats.distributions import t_two_sided
from services.reporting.trends.stats.panel import Booleans, Cells, Floats

MIN_ACTIVE_WEEKS: Final = 3
"""Of a person whose slope counts; two weeks always make a perfect line."""

_NEGLIGIBLE: Final = 1e-9


class OwnSlopes(NamedTuple):
    """The slope of every person in every cell, in points per unit of time; [S, P] each."""

    slopes: Floats
    spreads: Floats
    """How much a slope rests on: the sum of squared distances in time, per score."""
    residuals: Floats
    """Sum of squares around the own lines, per score."""
    freedom: Floats
    """Degrees of freedom of the residuals."""
    counts: Booleans
    """Whether the person was active long enough to count."""


class PeopleSlope(NamedTuple):
    """What the people's slopes say together; [S] each, NaN where fewer than two people count."""

    mean: Floats
    error: Floats
    """Standard error of the mean, between people."""
    people: Floats
    """How many count."""
    p: Floats
    """Two-sided, of a mean slope of zero."""


def own_slopes(cells: Cells) -> OwnSlopes:
    """Fit one line per person and cell by least squares; a level of its own in every segment."""
    size = (len(cells.names), cells.n.shape[2])
    spread, cross, square, active, lines = (np.zeros(size) for _ in range(5))
    n, totals = cells.n.astype(np.float64), cells.totals.astype(np.float64)
    squares = totals * totals / np.maximum(n, 1)
    times, segments = cells.times[None, :, None], cells.segments
    for number in range(int(segments.max(initial=0)) + 1):
        inside = (segments == number)[:, :, None]
        weights, sums = n * inside, totals * inside
        weeks = (weights > 0).sum(axis=1)
        # One week in a segment says where a person stands, not where they go.
        usable = weeks >= 2
        count = np.maximum(weights.sum(axis=1), 1)
        time, total = (weights * times).sum(axis=1), sums.sum(axis=1)
        spread += usable * ((weights * times**2).sum(axis=1) - time**2 / count)
        cross += usable * ((sums * times).sum(axis=1) - time * total / count)
        square += usable * ((squares * inside).sum(axis=1) - total**2 / count)
        active += usable * weeks
        lines += usable
    counts = (active >= MIN_ACTIVE_WEEKS) & (spread > _NEGLIGIBLE)
    slopes = np.where(counts, cross / np.where(counts, spread, 1), 0)
    return OwnSlopes(
        slopes=slopes,
        spreads=spread,
        residuals=np.where(counts, np.maximum(square - slopes * cross, 0), 0),
        freedom=np.where(counts, active - lines - 1, 0),
        counts=counts,
    )


def people_slope(own: OwnSlopes) -> PeopleSlope:
    """Return the mean of the people's slopes, each weighted by how well it is known.

    A random-effects mean: the variance between people by DerSimonian and Laird's moments, the
    standard error by Hartung and Knapp, against Student's t with people - 1 degrees of freedom.
    The spread between people holds whatever makes one person's scores drift, so a slow personal
    drift is not taken for the team's trend.
    """
    people = own.counts.sum(axis=1).astype(np.float64)
    noise = own.residuals.sum(axis=1) / np.maximum(own.freedom.sum(axis=1), 1)
    known = np.where(own.counts, own.spreads, 0)
    weights = known / np.maximum(noise, _NEGLIGIBLE)[:, None]
    variance = _between(own, weights, people)
    weights = np.where(
        own.counts, 1 / (1 / np.where(own.counts, weights, 1) + variance[:, None]), 0
    )
    total = np.maximum(weights.sum(axis=1), _NEGLIGIBLE)
    mean = (weights * own.slopes).sum(axis=1) / total
    scatter = (weights * (own.slopes - mean[:, None]) ** 2).sum(axis=1)
    enough = people >= 2
    error = np.sqrt(scatter / np.maximum(people - 1, 1) / total)
    return PeopleSlope(
        mean=np.where(enough, mean, np.nan),
        error=np.where(enough, error, np.nan),
        people=people,
        p=_p_values(mean, error, people),
    )


def _between(own: OwnSlopes, weights: Floats, people: Floats) -> Floats:
    """Return the variance of slopes between people, by the method of moments; at least 0."""
    total = np.maximum(weights.sum(axis=1), _NEGLIGIBLE)
    mean = (weights * own.slopes).sum(axis=1) / total
    scatter = (weights * (own.slopes - mean[:, None]) ** 2).sum(axis=1)
    scale = total - (weights**2).sum(axis=1) / total
    found: Floats = np.maximum(
        np.where(scale > _NEGLIGIBLE, (scatter - people + 1) / np.maximum(scale, _NEGLIGIBLE), 0),
        0,
    )
    return found


def _p_values(mean: Floats, error: Floats, people: Floats) -> Floats:
    found = np.full(len(mean), np.nan)
    for index, count in enumerate(people):
        if count < 2:
            continue
        if error[index] <= _NEGLIGIBLE:
            found[index] = float(abs(mean[index]) <= _NEGLIGIBLE)
        else:
            found[index] = t_two_sided(float(mean[index] / error[index]), float(count - 1))
    return found

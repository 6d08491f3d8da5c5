"""How the scores of each skill spread, over exactly what the points of the trend count."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import numpy as np

from services.reporting.freshness import State
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.distributions import CELLS
from services.reporting.trends.sheet import Sheet, countable, histograms_of
from services.reporting.trends.shelf import KINDS
from services.reporting.trends.tables import names_of
from services.reporting.trends.weekly import Asked, lines_of
from shared.contracts.reports.documents import Source, Spread

CUTS: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Of `Spread`, in the order of its fields."""


def spreads(
    sheet: Sheet, current: State, team_id: UUID, days: tuple[date, date], source: Source
) -> dict[str, Spread]:
    """Return the percentiles by skill; a skill without a published point has none.

    A skill's points hold at least the smallest number of people each, so all of them together do.
    """
    if not sheet.groups:
        return {}
    least = current.settings.min_people
    blocks = countable(sheet, "skill", min_people=least, open_from=bucket_of(current.today))
    names = tuple(names_of(sheet, "skill", current.skills.hidden, *days))
    asked = Asked(
        team_id=team_id,
        names=names,
        level="skill",
        kind=KINDS[source],
        start=days[0],
        end=days[1],
        unit="week",
    )
    lines = lines_of(sheet, blocks, asked)
    line_of_point = np.array([*(span.line for span in lines.spans), -1], dtype=np.int64)
    histograms = histograms_of(sheet, line_of_point[lines.place], len(names))
    return {
        name: spread_of([int(each) for each in histogram])
        for name, histogram in zip(names, histograms, strict=True)
        if histogram.any()
    }


def spread_of(histogram: Sequence[int]) -> Spread:
    """Return the percentiles (Hyndman & Fan 7) of scores of which 101 counts are given, not all 0.

    Multiples of a tenth at most: rounded to one decimal.
    """
    scores = np.repeat(np.arange(CELLS), histogram)
    p10, q1, median, q3, p90 = (round(float(each), 1) for each in np.quantile(scores, CUTS))
    return Spread(p10=p10, q1=q1, median=median, q3=q3, p90=p90)

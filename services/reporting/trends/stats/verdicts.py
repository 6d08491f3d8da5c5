"""What the numbers of a trend say in words; every number in the words is in the same record."""

from typing import Final, Literal

from services.reporting.trends.stats.estimate import CONFIDENCE
from shared.contracts.base import Record

Verdict = Literal["improving", "declining", "steady", "too_little_data"]
Reason = Literal["too_few_people", "too_few_weeks"]

SIGNIFICANCE: Final = 0.05
"""A trend is one when the corrected p of both tests is at most this."""
MIN_WEEKS: Final = 6
"""Of a line that can be tested: with five points, hardly any order is rare enough."""


class CellStatistics(Record, frozen=True, kw_only=True):
    """The trend of one cell; nothing is rounded."""

    skill: str
    learners: int
    """Distinct people with a score."""
    assessments: int
    """Scores."""
    weeks: int
    """Weeks with a score."""
    mean: float | None
    """Of all scores, 0..100; None without any."""
    mean_low: float | None
    mean_high: float | None
    slope: float | None
    """Points a week, with people's own levels taken out; None when there is too little data."""
    slope_low: float | None
    slope_high: float | None
    p: float | None
    """Two-sided, of no trend: Mann and Kendall's test over the weeks."""
    p_adjusted: float | None
    """Corrected over the cells of the answer."""
    p_people: float | None
    """Two-sided, of people who do not rise or fall on average: a t test over their own slopes."""
    p_people_adjusted: float | None
    """Corrected over the cells of the answer."""
    verdict: Verdict
    reason: Reason | None
    """Why there is too little data."""
    segments: int
    """Versions of rubric and judge in these weeks; over 1, only weeks of one version were compared
    with each other.
    """
    sentence: str


def verdict_of(p_adjusted: float, p_people_adjusted: float, low: float, high: float) -> Verdict:
    """Return what a tested trend is; steady covers every change that may be chance."""
    if max(p_adjusted, p_people_adjusted) > SIGNIFICANCE:
        return "steady"
    if low > 0:
        return "improving"
    return "declining" if high < 0 else "steady"


def trend_sentence(
    verdict: Verdict,
    *,
    reason: Reason | None,
    slope: float | None,
    low: float | None,
    high: float | None,
    learners: int,
    assessments: int,
    weeks: int,
    segments: int,
) -> str:
    """Return one plain sentence, or two when versions changed; slopes with one decimal."""
    basis = (
        f"{_counted(learners, 'person', 'people')}, {_counted(assessments, 'score', 'scores')}"
        f" in {_counted(weeks, 'week', 'weeks')}"
    )
    if slope is None or low is None or high is None:
        wanting = "people active in three weeks" if reason == "too_few_people" else "weeks"
        return f"Too little data to tell a trend ({basis}): too few {wanting}."
    interval = f"{CONFIDENCE:.0%} interval {_points(low)} to {_points(high)}"
    lead = {
        "improving": f"Improving by {_points(abs(slope))} points a week",
        "declining": f"Declining by {_points(abs(slope))} points a week",
    }.get(verdict, f"No clear change: {_points(slope)} points a week")
    said = f"{lead} ({interval}; {basis})."
    if segments > 1:
        said += f" The scoring changed {_counted(segments - 1, 'time', 'times')}; "
        said += "only weeks under the same version were compared."
    return said


def _points(value: float) -> str:
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

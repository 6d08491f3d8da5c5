"""Charts as Vega-Lite specifications: the one source of their SVG, PNG and JSON.

Every specification carries its data, so it draws the same offline and years later. Days are UTC
throughout: a date never slides by a time zone of the machine.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

from services.reporting.documents import palette
from shared.contracts.reports.documents import SkillLine, VersionBreak, WeekPoint

Spec = dict[str, Any]
"""A Vega-Lite specification."""

SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"

PANELS: Final = 4
"""Skills in a trend chart: two rows of two still read from arm's length."""

NOTHING: Final = "–"  # noqa: RUF001  (a dash, as tables have it)
"""In place of a number that is not told."""

MAX_TICKS: Final = 6
"""Labels on a time axis of 300 pixels."""

MAX_LABEL: Final = 30
"""Characters of a skill's name on an axis."""

_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)

CONFIG: Final[Spec] = {
    "font": palette.FONT_STACK,
    "background": "#ffffff",
    "view": {"stroke": None},
    "axis": {
        "labelColor": palette.MUTED,
        "titleColor": palette.MUTED,
        "labelFontSize": 10,
        "titleFontSize": 10,
        "titleFontWeight": "normal",
        "gridColor": palette.FAINT,
        "domain": False,
        "ticks": False,
        "labelPadding": 5,
        "labelFlush": False,
    },
    "title": {"color": palette.INK, "fontSize": 11, "anchor": "start", "fontWeight": "bold"},
}
"""Type, axes and colors that all charts have in common."""


def shorten(text: str, limit: int = MAX_LABEL) -> str:
    """Return the text, cut with an ellipsis where it is longer than `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def signed(value: float) -> str:
    """Return the number with one decimal and its sign, a real minus."""
    return f"{value:+.1f}".replace("-", "−")  # noqa: RUF001  (the minus of print)


def titled(spec: Spec, title: str, subtitle: str) -> Spec:
    """Return a chart that stands alone, away from the words of a page."""
    said = {"text": title, "subtitle": subtitle, **_SUBTITLE, "fontSize": 14, "offset": 14}
    return {**spec, "title": said, "padding": 16}


def score_range(values: Sequence[float]) -> tuple[int, int]:
    """Return a stretch of 0..100 in tens that holds all values and is at least 40 wide.

    Narrower axes make noise look like news; the whole scale hides five points.
    """
    if not values:
        return 0, 100
    low, high = int(min(values) // 10) * 10, -int(-max(values) // 10) * 10
    while high - low < 40:
        low, high = max(0, low - 10), min(100, high + 10)
    return low, high


def trend_chart(
    lines: Sequence[SkillLine],
    breaks: Sequence[VersionBreak],
    *,
    columns: int = 2,
    width: int = 300,
    height: int = 105,
) -> Spec:
    """Return the weekly means of up to four skills side by side, with intervals and breaks.

    A week without a number interrupts the line. All panels share both axes.
    """
    shown = lines[:PANELS]
    values = [
        each
        for line in shown
        for point in line.points
        for each in (point.mean, point.low, point.high)
        if each is not None
    ]
    low, high = score_range(values)
    days = [point.week for line in shown for point in line.points]
    panels = [
        _panel(line, breaks, days, (low, high), (width, height), is_first=number == 0)
        for number, line in enumerate(shown)
    ]
    return {
        "$schema": SCHEMA,
        "description": _trend_words(shown),
        "config": CONFIG,
        "spacing": {"row": 22, "column": 34},
        "columns": columns,
        "concat": panels,
    }


def _panel(
    line: SkillLine,
    breaks: Sequence[VersionBreak],
    days: Sequence[date],
    values: tuple[int, int],
    size: tuple[int, int],
    *,
    is_first: bool,
) -> Spec:
    first, last = min(days, default=None), max(days, default=None)
    time: Spec = {
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc", **({} if first is None else {"domain": _whole(first, last)})},
        "axis": {
            "format": "%-d %b",
            "grid": False,
            "values": _ticks(first, last),
            "labelPadding": 8,
            "labelOverlap": True,
        },
    }
    score: Spec = {
        "type": "quantitative",
        "title": None,
        "scale": {"domain": list(values), "nice": False, "zero": False},
        "axis": {"tickCount": 4},
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "area", "color": palette.BAND, "opacity": 0.6},
            "encoding": {
                "x": {"field": "week", **time},
                "y": {"field": "low", **score},
                "y2": {"field": "high"},
            },
        },
        {
            "mark": {
                "type": "line",
                "color": palette.BLUE,
                "strokeWidth": 2,
                "point": {"color": palette.BLUE, "size": 22},
            },
            "encoding": {"x": {"field": "week", **time}, "y": {"field": "mean", **score}},
        },
    ]
    inside = [each for each in breaks if first and last and first <= each.day <= last + _WEEK]
    if inside:
        layers += _rules(inside, time, values[1], is_named=is_first)
    return {
        "title": {"text": shorten(line.name, 40), "subtitle": _subtitle(line), **_SUBTITLE},
        "width": size[0],
        "height": size[1],
        "data": {"values": _filled(line.points)},
        "layer": layers,
    }


_SUBTITLE: Final[Spec] = {
    "subtitleColor": palette.MUTED,
    "subtitleFontSize": 10,
    "subtitlePadding": 2,
    "offset": 6,
}


def _rules(breaks: Sequence[VersionBreak], time: Spec, top: int, *, is_named: bool) -> list[Spec]:
    """Return the dashed lines of the breaks; the first panel says what they are."""
    rows = [
        {"day": each.day.isoformat(), "text": shorten(each.text, 40), "top": top} for each in breaks
    ]
    when = {"field": "day", **time}
    rule = {
        "data": {"values": rows},
        "mark": {
            "type": "rule",
            "color": palette.VERMILION,
            "strokeDash": [4, 3],
            "strokeWidth": 1.5,
        },
        "encoding": {"x": when},
    }
    if not is_named:
        return [rule]
    words = {
        "data": {"values": rows},
        "mark": {
            "type": "text",
            "color": palette.VERMILION,
            "fontSize": 9,
            "align": "left",
            "baseline": "top",
            "dx": 4,
            "dy": 2,
        },
        "encoding": {
            "x": when,
            "y": {"field": "top", "type": "quantitative"},
            "text": {"field": "text"},
        },
    }
    return [rule, words]


def _ticks(first: date | None, last: date | None) -> list[str]:
    """Return Mondays, at most six: the days that the points stand for."""
    if first is None or last is None:
        return []
    weeks = (last - first) // _WEEK + 1
    every = -(-weeks // MAX_TICKS)
    return [(first + _WEEK * number).isoformat() for number in range(0, weeks, every)]


def _filled(points: Sequence[WeekPoint]) -> list[Spec]:
    """Return the points as rows, with an empty one where no point counts a week: a gap."""
    rows: list[Spec] = []
    expected: date | None = None
    for point in sorted(points, key=lambda each: each.week):
        if expected is not None and point.week > expected:
            rows.append({"week": expected.isoformat(), "mean": None, "low": None, "high": None})
        rows.append(
            {
                "week": point.week.isoformat(),
                "mean": point.mean,
                "low": point.low,
                "high": point.high,
            }
        )
        expected = point.through + _DAY
    return rows


def _whole(first: date, last: date | None) -> list[str]:
    end = last if last is not None and last > first else first + _WEEK
    return [first.isoformat(), end.isoformat()]


_ARROW: Final = {
    "improving": "improving",
    "declining": "declining",
    "steady": "steady",
    "too_little_data": "too little data for a direction",
}


def _subtitle(line: SkillLine) -> str:
    said = _ARROW[line.verdict]
    if line.verdict in {"improving", "declining"} and line.slope_per_week is not None:
        said += f" ({signed(line.slope_per_week)} points a week)"
    return f"mean {line.mean:.0f} · {said}"


def _trend_words(lines: Sequence[SkillLine]) -> str:
    said = " ".join(f"{line.name}: {line.sentence}" for line in lines)
    return f"Weekly mean scores with 90 % intervals. {said}".strip()

"""Charts with a row per skill or team: the heatmap, and how scores spread."""

from collections.abc import Sequence
from typing import Final

from services.reporting.documents import palette
from services.reporting.documents.charts import (
    CONFIG,
    NOTHING,
    SCHEMA,
    Spec,
    score_range,
    shorten,
)
from shared.contracts.reports.documents import HeatCell, SkillLine

_CELL: Final[Spec] = {"type": "rect", "stroke": "#ffffff", "strokeWidth": 2}


def heatmap_chart(cells: Sequence[HeatCell], *, row_height: int = 22, width: int = 300) -> Spec:
    """Return means by row and column, each with its number; empty cells say that they are empty.

    Rows and columns keep the order of the cells.
    """
    rows = list(dict.fromkeys(each.row for each in cells))
    columns = list(dict.fromkeys(each.column for each in cells))
    low, high = score_range([each.mean for each in cells if each.mean is not None])
    data = [
        {
            "row": each.row,
            "column": each.column,
            "mean": each.mean,
            "label": NOTHING if each.mean is None else f"{each.mean:.0f}",
            "dark": each.mean is not None and _share(each.mean, low, high) > palette.HEAT_DARK_FROM,
        }
        for each in cells
    ]
    vertical: Spec = {
        "field": "row",
        "type": "nominal",
        "sort": rows,
        "title": None,
        "axis": {"labelLimit": 190, "labelColor": palette.INK, "labelFontSize": 11},
    }
    across: Spec = {
        "field": "column",
        "type": "nominal",
        "sort": columns,
        "title": None,
        "axis": {"orient": "top", "labelAngle": 0, "labelOverlap": "greedy"},
    }
    scale = {"domain": [low, high], "range": list(palette.HEAT), "clamp": True}
    fill = {"field": "mean", "type": "quantitative", "scale": scale, "legend": None}
    ink = {"condition": {"test": "datum.dark", "value": "#ffffff"}, "value": palette.INK}
    return {
        "$schema": SCHEMA,
        "description": _heat_words(cells, rows, columns),
        "config": CONFIG,
        "width": width,
        "height": {"step": row_height},
        "data": {"values": data},
        "encoding": {"y": vertical, "x": across},
        "layer": [
            {"mark": {**_CELL, "color": palette.EMPTY}},
            {
                "transform": [{"filter": "isValid(datum.mean)"}],
                "mark": _CELL,
                "encoding": {"color": fill},
            },
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": {"text": {"field": "label"}, "color": ink},
            },
        ],
    }


def distribution_chart(
    lines: Sequence[SkillLine], *, row_height: int = 22, width: int = 300
) -> Spec:
    """Return how the scores of each skill spread: the middle half, the outer tenths, the median."""
    data = [
        {
            "name": shorten(line.name),
            "p10": line.spread.p10,
            "q1": line.spread.q1,
            "median": line.spread.median,
            "q3": line.spread.q3,
            "p90": line.spread.p90,
        }
        for line in lines
    ]
    names = [row["name"] for row in data]
    low, high = score_range([end for line in lines for end in (line.spread.p10, line.spread.p90)])
    across = {
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "axis": {"title": "Score, 0 to 100", "values": list(range(low, high + 1, 10))},
    }

    def bar(start: str, end: str, color: str, size: int) -> Spec:
        return {
            "mark": {"type": "bar", "size": size, "color": color},
            "encoding": {"x": {"field": start, **across}, "x2": {"field": end}},
        }

    return {
        "$schema": SCHEMA,
        "description": _spread_words(lines),
        "config": CONFIG,
        "width": width,
        "height": {"step": row_height},
        "data": {"values": data},
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "sort": names,
                "title": None,
                "axis": {"labelLimit": 190, "labelColor": palette.INK, "labelFontSize": 11},
            }
        },
        "layer": [
            bar("p10", "p90", palette.BAND, 5),
            bar("q1", "q3", palette.BLUE, 11),
            {
                "mark": {
                    "type": "tick",
                    "color": "#ffffff",
                    "thickness": 2,
                    "size": 11,
                    "opacity": 1,
                },
                "encoding": {"x": {"field": "median", **across}},
            },
        ],
    }


def _share(value: float, low: int, high: int) -> float:
    return (value - low) / (high - low)


def _spread_words(lines: Sequence[SkillLine]) -> str:
    said = "; ".join(
        f"{line.name}: median {line.spread.median:.0f}, "
        f"middle half {line.spread.q1:.0f} to {line.spread.q3:.0f}"
        for line in lines
    )
    return f"Spread of scores by skill. {said}".strip()


def _heat_words(cells: Sequence[HeatCell], rows: Sequence[str], columns: Sequence[str]) -> str:
    shown = sum(each.mean is not None for each in cells)
    return (
        f"Mean scores of {len(rows)} rows in {len(columns)} columns; "
        f"{shown} of {len(cells)} cells have a number."
    )

"""A team's page as self-contained HTML: no script, no request, readable by ear and on paper."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

import msgspec

from services.reporting.documents import words
from services.reporting.documents.charts import NOTHING
from shared.contracts.reports.documents import ChartKind, SkillLine, TeamPage

_CSS: Final = Path(__file__).with_name("page.css").read_text()

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Even a page that was tampered with on its way loads and runs nothing."""

Cell = str | float | int | None


def page_html(page: TeamPage, charts: Mapping[ChartKind, tuple[str, str]]) -> str:
    """Return the page; `charts` holds the SVG and the description of each chart it shows."""
    title = f"{page.team_name}: skills, {words.period(page)}"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body><main>",
        _header(page),
        *(_figure(page, kind, *drawn) for kind, drawn in charts.items()),
        _practice(page),
        _footer(page),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _header(page: TeamPage) -> str:
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>"
        for value, label in words.facts(page)
    )
    return (
        f"<header><p>{escape(page.team_name)} · {escape(words.period(page))} · "
        f"{escape(words.SOURCES[page.source])}</p><h1>{escape(page.headline)}</h1></header>"
        f'<dl class="facts">{facts}</dl>'
    )


def _figure(page: TeamPage, kind: ChartKind, svg: str, description: str) -> str:
    caption = words.CAPTIONS[kind]
    return (
        f'<section aria-labelledby="h-{kind}"><h2 id="h-{kind}">{escape(caption.title)}</h2>'
        f"<figure><figcaption>{escape(caption.text)}</figcaption>"
        f'<div class="chart" role="img" aria-label="{escape(description)}">{svg}</div>'
        f"<details><summary>The numbers</summary>"
        f'<div class="scroll">{_numbers(page, kind)}</div></details></figure></section>'
    )


def _numbers(page: TeamPage, kind: ChartKind) -> str:
    match kind:
        case "trend":
            return _trend_table(words.moving_first(page))
        case "heatmap":
            return _week_table(words.weakest(page))
        case "distribution":
            return _spread_table(words.weakest(page))


def _trend_table(lines: Sequence[SkillLine]) -> str:
    rows: list[list[Cell]] = [
        [line.name, line.n, line.learners, line.mean, line.slope_per_week, line.sentence]
        for line in lines
    ]
    return _table(
        "Skills and their direction",
        ["Skill", "Scores", "Learners", "Mean", "Points a week", "In words"],
        rows,
    )


def _week_table(lines: Sequence[SkillLine]) -> str:
    cells = words.weekly_cells(lines)
    weeks = list(dict.fromkeys(cell.column for cell in cells))
    found = {(cell.row, cell.column): cell.mean for cell in cells}
    names = list(dict.fromkeys(cell.row for cell in cells))
    rows: list[list[Cell]] = [
        [name, *(found.get((name, week)) for week in weeks)] for name in names
    ]
    return _table("Mean score by skill and week", ["Skill", *weeks], rows)


def _spread_table(lines: Sequence[SkillLine]) -> str:
    rows: list[list[Cell]] = [
        [line.name, *msgspec.structs.astuple(line.spread), line.n] for line in lines
    ]
    return _table(
        "Spread of scores by skill",
        ["Skill", "10th", "25th", "Median", "75th", "90th percentile", "Scores"],
        rows,
    )


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f"<td>{escape(_shown(cell))}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return NOTHING
        case float():
            return f"{cell:.1f}".replace("-", "−")  # noqa: RUF001  (the minus of print)
        case _:
            return str(cell)


def _practice(page: TeamPage) -> str:
    if not page.practice:
        return ""
    items = "".join(
        f"<li><strong>{escape(each.title)}</strong><span>{escape(each.reason)}</span></li>"
        for each in page.practice
    )
    return f'<section><h2>What to practice next</h2><ul class="practice">{items}</ul></section>'


def _footer(page: TeamPage) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in words.notes(page))
    return f"<footer><ul>{items}</ul></footer>"

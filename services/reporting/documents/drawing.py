"""Which charts a page shows, and the sources of its PDF."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from services.reporting.documents import charts, row_charts, words
from shared.contracts.reports.documents import ChartKind, Paper, TeamPage

_TEMPLATE: Final = Path(__file__).with_name("page.typ").read_bytes()


def page_charts(page: TeamPage) -> dict[ChartKind, charts.Spec]:
    """Return the charts of a page in reading order; without any skill there is none."""
    if not page.skills:
        return {}
    weakest = words.weakest(page)
    return {
        "trend": charts.trend_chart(words.moving_first(page), page.breaks),
        "heatmap": row_charts.heatmap_chart(words.weekly_cells(weakest), width=260),
        "distribution": row_charts.distribution_chart(weakest, width=210),
    }


def single_chart(page: TeamPage, kind: ChartKind, skill: str | None = None) -> charts.Spec:
    """Return one chart that stands alone, with its title; of one skill where one is named."""
    caption = words.CAPTIONS[kind]
    lines = [line for line in words.moving_first(page) if skill in {None, line.skill}]
    spread = sorted(lines, key=lambda line: (line.mean, line.skill))
    match kind:
        case "trend":
            columns = 1 if len(lines) == 1 else 2
            spec = charts.trend_chart(lines, page.breaks, columns=columns, width=340, height=130)
        case "heatmap":
            spec = row_charts.heatmap_chart(words.weekly_cells(spread, newest=26), width=560)
        case "distribution":
            spec = row_charts.distribution_chart(spread, width=460)
    title = f"{page.team_name}: {caption.title.lower()}"
    return charts.titled(spec, title, f"{words.period(page)}. {caption.text}")


def page_sources(
    page: TeamPage, drawn: Mapping[ChartKind, tuple[str, str]], paper: Paper
) -> dict[str, bytes]:
    """Return the files that typst makes the PDF from; `drawn` as in `page_html`."""
    shown = {
        kind: {
            "title": words.CAPTIONS[kind].title,
            "caption": words.CAPTIONS[kind].text,
            "file": f"{kind}.svg",
            "alt": description,
            "width_percent": 52 if len(page.skills) == 1 else 100,
        }
        for kind, (_, description) in drawn.items()
    }
    data = {
        "title": f"{page.team_name}: skills, {words.period(page)}",
        "paper": paper,
        "kicker": f"{page.team_name} · {words.SOURCES[page.source]}",
        "period": words.period(page),
        "headline": page.headline,
        "facts": [{"value": value, "label": label} for value, label in words.facts(page)],
        "wide": [shown[kind] for kind in shown if kind == "trend"],
        "pair": [shown[kind] for kind in shown if kind != "trend"],
        "practice": page.practice,
        "footnotes": words.notes(page),
    }
    sources = {"main.typ": _TEMPLATE, "page.json": msgspec.json.encode(data)}
    return sources | {f"{kind}.svg": svg.encode() for kind, (svg, _) in drawn.items()}

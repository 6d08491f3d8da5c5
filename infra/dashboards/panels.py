"""Grafana's JSON, as far as we need it: rows of panels, each with its expressions."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

WIDTH: Final = 24
"""Of Grafana's grid."""

HEIGHT: Final = 8

SCHEMA: Final = 39
"""Version of Grafana's own format; newer ones migrate it by themselves."""

RATE: Final = "$__rate_interval"
"""Grafana's window for `rate`: wide enough for the scrape interval."""


class Target(msgspec.Struct, frozen=True):
    """One line, or several with different labels."""

    expression: str
    legend: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One picture."""

    title: str
    targets: tuple[Target, ...]
    unit: str = "short"
    """By Grafana's names: `s`, `reqps`, `percentunit`, `currencyUSD`."""
    kind: str = "timeseries"
    words: str = ""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """One dashboard: rows of panels, as wide as there is room."""

    slug: str
    title: str
    rows: tuple[tuple[Panel, ...], ...]
    by_tenant: bool = False
    """Whether a tenant is chosen at the top."""


def panel(title: str, *targets: str | tuple[str, str], unit: str = "short", **more: str) -> Panel:
    """Return a panel; a target is an expression, or one with its legend."""
    found = tuple(Target(one) if isinstance(one, str) else Target(*one) for one in targets)
    return Panel(title=title, targets=found, unit=unit, **more)


def percentiles(metric: str, by: str = "", where: str = "") -> tuple[tuple[str, str], ...]:
    """Return p50, p95 and p99 of a histogram, in parts by a label if one is given."""
    grouping = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return tuple(
        (
            (
                f"histogram_quantile({share}, sum by ({grouping})"
                f" (rate({metric}_bucket{where}[{RATE}])))"
            ),
            f"p{round(share * 100)}{legend}",
        )
        for share in (0.5, 0.95, 0.99)
    )


def as_json(board: Board) -> bytes:
    """Return Grafana's file; the same board always gives the same bytes."""
    panels: list[dict[str, Any]] = []
    for number, row in enumerate(board.rows):
        width = WIDTH // len(row)
        for place, one in enumerate(row):
            position = {"x": place * width, "y": number * HEIGHT, "w": width, "h": HEIGHT}
            panels.append(_panel(len(panels) + 1, one, position))
    document = {
        "uid": f"rapport-{board.slug}",
        "title": f"Rapport: {board.title}",
        "tags": ["rapport"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables(board)},
        "panels": panels,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _panel(number: int, one: Panel, position: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "title": one.title,
        "description": one.words,
        "type": one.kind,
        "gridPos": position,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": each.expression, "legendFormat": each.legend}
            for place, each in enumerate(one.targets)
        ],
    }


def _variables(board: Board) -> Sequence[dict[str, Any]]:
    source = {"name": "source", "type": "datasource", "query": "prometheus"}
    if not board.by_tenant:
        return [source]
    tenant = {
        "name": "tenant",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "query": "label_values(work_total, tenant_top)",
        "refresh": 2,
    }
    return [source, tenant]

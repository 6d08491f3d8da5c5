"""What lies in `infra/deploy`, as bytes: the same data always give the same files."""

from pathlib import Path
from typing import Any, Final

import yaml

from infra.dashboards.alerts import Alert, alerts, records
from infra.dashboards.boards import BOARDS
from infra.dashboards.cases import tests
from infra.dashboards.panels import as_json

DEPLOY: Final = Path(__file__).parents[1] / "deploy"

RULES: Final = "alerts/rapport.rules.yml"

TESTS: Final = "alerts/rapport.tests.yml"
"""`promtool test rules` runs them."""

RUNBOOKS: Final = "docs/runbooks"
"""Where the page of an alert lies, from the root of this repository."""

_HEAD: Final = "# Made by `python -m infra.dashboards` from infra/dashboards/; do not edit.\n"


def files() -> dict[str, bytes]:
    """Return every file by its path below `DEPLOY`."""
    made = {f"grafana/{board.slug}.json": as_json(board) for board in BOARDS}
    made[RULES] = _yaml(rules())
    made[TESTS] = _yaml(tests())
    return made


def _yaml(content: dict[str, Any]) -> bytes:
    return (_HEAD + yaml.safe_dump(content, sort_keys=False, width=100)).encode()


def rules() -> dict[str, Any]:
    """Return Prometheus' rule groups."""
    recorded = [{"record": one.name, "expr": one.expression} for one in records()]
    return {
        "groups": [
            {"name": "rapport-objectives", "rules": recorded},
            {"name": "rapport-alerts", "rules": [_rule(one) for one in alerts()]},
        ]
    }


def _rule(one: Alert) -> dict[str, Any]:
    return {
        "alert": one.name,
        "expr": one.expression,
        "for": one.lasts,
        "labels": {"severity": one.severity},
        "annotations": {"summary": one.summary, "runbook": f"{RUNBOOKS}/{one.page}.md"},
    }

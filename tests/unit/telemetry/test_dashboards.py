"""Dashboards, alerts and runbooks agree with each other and with what the product counts. [R-D5]."""

import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from infra.cli.main import _parser
from infra.dashboards import promql
from infra.dashboards.alerts import alerts, records
from infra.dashboards.boards import BOARDS
from infra.dashboards.cases import CASES
from infra.dashboards.files import DEPLOY, RULES, TESTS, files
from shared.telemetry.catalog import METRICS

ROOT = Path(__file__).parents[3]

PAGES = ROOT / "docs" / "runbooks"

RECORDED = {one.name: () for one in records()}

EXPRESSIONS = [
    *((one.name, one.expression) for one in records()),
    *((one.name, one.expression) for one in alerts()),
    *(
        (f"{board.slug}: {panel.title}", target.expression)
        for board in BOARDS
        for row in board.rows
        for panel in row
        for target in panel.targets
    ),
]

PROMTOOL = shutil.which("promtool")

SECTIONS = (
    "## What it means",
    "## First look",
    "## Likely causes, the likeliest first",
    "## What to do",
    "## It is over when",
)


class TestExpressions:
    @pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
    def test_every_metric_and_label_is_one_of_ours(self, where: str, expression: str) -> None:
        assert list(promql.faults(expression, RECORDED)) == [], where

    @pytest.mark.parametrize(
        ("expression", "fault"),
        [
            ("sum(rate(http_requests_total[5m]))", "no metric http_requests_total"),
            ('max(jobs_dead{lane="turn"}) > 0', "jobs_dead has no label lane"),
            ("sum by (tenant) (rate(work_total[5m]))", "nothing here has a label tenant"),
            ("max(work_seconds) > 1", "no metric work_seconds"),
            ("slo:api_bad:ratio_rate7m > 0.1", "no metric slo:api_bad:ratio_rate7m"),
        ],
    )
    def test_a_planted_fault_is_found(self, expression: str, fault: str) -> None:
        assert list(promql.faults(expression, RECORDED)) == [fault]

    def test_every_metric_is_shown_somewhere(self) -> None:
        seen = {name for _, expression in EXPRESSIONS for name in promql.used(expression).metrics}
        unseen = {m.name for m in METRICS.values() if not seen & set(m.samples)}
        assert (
            unseen
            == {
                "http_server_requests_in_flight",  # for autoscaling
                "api_key_next_expiry_seconds",
                "fleet_look_timestamp_seconds",
            }
            - seen
        )


class TestFiles:
    def test_they_are_what_the_code_makes(self) -> None:
        for name, content in files().items():
            assert (DEPLOY / name).read_bytes() == content, "python -m infra.dashboards"
        assert files() == files()

    def test_panels_lie_beside_each_other(self) -> None:
        for board in BOARDS:
            document = msgspec.json.decode((DEPLOY / f"grafana/{board.slug}.json").read_bytes())
            places = set()
            for panel in document["panels"]:
                place = panel["gridPos"]
                assert place["x"] + place["w"] <= 24
                places.add((place["x"], place["y"]))
            assert len(places) == len(document["panels"])

    @pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
    def test_promtool_agrees(self) -> None:
        assert PROMTOOL is not None
        for kind, name in (("check", RULES), ("test", TESTS)):
            done = subprocess.run(
                [PROMTOOL, kind, "rules", DEPLOY / name],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
    def test_promtool_finds_a_planted_fault(self, tmp_path: Path) -> None:
        assert PROMTOOL is not None
        rules = (DEPLOY / RULES).read_text()
        assert 'max(jobs_oldest_seconds{kind="turn"}) > 5' in rules
        planted = rules.replace('jobs_oldest_seconds{kind="turn"}) > 5', "vector(1)) > 5")
        (tmp_path / Path(RULES).name).write_text(planted)
        tests = tmp_path / Path(TESTS).name
        tests.write_bytes((DEPLOY / TESTS).read_bytes())
        done = subprocess.run(
            [PROMTOOL, "test", "rules", tests],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode != 0
        assert "LearnersWait" in done.stdout + done.stderr

    def test_every_alert_has_a_history_in_which_it_fires(self) -> None:
        assert sorted(case.name for case in CASES) == sorted(alert.name for alert in alerts())


class TestRunbooks:
    def test_every_alert_has_a_page_that_names_it_and_no_page_is_idle(self) -> None:
        for alert in alerts():
            text = (PAGES / f"{alert.page}.md").read_text()
            assert f"`{alert.name}`" in text, alert.page
            positions = [text.index(section) for section in SECTIONS]
            assert positions == sorted(positions), alert.page
        pages = {path.stem for path in PAGES.glob("*.md")} - {"README"}
        assert pages == {alert.page for alert in alerts()}
        index = (PAGES / "README.md").read_text()
        assert set(re.findall(r"\(([a-z-]+)\.md\)", index)) == pages

    def test_links_lead_somewhere(self) -> None:
        for path in PAGES.glob("*.md"):
            for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
                assert (path.parent / link).exists(), f"{path.name}: {link}"

    def test_commands_exist(self, capsys: pytest.CaptureFixture[str]) -> None:
        parser = _parser()
        commands = {
            command
            for path in PAGES.glob("*.md")
            for command in re.findall(r"`rapport ([^`]+)`", path.read_text())
        }
        assert len(commands) >= 10
        for command in sorted(commands):
            try:
                parser.parse_args(command.split())
            except SystemExit:
                pytest.fail(f"rapport {command}: {capsys.readouterr().err}")

    def test_operators_calls_exist(self) -> None:
        said = {
            call
            for path in PAGES.glob("*.md")
            for call in re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /ops[^`]*)`", path.read_text())
        }
        assert len(said) >= 8
        assert said - _operations() == set()

    def test_boards_and_panels_that_pages_name_exist(self) -> None:
        shown = {board.title for board in BOARDS} | {
            panel.title for board in BOARDS for row in board.rows for panel in row
        }
        for path in PAGES.glob("*.md"):
            for name in re.findall(r"(?<!\*)\*([A-Za-z][^*]+)\*(?!\*)", path.read_text()):
                assert any(title.startswith(name) for title in shown), f"{path.name}: {name}"


def _operations() -> set[str]:
    """Return the operators' operations as their routes declare them."""
    found = set()
    for path in (ROOT / "services/api/ops").glob("*_routes.py"):
        text = path.read_text()
        for method, route in re.findall(r'method="(\w+)",\s*path="([^"]+)"', text):
            found.add(f"{method} {re.sub(r':[^}]+', '', route)}")
    return found

"""The demo's page and its numbers."""

from datetime import date, timedelta
from io import StringIO

import pytest

from infra.demo.checks import DemoError, expect
from infra.demo.printing import Page, spark
from infra.demo.record import Record
from infra.demo.trend import SHOWN, change_of, of_skill, show_trend, signed, weakest
from shared.contracts.reports.trend import TrendPoint


@pytest.fixture
def out():
    return StringIO()


@pytest.fixture
def page(out, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    return Page(out)


def points(clarity=(50.0,) * 8, empathy=(50.0,) * 8):
    """Return points by week for the skills of the table."""
    means = {"Clarity": clarity, "Empathy": empathy}
    return tuple(
        TrendPoint(
            skill=skill,
            week=date(2026, 3, 2) + timedelta(weeks=week),
            n=12,
            mean=mean,
            q1=mean - 5,
            median=mean,
            q3=mean + 5,
        )
        for skill, title in SHOWN.items()
        for week, mean in enumerate(means.get(title, (50.0,) * 8))
    )


def test_a_pipe_gets_no_colors(page, out):
    page.heading("Title", 1)
    page.line(page.paint("text", "red"))
    page.progress("passing")
    assert "\x1b" not in out.getvalue()
    assert "passing" not in out.getvalue()


def test_nothing_is_wider_than_the_page(page, out):
    long = "one two three four five six seven eight nine ten " * 9
    page.paragraph(long)
    page.labeled("name", long)
    page.side_by_side([(f"  + {long}", "")], [("short", "bold")])
    show_trend(page, "Team", points())
    assert max(map(len, out.getvalue().splitlines())) <= 100


def test_columns_stay_aligned_when_one_is_longer(page, out):
    page.side_by_side([("word " * 30, "")], [("x", "")])
    assert len({row.index("│") for row in out.getvalue().splitlines()}) == 1


def test_a_change_compares_the_ends():
    rising = of_skill(points(empathy=(40, 42, 50, 50, 50, 50, 60, 62)), "relate.empathy")
    assert change_of(rising) == pytest.approx(20)


def test_the_weakest_skill_is_that_of_the_last_weeks():
    seen = points(clarity=(10, 10, 10, 10, 90, 90, 90, 90), empathy=(90,) * 4 + (30,) * 4)
    assert weakest(seen) == ("relate.empathy", pytest.approx(30))


@pytest.mark.parametrize(("points", "text"), [(3.2, "+3"), (-2.6, "-3"), (-0.3, "0"), (0, "0")])
def test_changes_read_well(points, text):
    assert signed(points) == text


def test_sparks_stay_in_their_range():
    assert spark([0, 25, 100]) == "▁▁█"


def test_a_missing_thing_is_one_line():
    expect(True, "fine")
    with pytest.raises(DemoError, match=r"^no evidence$"):
        expect(False, "no evidence")


def test_latencies_are_kept_as_percentiles():
    record = Record(run_id="r", api_url="u")
    record.note_latencies([float(ms) for ms in range(100, 0, -1)])
    assert (record.turn_p50_ms, record.turn_p95_ms) == (51.0, 96.0)

"""Charts and pages as specifications and markup: what they show, and what they never show."""

import json
from typing import Any

import pytest

from services.reporting.documents import charts, drawing, markup, palette, row_charts, words
from shared.contracts.reports.documents import HeatCell, VersionBreak
from tests.support.report_pages import DAY, FIRST, line, page, point

HOSTILE = '<img src=x onerror="alert(1)"> #let x = [*]'


def _panels(spec: charts.Spec) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = spec["concat"]
    return panels


class TestScale:
    @pytest.mark.parametrize(
        ("values", "stretch"),
        [([], (0, 100)), ([50, 51], (30, 80)), ([3], (0, 40)), ([99.5], (60, 100)),
         ([12, 88], (10, 90)), ([0, 100], (0, 100))],
    )  # fmt: skip
    def test_holds_all_and_never_makes_news_of_noise(
        self, values: list[float], stretch: tuple[int, int]
    ) -> None:
        assert charts.score_range(values) == stretch


class TestTrend:
    def test_what_moves_comes_first_and_four_are_shown(self) -> None:
        lines = [line(name, 60 + n) for n, name in enumerate("abcd")]
        shown = words.moving_first(page(*lines, line("z", 90, "declining")))
        spec = charts.trend_chart(shown, ())
        titles = [panel["title"]["text"] for panel in _panels(spec)]
        assert titles == ["Z", "A", "B", "C"]
        assert f"{charts.signed(-1.25)} points a week" in _panels(spec)[0]["title"]["subtitle"]
        assert charts.signed(-1.25) != "-1.2"  # a real minus
        assert "points a week" not in _panels(spec)[1]["title"]["subtitle"]

    def test_a_week_without_a_number_interrupts_the_line(self) -> None:
        gap = line("a", 60, points=(point(0, 60), point(1, 61), point(4, 62)))
        (panel,) = _panels(charts.trend_chart([gap], ()))
        means = [row["mean"] for row in panel["data"]["values"]]
        assert means == [60, 61, None, 62]

    def test_a_point_of_several_weeks_is_no_gap(self) -> None:
        wide = line("a", 60, points=(point(0, 60, weeks=3), point(3, 61)))
        (panel,) = _panels(charts.trend_chart([wide], ()))
        assert [row["mean"] for row in panel["data"]["values"]] == [60, 61]

    def test_breaks_are_dashed_and_named_once(self) -> None:
        shown = page(line("a", 60), line("b", 70))
        first, second = _panels(charts.trend_chart(shown.skills, shown.breaks))
        assert first["layer"][2]["mark"]["strokeDash"]
        assert first["layer"][3]["mark"]["type"] == "text"
        assert len(second["layer"]) == 3
        before = (VersionBreak(day=FIRST - DAY, text="old"),)
        (panel,) = _panels(charts.trend_chart([line("a", 60)], before))
        assert len(panel["layer"]) == 2

    def test_the_description_says_the_verdicts(self) -> None:
        spec = charts.trend_chart([line("a", 60, "improving")], ())
        assert "a is improving." in spec["description"]


class TestHeatmap:
    def test_a_cell_without_a_number_has_a_dash_and_no_color(self) -> None:
        cells = [
            HeatCell(row="a", column="x", mean=50.4, learners=6),
            HeatCell(row="a", column="y", mean=None, learners=None),
        ]
        spec = row_charts.heatmap_chart(cells)
        assert [row["label"] for row in spec["data"]["values"]] == ["50", charts.NOTHING]
        assert spec["layer"][1]["transform"] == [{"filter": "isValid(datum.mean)"}]

    @staticmethod
    def _luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def test_the_scale_gets_darker_all_the_way_so_that_gray_prints_say_the_same(self) -> None:
        lights = [self._luminance(color) for color in palette.HEAT]
        assert lights == sorted(lights, reverse=True)

    @pytest.mark.parametrize("color", [palette.INK, palette.MUTED, palette.BLUE])
    def test_words_have_enough_contrast_on_white(self, color: str) -> None:
        assert 1.05 / (self._luminance(color) + 0.05) >= 4.5


class TestPage:
    def test_nothing_a_person_wrote_becomes_markup(self) -> None:
        hostile = page(line("a", 60), name=HOSTILE)
        html = markup.page_html(hostile, {"trend": ("<svg></svg>", HOSTILE)})
        assert "<img" not in html
        assert 'onerror="' not in html
        sources = drawing.page_sources(hostile, {"trend": ("<svg/>", "x")}, "a4")
        assert HOSTILE.encode() not in sources["main.typ"]
        assert json.loads(sources["page.json"])["headline"] == f"About {HOSTILE}."

    def test_the_page_can_be_heard(self) -> None:
        shown = page(line("a", 60, "improving"))
        html = markup.page_html(shown, {"trend": ("<svg></svg>", "the words of it")})
        assert '<html lang="en">' in html
        assert html.count("<h1>") == 1
        assert 'aria-label="the words of it"' in html
        assert '<th scope="row">A</th>' in html
        assert "a is improving." in html

    def test_notes_say_what_is_not_counted_yet(self) -> None:
        assert words.notes(page())[-1] == (
            "As of 23 Nov 2026, 06:00 UTC, 3 events are not counted yet. Scores are 0 to 100."
        )

    def test_without_a_skill_there_is_no_chart_and_no_number(self) -> None:
        assert drawing.page_charts(page()) == {}
        assert words.facts(page()) == []

    def test_the_facts_do_not_say_more_people_than_a_skill_has(self) -> None:
        assert words.facts(page(line("a", 60), line("b", 70))) == [
            ("2", "skills"),
            ("6", "learners"),
            ("180", "scores"),
        ]

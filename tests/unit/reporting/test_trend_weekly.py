"""Points of a trend, and which questions are refused."""

from datetime import date
from uuid import UUID

import msgspec
import pytest

from services.reporting.questions import QuestionError, read_trend_query
from services.reporting.trends.distributions import EMPTY, distribution_of
from services.reporting.trends.weekly import SOURCES, SkillBucket, weekly_points
from shared.contracts.reporting import MAX_TREND_WEEKS, TrendPoint, TrendQuery


def bucket(skill: str, day: date, *scores: int) -> SkillBucket:
    return SkillBucket(skill=skill, bucket=day, distribution=distribution_of(scores))


def test_cut_weeks_and_sources_come_together():
    points = weekly_points(
        [
            bucket("empathy", date(2026, 10, 1), 80, 90),
            bucket("clarity", date(2026, 10, 5), 10),
            bucket("empathy", date(2026, 9, 28), 50),
            bucket("empathy", date(2026, 10, 1), 60),
        ]
    )
    assert points == (
        TrendPoint(
            skill="clarity", week=date(2026, 10, 5), n=1, mean=10.0, q1=10, median=10, q3=10
        ),
        TrendPoint(
            skill="empathy", week=date(2026, 9, 28), n=4, mean=70.0, q1=57.5, median=70, q3=82.5
        ),
    )


def test_a_week_without_scores_has_no_point():
    empty = SkillBucket(skill="empathy", bucket=date(2026, 10, 1), distribution=EMPTY)
    assert weekly_points([empty]) == ()


def test_a_root_is_all_its_skills_together():
    points = weekly_points(
        [
            bucket("relate.empathy", date(2026, 10, 5), 80, 90),
            bucket("relate.house_rules", date(2026, 10, 6), 10),
            bucket("solve.path", date(2026, 10, 5), 50),
        ],
        "root",
    )
    assert [(point.skill, point.n, point.mean) for point in points] == [
        ("relate", 3, 60.0),
        ("solve", 1, 50.0),
    ]


def test_all_is_practice_and_every_real_conversation():
    assert set(SOURCES["all"]) == {*SOURCES["simulation"], *SOURCES["call"]}


class TestReadTrendQuery:
    def ask(self, **changes: object) -> TrendQuery:
        query = TrendQuery(
            tenant_id=UUID(int=1),
            team_id=UUID(int=2),
            skill=None,
            start=date(2026, 9, 2),
            end=date(2026, 9, 30),
            source="all",
        )
        body = msgspec.to_builtins(query) | changes
        return read_trend_query(msgspec.json.encode(body))

    def test_a_good_one(self):
        assert self.ask(skill="empathy").skill == "empathy"

    @pytest.mark.parametrize(
        "changes",
        [
            {"source": "chat"},
            {"tenant_id": "x"},
            {"start": "2026-02-30"},
            {"end": "2026-09-01"},
            {"start": "2000-01-01"},
            {"end": "9999-12-31"},
        ],
    )
    def test_bad_ones(self, changes: dict[str, object]):
        with pytest.raises(QuestionError):
            self.ask(**changes)

    @pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"skill":"\xff"}', b"null"])
    def test_no_question_at_all(self, payload: bytes):
        with pytest.raises(QuestionError, match="not a trend query"):
            read_trend_query(payload)

    def test_the_longest_range(self):
        last = date.fromordinal(date(2026, 9, 7).toordinal() + 7 * MAX_TREND_WEEKS - 1)
        self.ask(start="2026-09-07", end=last.isoformat())
        too_late = date.fromordinal(last.toordinal() + 1)
        with pytest.raises(QuestionError, match="longer"):
            self.ask(start="2026-09-07", end=too_late.isoformat())

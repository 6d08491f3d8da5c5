"""The page's first line: a skill that moved, else what families of skills say."""

from typing import Any

import pytest

from services.reporting.documents import pages
from shared.contracts.reports.trend import TrendCell, TrendReply


def _reply(verdict: Any, headline: str) -> TrendReply:
    cell = TrendCell(
        skill="relate.empathy",
        n=90,
        learners=6,
        weeks=12,
        mean=60.0,
        low=55.0,
        high=65.0,
        slope=1.0,
        slope_low=0.2,
        slope_high=1.8,
        p=0.01,
        p_adjusted=0.04,
        p_people=0.01,
        p_people_adjusted=0.04,
        verdict=verdict,
        reason=None,
        segments=1,
        sentence="",
    )
    return TrendReply(points=(), cells=(cell,), headline=headline)


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [("improving", "Empathy moves."), ("declining", "Empathy moves."), ("steady", "Relate moves.")],
)
async def test_what_the_first_line_is(
    monkeypatch: pytest.MonkeyPatch, verdict: str, headline: str
) -> None:
    async def families(_desk: Any, _query: Any, level: str) -> TrendReply:
        assert level == "root"
        return _reply("improving", "Relate moves.")

    monkeypatch.setattr(pages, "full_trend", families)
    skills = _reply(verdict, "Empathy moves.")
    nothing: Any = None
    assert await pages._headline(nothing, nothing, skills) == headline

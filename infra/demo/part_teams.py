"""The part of the story about teams: their history, a call from elsewhere, trends, advice."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from infra.demo import trend
from infra.demo.checks import expect
from infra.demo.history import PER_WEEK, WEEKS, collect, hand_in
from infra.demo.outside import load_call, score_call
from infra.demo.people import Team, create_teams
from infra.demo.record import TeamTrend
from infra.demo.telling import Telling
from infra.demo.verdicts import coach, has_evidence, show_skills
from infra.demo.views import Assessment, Scoring, Trend
from shared.contracts.reports.trend import TrendPoint

MIN_GAIN: Final = 6.0
"""Points that the improving team's skills must rise over the eight weeks, on average."""

LATEST: Final = 4 * PER_WEEK
"""Conversations per person that the advice at the end rests on: those of four weeks."""

ALWAYS_SCORED: Final = "understand.active_listening"
"""A skill for which every conversation of the history gives an opportunity."""

TREND_WITHIN_S: Final = 10.0
"""Reporting follows the scores within moments."""


async def meet_teams(telling: Telling) -> tuple[Team, ...]:
    """Make the teams, hand in their history and wait until it is scored; return the teams."""
    page, record = telling.page, telling.record
    page.heading("Two teams, and eight weeks of their conversations", 1)
    with record.phase("teams"):
        since = telling.monday - timedelta(weeks=1)
        teams = await create_teams(telling.api, record.run_id, since)
    record.team_ids = {team.name: team.id for team in teams}
    record.learner_id = teams[-1].learners[0].id
    for team in teams:
        page.labeled(team.name, ", ".join(learner.name for learner in team.learners))
    page.line()
    page.progress("   handing in eight weeks of calls and chats ...")
    with record.phase("history_accepted"):
        record.history_scorings = await hand_in(telling.api, teams, telling.monday, record.run_id)
    with record.phase("history_scored"):
        await _await_history(telling, teams)
    page.paragraph(
        f"{record.history_scorings} past calls and chats of these people were accepted over POST "
        f"/v1/scorings in {record.phases_s['history_accepted']:.1f} s; "
        f"{record.phases_s['history_scored']:.1f} s later all of them had been scored."
    )
    return teams


async def _await_history(telling: Telling, teams: Sequence[Team]) -> None:
    done: dict[str, int] = {}
    want = telling.record.history_scorings

    def note(learner_id: str, count: int) -> None:
        done[learner_id] = count
        telling.page.progress(f"   scored {sum(done.values())} of {want} ...")

    past = await asyncio.gather(
        *(collect(telling.api, learner, note) for team in teams for learner in team.learners)
    )
    telling.page.progress("")
    expect(sum(map(len, past)) == want, "not every past conversation was scored")


async def score_outside_call(telling: Telling, teams: Sequence[Team]) -> None:
    """Have one call transcript scored, and print the result with its evidence."""
    page, call = telling.page, load_call()
    page.heading("A real call, handed in by another system", 6)
    at = datetime.now(UTC) - timedelta(hours=1)
    with telling.record.phase("call"):
        scoring_id, result = await score_call(
            telling.api, teams[1].learners[1], call, at, telling.record.run_id
        )
    telling.record.call_scoring_id, telling.record.call_overall = scoring_id, result.overall
    metrics = result.metrics
    page.paragraph(f"The customer began: “{call[1].text}”")
    page.line()
    page.paragraph(
        f"Overall {result.overall} of 100. {len(call)} turns in {_minutes(metrics.handle_time_s)} "
        f"minutes; the agent spoke {metrics.talk_share or 0:.0%} of the words and asked "
        f"{metrics.question_rate or 0:.1f} questions per turn.",
        style="bold",
    )
    page.line()
    show_skills(page, result)
    page.line()
    coach(page, result, ("strength", "improvement"))
    expect(has_evidence(result), "the external call was scored without evidence")


async def show_trends(telling: Telling, teams: Sequence[Team]) -> None:
    """Wait for the history's scores, and print both teams' weeks."""
    page, record = telling.page, telling.record
    page.heading("Eight weeks of real conversations: how the teams developed", 7)
    last = telling.monday + timedelta(weeks=WEEKS, days=-1)
    with record.phase("trend"):
        for team in teams:
            await _show_trend(telling, team, last)
    gains = [each.change for each in record.trends]
    page.paragraph(
        f"Mean change over these skills: team {teams[0].name} {trend.signed(gains[0])}, team "
        f"{teams[1].name} {trend.signed(gains[1])}. A change compares the last two weeks with the "
        "first two. A small n means that the skill was seldom called for: the judge gives no "
        "number where it saw too little."
    )
    expect(gains[0] >= MIN_GAIN, f"the improving team gained only {gains[0]:.1f} points")
    expect(gains[0] > gains[1], "the flat team gained more than the improving one")


async def advise(telling: Telling, teams: Sequence[Team]) -> None:
    """Print each team's weakest skill, and what the assessments advise where it is the weakest."""
    telling.page.heading("What to do next", 8)
    for team, its_trend in zip(teams, telling.record.trends, strict=True):
        skill, mean = trend.weakest(its_trend.points)
        advice = await _common_advice(telling, team, skill)
        telling.page.labeled(
            team.name,
            f"Weakest in the last four weeks: {trend.SHOWN[skill].lower()}, {mean:.0f} of 100. "
            f"What the assessments advise: “{advice}”",
        )
        telling.page.line()


async def _show_trend(telling: Telling, team: Team, last: date) -> None:
    view = await telling.api.until(
        f"/v1/reports/teams/{team.id}/trend?source=call&from={telling.monday}&to={last}",
        Trend,
        lambda seen: seen.as_of.behind == 0 and bool(trend.of_skill(seen.data, ALWAYS_SCORED)),
        within_s=TREND_WITHIN_S,
    )
    points: tuple[TrendPoint, ...] = view.data
    trend.show_trend(telling.page, f"Team {team.name}", points)
    # Nine roots are fewer chances of a false alarm than thirty skills, so more can be said of them.
    roots = await telling.api.get(
        f"/v1/reports/teams/{team.id}/trend?level=root&source=call&from={telling.monday}&to={last}",
        Trend,
    )
    telling.page.paragraph(f"By family of skills: {roots.headline}", style="bold")
    for cell in roots.cells:
        if cell.verdict in {"improving", "declining"}:
            telling.page.paragraph(cell.sentence)
    telling.page.line()
    telling.record.trends.append(
        TeamTrend(
            team_id=team.id,
            name=team.name,
            change=round(trend.overall_change(points), 1),
            points=points,
        )
    )


async def _common_advice(telling: Telling, team: Team, skill: str) -> str:
    """Return the commonest advice of the team's latest assessments that are lowest in a skill."""
    latest: list[Scoring] = []
    for learner in team.learners:
        latest += (await collect(telling.api, learner))[-LATEST:]
    results = await asyncio.gather(
        *(telling.api.get(f"/v1/assessments/{each.assessment_id}", Assessment) for each in latest)
    )
    said = Counter(
        each.next_practice for each in results if each.next_practice and _lowest(each) == skill
    )
    expect(bool(said), f"no assessment of team {team.name} advises on {trend.SHOWN[skill]}")
    return said.most_common(1)[0][0]


def _lowest(assessment: Assessment) -> str:
    scored = [(each.score, each.skill) for each in assessment.asked if each.score is not None]
    return min(scored)[1] if scored else ""


def _minutes(seconds: float | None) -> str:
    whole = round(seconds or 0)
    return f"{whole // 60}:{whole % 60:02d}"

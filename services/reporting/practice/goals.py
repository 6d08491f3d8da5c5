"""How far a learner's goals are."""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from services.reporting.desk import Desk
from services.reporting.freshness import as_of
from services.reporting.practice import repository
from services.reporting.practice.records import Goal, SkillScore, Words
from services.reporting.trends.goals import (
    Progress,
    Wanted,
    attempts_progress,
    score_progress,
)
from shared.contracts.reports.practice import GoalProgress, GoalProgressQuery, GoalsProgress
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.ids import format_id

_WEEK = timedelta(days=7)


async def goal_progress(desk: Desk, query: GoalProgressQuery) -> GoalsProgress:
    """Answer for all goals of one person, met and missed ones too."""
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        words = await repository.words(connection, query.tenant_id)
        goals = await repository.goals(connection, query.tenant_id, query.learner_id)
        person_id = await repository.person_of(connection, query.tenant_id, query.learner_id)
        scores, attempts = await _done(connection, query.tenant_id, person_id, goals)
    told = [
        _told(goal, _progress(goal, scores, attempts, query.today), words)
        for goal in goals
        if goal.skill is None or words.is_shown(goal.skill)
    ]
    return GoalsProgress(as_of=fresh, headline=_headline(told), goals=tuple(told))


async def _done(
    connection: Connection, tenant_id: UUID, person_id: UUID | None, goals: Sequence[Goal]
) -> tuple[list[SkillScore], list[date]]:
    if person_id is None or not goals:
        return [], []
    # A week that has begun before the goal does not count, but this week's attempts are shown.
    first = min(goal.starts_on for goal in goals) - _WEEK
    skills = {goal.skill for goal in goals if goal.skill is not None}
    return (
        await repository.skill_scores(connection, tenant_id, person_id, skills, first),
        await repository.practice_attempts(connection, tenant_id, person_id, first),
    )


def _progress(
    goal: Goal, scores: Sequence[SkillScore], attempts: Sequence[date], today: date
) -> Progress:
    of_skill = [each for each in scores if each.skill == goal.skill]
    wanted = Wanted(target=goal.target, starts_on=goal.starts_on, due_on=goal.due_on)
    if goal.kind == "score":
        return score_progress(wanted, [(each.day, each.score) for each in of_skill], today)
    days = [each.day for each in of_skill if each.source == "simulation"]
    return attempts_progress(wanted, attempts if goal.skill is None else days, today)


def _told(goal: Goal, progress: Progress, words: Words) -> GoalProgress:
    return GoalProgress(
        goal_id=format_id("goal", goal.goal_id),
        kind="score" if goal.kind == "score" else "attempts",
        skill=goal.skill,
        target=goal.target,
        starts_on=goal.starts_on,
        due_on=goal.due_on,
        state=progress.state,
        value=progress.value,
        done=progress.done,
        needed=progress.needed,
        met_on=progress.on,
        sentence=_sentence(goal, progress, words),
    )


def _sentence(goal: Goal, progress: Progress, words: Words) -> str:
    if goal.kind == "score":
        what = f"{words.name(goal.skill or '')} to {goal.target} by {goal.due_on}"
        now = "too few scores yet" if progress.value is None else f"now {progress.value}"
    else:
        of = "" if goal.skill is None else f" with {words.name(goal.skill)}"
        what = f"{goal.target} a week{of} until {goal.due_on}"
        now = f"{progress.done} of {progress.needed} weeks done"
    if progress.on is not None:
        return f"{what}: met on {progress.on}."
    return f"{what}: {'missed, ' if progress.state == 'missed' else ''}{now}."


def _headline(goals: Sequence[GoalProgress]) -> str:
    if not goals:
        return "No goals yet."
    met = sum(goal.state == "met" for goal in goals)
    missed = sum(goal.state == "missed" for goal in goals)
    noun = "goal" if len(goals) == 1 else "goals"
    return f"{len(goals)} {noun}: {met} met, {missed} missed, {len(goals) - met - missed} open."

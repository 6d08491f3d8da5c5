"""How good a learner is at each skill, and how many people of a team are how good."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from services.reporting.desk import Desk
from services.reporting.freshness import as_of
from services.reporting.practice import repository
from services.reporting.practice.records import Words
from services.reporting.practice.told import told_levels
from services.reporting.settings import report_settings
from services.reporting.trends.buckets import week_of
from services.reporting.trends.proficiency import (
    Level,
    Moments,
    Unknown,
    bands,
    levels,
)
from services.reporting.trends.stats.means import mean_of_people
from services.reporting.trends.telling import Told
from shared.contracts.reports.practice import (
    LearnerProficiency,
    LearnerProficiencyQuery,
    SkillProficiency,
    SuppressedSkill,
    TeamProficiency,
    TeamQuestion,
    TeamSkill,
    TierBand,
)
from shared.db.tx import tenant_tx


async def learner_proficiency(desk: Desk, query: LearnerProficiencyQuery) -> LearnerProficiency:
    """Answer for one person; nobody else is in the numbers, so none are held back."""
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        words = await repository.words(connection, query.tenant_id)
        person_id = await repository.person_of(connection, query.tenant_id, query.learner_id)
        rows: list[Moments] = []
        if person_id is not None:
            rows = await repository.person_moments(
                connection, query.tenant_id, person_id, query.today, query.source
            )
    known, unknown = levels([row for row in rows if words.is_shown(row.skill)])
    skills = [_known(each, words) for each in known] + [_unknown(each, words) for each in unknown]
    return LearnerProficiency(
        as_of=fresh,
        headline=_learner_headline(known, words),
        skills=tuple(sorted(skills, key=lambda each: each.skill)),
    )


async def team_proficiency(desk: Desk, query: TeamQuestion) -> TeamProficiency:
    """Answer with counts of people by tier, as of last Sunday: single new scores do not show."""
    until = last_sunday(query.today)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        words = await repository.words(connection, query.tenant_id)
        least = (await report_settings(connection, query.tenant_id)).min_people
        told = await told_levels(connection, query.tenant_id, query.team_id, until, words, least)
    shown, suppressed = team_skills(told, words, least)
    return TeamProficiency(
        as_of=fresh,
        headline=_team_headline(shown, suppressed, least),
        until=until,
        min_people=least,
        skills=shown,
        suppressed=suppressed,
    )


def last_sunday(today: date) -> date:
    """Return the last day of the ISO week before this one."""
    return week_of(today) - timedelta(days=1)


def team_skills(
    told: Mapping[str, Told | None], words: Words, least: int
) -> tuple[tuple[TeamSkill, ...], tuple[SuppressedSkill, ...]]:
    """Return a team's skills: those that may be told, and the others."""
    shown = tuple(
        _team_skill(skill, each, words, least) for skill, each in told.items() if each is not None
    )
    return shown, tuple(
        SuppressedSkill(skill=skill, reason="too_few_people")
        for skill, each in told.items()
        if each is None
    )


def _team_skill(skill: str, told: Told, words: Words, least: int) -> TeamSkill:
    values = [told.levels[person] for person in sorted(told.levels)]
    mean = mean_of_people(values)
    if mean is None:
        raise AssertionError("the least number of people is more than one")
    return TeamSkill(
        skill=skill,
        name=words.name(skill),
        until=told.until,
        people=len(values),
        mean=round(mean.value, 1),
        low=round(max(mean.low, 0), 1),
        high=round(min(mean.high, 100), 1),
        bands=tuple(
            TierBand(tiers=each.tiers, people=each.people) for each in bands(values, at_least=least)
        ),
    )


def _known(level: Level, words: Words) -> SkillProficiency:
    return SkillProficiency(
        skill=level.skill,
        name=words.name(level.skill),
        n=level.n,
        newest=level.newest,
        score=level.score,
        low=level.low,
        high=level.high,
        tier=level.tier,
        confidence=level.confidence,
    )


def _unknown(unknown: Unknown, words: Words) -> SkillProficiency:
    return SkillProficiency(
        skill=unknown.skill,
        name=words.name(unknown.skill),
        n=unknown.n,
        newest=unknown.newest,
        score=None,
        low=None,
        high=None,
        tier=None,
        confidence=None,
        reason="too_little_data",
    )


def _learner_headline(known: Sequence[Level], words: Words) -> str:
    if not known:
        return "No skill has three scores yet, so there is nothing to say."
    best = max(known, key=lambda each: each.score)
    worst = min(known, key=lambda each: each.score)
    if best is worst:
        return f"{words.name(best.skill)} is at {best.score} ({best.tier})."
    return (
        f"Strongest is {words.name(best.skill)} at {best.score} ({best.tier}); most to gain is in "
        f"{words.name(worst.skill)} at {worst.score} ({worst.tier})."
    )


def _team_headline(
    shown: Sequence[TeamSkill], suppressed: Sequence[SuppressedSkill], least: int
) -> str:
    if not shown and not suppressed:
        return "There are no scores yet."
    if not shown:
        return f"No skill has been seen often enough in at least {least} people."
    best, worst = max(shown, key=lambda each: each.mean), min(shown, key=lambda each: each.mean)
    if best is worst:
        return f"{best.name} is at {best.mean} on average of {best.people} people."
    return (
        f"Strongest is {best.name} at {best.mean} on average of {best.people} people; most to gain "
        f"is in {worst.name} at {worst.mean} of {worst.people}."
    )

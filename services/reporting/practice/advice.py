"""What a learner might practice next, and what a team might practice together."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.reporting.desk import Desk
from services.reporting.freshness import State, state
from services.reporting.practice import repository
from services.reporting.practice.exercise import exercise
from services.reporting.practice.proficiency import last_sunday, team_skills
from services.reporting.practice.records import Play, Shelf, Words
from services.reporting.practice.scenarios import counted, days_that_count
from services.reporting.practice.suggesting import suggestion
from services.reporting.practice.told import told_levels
from services.reporting.trends import next_practice as rule
from services.reporting.trends.proficiency import HALF_LIFE_DAYS, levels
from services.reporting.trends.scenario_quality import Played, fit
from shared.contracts.base import Record
from shared.contracts.reports.advice import (
    NextPractice,
    Suggestion,
    TeamExercise,
    TeamExerciseReply,
)
from shared.contracts.reports.base import ReportQuery
from shared.contracts.reports.practice import NextPracticeQuery, TeamExerciseQuery, TeamSkill
from shared.db.pool import Connection
from shared.db.tx import tenant_tx

UNKNOWN_MEAN = 60.0
"""Expected of a tenant that has not played anything yet: a little below the usual pass mark."""


class Standing(Record, frozen=True, kw_only=True):
    """What the tenant's attempts say about its scenarios."""

    mean: float
    """Of an average learner in an average scenario, 0..100."""
    ease: dict[UUID, float]
    """Points above the average scenario, of those that enough people have played."""
    people: dict[UUID, int]
    """How many those are."""


class Experience(NamedTuple):
    """What is expected of scenarios, played ones and others."""

    mean: float
    """Of an average learner in an average scenario."""
    ease: Mapping[UUID, float]
    """Points above the average scenario, measured or believed."""
    measured: frozenset[UUID]
    """Those that enough people have played."""


async def next_practice(desk: Desk, query: NextPracticeQuery) -> NextPractice:
    """Answer with scenarios for the learner's weakest skills, or for those seen too rarely."""
    tenant_id, today = query.tenant_id, query.today
    async with tenant_tx(desk.database, tenant_id) as connection:
        now = await state(connection, tenant_id, desk.clock)
        words = await repository.words(connection, tenant_id)
        shelves = await repository.library(connection, tenant_id)
        played = await _experience(desk, connection, query, today, now)
        person_id = await repository.person_of(connection, tenant_id, query.learner_id)
        plays: list[Play] = []
        rows = []
        if person_id is not None:
            plays = await repository.person_plays(connection, tenant_id, person_id, today)
            rows = await repository.person_moments(connection, tenant_id, person_id, today, "all")
    seen = experience(shelves, played)
    known, unknown = levels([row for row in rows if words.is_shown(row.skill)])
    level = rule.level_of(_weighted(plays, seen.ease, today), seen.mean)
    choices = rule.choose(
        rule.weak_first(known, unknown),
        options_of(shelves, seen, words, plays),
        level=level,
        today=today,
        amount=query.amount,
    )
    suggestions = tuple(suggestion(each, words) for each in choices)
    return NextPractice(
        as_of=now.as_of,
        headline=_headline(suggestions, is_known=bool(known)),
        level=round(level, 1),
        suggestions=suggestions,
    )


async def team_exercise(desk: Desk, query: TeamExerciseQuery) -> TeamExerciseReply:
    """Answer with one exercise for the weakest skill that enough people were seen in."""
    tenant_id, until = query.tenant_id, last_sunday(query.today)
    async with tenant_tx(desk.database, tenant_id) as connection:
        now = await state(connection, tenant_id, desk.clock)
        words = await repository.words(connection, tenant_id)
        shelves = await repository.library(connection, tenant_id)
        played = await _experience(desk, connection, query, query.today, now)
        least = now.settings.min_people
        told = await told_levels(connection, tenant_id, query.team_id, until, words, least)
    shown, _ = team_skills(told, words, least)
    found = _exercise(shown, shelves, experience(shelves, played), words)
    return TeamExerciseReply(
        as_of=now.as_of,
        headline=_team_headline(shown, found, least),
        until=until,
        min_people=least,
        exercise=found,
    )


def options_of(
    shelves: Sequence[Shelf], seen: Experience, words: Words, plays: Sequence[Play] = ()
) -> list[rule.Option]:
    """Return what can be played; of a learner who has roles, only scenarios of those roles.

    Somebody who has only ever practiced support is not sent into collections.
    """
    last = {play.scenario_id: play.day for play in sorted(plays, key=lambda each: each.day)}
    roles = {shelf.spec.role for shelf in shelves if shelf.scenario_id in last}
    return [
        rule.Option(
            scenario_id=shelf.scenario_id,
            slug=shelf.spec.slug,
            title=shelf.spec.title,
            role=shelf.spec.role.value,
            difficulty=shelf.spec.difficulty,
            pass_mark=shelf.rubric.target,
            skills=_exercised(shelf, words),
            ease=seen.ease[shelf.scenario_id],
            is_measured=shelf.scenario_id in seen.measured,
            handle_time_s=shelf.spec.expected_handle_time_s,
            last_played=last.get(shelf.scenario_id),
        )
        for shelf in shelves
        if not roles or shelf.spec.role in roles
    ]


def scored_skills(shelf: Shelf) -> frozenset[str]:
    """Return the skills that a scenario's rubric scores."""
    return frozenset(
        skill
        for section in shelf.rubric.sections
        for criterion in section.criteria
        for skill in criterion.skill_weights()
    )


def _exercised(shelf: Shelf, words: Words) -> dict[str, float]:
    said, scored = frozenset(shelf.spec.skills), scored_skills(shelf)
    return {
        skill: rule.BOTH
        if skill in said and skill in scored
        else rule.SAID
        if skill in said
        else rule.SCORED
        for skill in sorted(said | scored)
        if words.is_shown(skill)
    }


async def _experience(
    desk: Desk, connection: Connection, query: ReportQuery, today: date, now: State
) -> Standing:
    """Return what is known of the scenarios; kept for a while, for a big tenant plays a lot."""
    least = now.settings.min_people
    key = ("scenario standing", query.tenant_id, now.version, days_that_count(today), least)
    kept: Standing | None = None if desk.answers is None else desk.answers.get(key)
    if kept is not None:
        return kept
    _, players = await counted(connection, query.tenant_id, today, least)
    found = await asyncio.to_thread(standing, players)
    if desk.answers is not None:
        desk.answers.put(key, found)
    return found


def standing(played: Sequence[Played]) -> Standing:
    """Return what attempts say about scenarios."""
    found = fit(played)
    people = Counter(each.scenario_id for each in played)
    return Standing(
        mean=found.mean if played else UNKNOWN_MEAN, ease=found.scenarios, people=dict(people)
    )


def experience(shelves: Sequence[Shelf], found: Standing) -> Experience:
    """Return how easy each scenario is, and what an average learner gets in an average one."""
    return Experience(
        mean=found.mean,
        ease={
            shelf.scenario_id: rule.ease_of(
                shelf.spec.difficulty,
                found.ease.get(shelf.scenario_id),
                found.people.get(shelf.scenario_id, 0),
            )
            for shelf in shelves
        },
        measured=frozenset(found.ease),
    )


def _weighted(
    plays: Sequence[Play], ease: Mapping[UUID, float], today: date
) -> list[tuple[float, float, float]]:
    return [
        (0.5 ** ((today - play.day).days / HALF_LIFE_DAYS), play.overall, ease[play.scenario_id])
        for play in plays
        if play.overall is not None and play.scenario_id in ease
    ]


def _exercise(
    shown: Sequence[TeamSkill], shelves: Sequence[Shelf], seen: Experience, words: Words
) -> TeamExercise | None:
    """Return the exercise for the weakest skill below the goal that some scenario exercises.

    The expected score is that of the tenant's average learner: a team's own level in single
    scenarios would be one more number about few people.
    """
    options = options_of(shelves, seen, words)
    by_id = {shelf.scenario_id: shelf for shelf in shelves}
    weak = sorted(
        (each for each in shown if each.mean < rule.GOAL), key=lambda each: (each.mean, each.skill)
    )
    for skill in weak:
        option = rule.fittest(options, skill.skill, level=seen.mean)
        if option is not None:
            return exercise(
                skill,
                by_id[option.scenario_id],
                option,
                rule.expected_in(seen.mean, option),
                words,
            )
    return None


def _headline(suggestions: Sequence[Suggestion], *, is_known: bool) -> str:
    if suggestions:
        return suggestions[0].reason
    if is_known:
        return f"No skill that was seen is below {rule.GOAL}: keep it up."
    return "Nothing has been scored yet: start with any scenario."


def _team_headline(shown: Sequence[TeamSkill], found: TeamExercise | None, least: int) -> str:
    if found is not None:
        return found.reason
    if not shown:
        return f"No skill has been seen often enough in at least {least} people."
    return f"No skill is below {rule.GOAL} that a scenario exercises."

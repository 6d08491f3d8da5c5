"""What is counted of a scoring: an attempt, and a fact (one score of one skill) for each skill."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from shared.contracts.base import Record


class Attempt(Record, frozen=True, kw_only=True):
    """A scoring that counts, as its latest revision says."""

    scoring_id: UUID
    assessment_id: UUID
    revision: int
    person_id: UUID
    team_id: UUID | None
    """The person's team on that day; None when they were in none: no rollup counts it."""
    source: str
    """`simulation`, `call`, `chat` or `email`."""
    day: date
    """In the tenant's time zone."""
    rubric_id: UUID
    rubric_version: int
    engine: str
    """The judge's name and major version; a trend breaks where it changes."""
    scenario_id: UUID | None
    scenario_version: int | None
    simulation_id: UUID | None
    conversation_id: UUID | None
    overall: int | None
    """0..100; None when too little could be scored."""
    passed: bool | None
    """Whether `overall` reaches the rubric's target; None without either."""


class Counted(NamedTuple):
    """An attempt with the scores that its facts hold."""

    attempt: Attempt
    scores: Mapping[str, int]
    """By skill, 0..100."""


class Fact(Record, frozen=True, kw_only=True):
    """One scored skill of an attempt, as a row of its own."""

    scoring_id: UUID
    skill: str
    revision: int
    team_id: UUID | None
    person_id: UUID
    source: str
    day: date
    score: int
    """0..100."""


class FactKey(NamedTuple):
    """What makes a fact unique inside its tenant."""

    scoring_id: UUID
    skill: str


class Cell(NamedTuple):
    """What a rollup row is about, inside its tenant."""

    team_id: UUID
    skill: str
    source: str
    bucket: date
    """First day of the bucket (`buckets.bucket_of`)."""


class Change(NamedTuple):
    """The step from what is stored to what is wanted; a changed scoring is in both."""

    removed: tuple[Counted, ...]
    """As stored."""
    added: tuple[Counted, ...]
    """As wanted."""


def compare(stored: Mapping[UUID, Counted], wanted: Mapping[UUID, Counted]) -> Change:
    """Return what must be taken out of and put into what is stored, by scoring."""
    return Change(
        removed=tuple(each for key, each in stored.items() if wanted.get(key) != each),
        added=tuple(each for key, each in wanted.items() if stored.get(key) != each),
    )


def facts_of(counted: Iterable[Counted]) -> list[Fact]:
    """Return the facts of some scorings."""
    return [
        Fact(
            scoring_id=attempt.scoring_id,
            skill=skill,
            revision=attempt.revision,
            team_id=attempt.team_id,
            person_id=attempt.person_id,
            source=attempt.source,
            day=attempt.day,
            score=score,
        )
        for attempt, scores in counted
        for skill, score in scores.items()
    ]


def key_of(fact: Fact) -> FactKey:
    """Return the key of a fact."""
    return FactKey(fact.scoring_id, fact.skill)

"""What to practice next: scenarios for a learner, an exercise for a team.

Answers carry public ids (`scn_...`), as those about practice do.
"""

from datetime import date
from typing import Literal

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf


class ScenarioCard(Record, frozen=True, kw_only=True):
    """A scenario that is advised."""

    scenario_id: str
    slug: str
    title: str
    role: str
    difficulty: int
    """1..5."""
    pass_mark: int
    """The target of its rubric, 0..100."""
    is_measured: bool
    """Whether enough people have played it to know how hard it is; else its difficulty says so."""


class Suggestion(Record, frozen=True, kw_only=True):
    """What a learner might practice, and why."""

    why: Literal["improve", "observe"]
    """A weak skill, or one that was seen too rarely to say anything."""
    skill: str
    name: str
    score: float | None
    """Proficiency; None when the skill was seen too rarely."""
    n: int
    newest: date | None
    scenario: ScenarioCard
    expected: float
    """The overall score to expect there, 0..100, one decimal."""
    last_played: date | None
    is_rested: bool
    """False: it was played in the last 14 days, but nothing else exercises the skill."""
    reason: str
    """In words, made of the numbers here."""


class NextPractice(Record, frozen=True, kw_only=True):
    """What is advised first comes first."""

    as_of: AsOf
    headline: str
    level: float
    """The overall score to expect of this learner in an average scenario, one decimal."""
    suggestions: tuple[Suggestion, ...]


class ExerciseRole(Record, frozen=True, kw_only=True):
    """Who does what in a group exercise."""

    role: Literal["agent", "customer", "observers"]
    task: str


class WatchPoint(Record, frozen=True, kw_only=True):
    """What observers listen for."""

    look_for: tuple[str, ...]
    beware_of: tuple[str, ...]
    criteria: tuple[str, ...]
    """Titles of the rubric's criteria that score the skill."""


class TeamExercise(Record, frozen=True, kw_only=True):
    """A skill to work on together, and how."""

    skill: str
    name: str
    people: int
    mean: float
    low: float
    high: float
    """As in the team's proficiency."""
    scenario: ScenarioCard
    expected: float
    """Score to expect of the tenant's average learner there, 0..100, one decimal."""
    minutes: int
    """For two rounds with a talk after each."""
    roles: tuple[ExerciseRole, ...]
    watch: WatchPoint
    reason: str


class TeamExerciseReply(Record, frozen=True, kw_only=True):
    """One exercise, or none where nothing weak is known of enough people."""

    as_of: AsOf
    headline: str
    until: date
    min_people: int
    exercise: TeamExercise | None

"""What the questions read from Postgres, and what a tenant calls its skills."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec
from shared.library.skills import load_skills


class SkillWords(Record, frozen=True, kw_only=True):
    """A skill in the tenant's words."""

    name: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    is_hidden: bool = False


class Words(Record, frozen=True, kw_only=True):
    """What the tenant says about skills; the standard's words where it says nothing."""

    own: Mapping[str, SkillWords]

    def name(self, skill: str) -> str:
        """Return what to call a skill; its key when nobody has named it."""
        return self.of(skill).name

    def of(self, skill: str) -> SkillWords:
        """Return all words about a skill."""
        said, standard = self.own.get(skill), load_skills().get(skill)
        return SkillWords(
            name=(said and said.name) or (standard.name if standard else skill),
            good=(said and said.good) or (standard.good if standard else ()),
            bad=(said and said.bad) or (standard.bad if standard else ()),
        )

    def is_shown(self, skill: str) -> bool:
        """Say whether the tenant shows a skill."""
        said = self.own.get(skill)
        return said is None or not said.is_hidden


class Stay(Record, frozen=True, kw_only=True):
    """A time of one learner in a team."""

    learner_id: UUID
    valid_from: date
    valid_to: date | None
    """First day outside; None while a member."""


class Goal(Record, frozen=True, kw_only=True):
    """As `services/api/goals` keeps it."""

    goal_id: UUID
    kind: str
    skill: str | None
    target: int
    starts_on: date
    due_on: date


class SkillScore(Record, frozen=True, kw_only=True):
    """One score of a skill."""

    skill: str
    day: date
    score: int
    source: str


class WeekPlayed(Record, frozen=True, kw_only=True):
    """How many people played a scenario in one cut week."""

    scenario_id: UUID
    bucket: date
    """First day of the cut week."""
    people: int
    persons: tuple[UUID, ...] | None
    """Who they were; None where they are enough by themselves."""


class Play(Record, frozen=True, kw_only=True):
    """One attempt of a person in a scenario."""

    scenario_id: UUID
    day: date
    overall: int | None


class Shelf(Record, frozen=True, kw_only=True):
    """A scenario of the tenant with its rubric, in their newest versions."""

    scenario_id: UUID
    spec: ScenarioSpec
    rubric: RubricSpec

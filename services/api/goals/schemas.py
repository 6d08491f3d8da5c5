"""Requests and answers of `/v1/goals`."""

from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec

from services.api.fields import LearnerId, utc
from services.api.goals.repository import Goal, Kind
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.contracts.rubric import SkillKey
from shared.errors import FieldError
from shared.ids import format_id

MAX_ATTEMPTS: Final = 50
"""A week."""

LONGEST: Final = timedelta(days=2 * 366)

EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)
"""Dates outside are mistakes of the sender."""

Target = Annotated[
    int,
    msgspec.Meta(
        ge=1,
        le=100,
        description="`score`: a proficiency, up to 100. `attempts`: practice attempts a week, up"
        " to 50.",
    ),
]
DueOn = Annotated[date, msgspec.Meta(description="Last day that counts.")]


class GoalCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a goal."""

    learner_id: LearnerId
    kind: Kind
    """`score`: reach a proficiency in a skill. `attempts`: practice so often in every whole week.
    """
    skill: SkillKey | None = None
    """Needed by `score`. With `attempts` only those count in which the skill was scored."""
    target: Target
    starts_on: date | None = None
    """First day that counts; today when absent."""
    due_on: DueOn

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            for name, day in (("starts_on", self.starts_on), ("due_on", self.due_on))
            if day is not None and not EARLIEST <= day <= LATEST
        ]
        if self.kind == "score" and self.skill is None:
            errors.append(broken("/skill", "missing", "A score is that of a skill"))
        errors += wrong_target(self.kind, self.target)
        if errors:
            raise RuleError(*errors)


class GoalPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a goal; what is absent stays."""

    target: Target | None = None
    due_on: DueOn | None = None

    def __post_init__(self) -> None:
        if self.due_on is not None and not EARLIEST <= self.due_on <= LATEST:
            raise RuleError(
                broken("/due_on", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            )


class GoalQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    learner_id: LearnerId | None = None


class GoalView(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner wants to reach; how far it is, says a report of the learner's goals."""

    id: str
    learner_id: str
    kind: Kind
    skill: str | None
    target: int
    starts_on: date
    due_on: date
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, goal: Goal) -> "GoalView":
        """Return the public form."""
        return cls(
            id=format_id("goal", goal.goal_id),
            learner_id=format_id("lrn", goal.learner_id),
            kind=goal.kind,
            skill=goal.skill,
            target=goal.target,
            starts_on=goal.starts_on,
            due_on=goal.due_on,
            created_at=utc(goal.created_at),
            updated_at=utc(goal.updated_at),
        )


class GoalDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A goal that is gone."""

    id: str


def wrong_target(kind: Literal["score", "attempts"], target: int) -> list[FieldError]:
    """Return what is wrong with a target."""
    if kind == "attempts" and target > MAX_ATTEMPTS:
        return [broken("/target", "out-of-range", f"At most {MAX_ATTEMPTS} attempts a week")]
    return []


def wrong_days(
    kind: Literal["score", "attempts"], starts_on: date, due_on: date
) -> list[FieldError]:
    """Return what is wrong with the days of a goal."""
    if due_on < starts_on:
        return [broken("/due_on", "out-of-order", "A goal is due after it starts")]
    if due_on - starts_on > LONGEST:
        return [broken("/due_on", "out-of-range", "A goal takes two years at most")]
    monday = starts_on + timedelta(days=-starts_on.weekday() % 7)
    if kind == "attempts" and monday + timedelta(days=6) > due_on:
        detail = "Attempts are counted in whole weeks, Monday to Sunday: one at least"
        return [broken("/due_on", "out-of-range", detail)]
    return []

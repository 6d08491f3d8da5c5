"""A program: its values as they come in a body, rest sealed, and go out."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from services.api.fields import Name, Slug
from services.api.validation import RuleError, broken
from shared.contracts.reports.roi import Better, Isolation, Measure
from shared.errors import FieldError

MAX_MONEY: Final = 1e12
"""Largest amount, in the program's currency."""

MAX_NUMBER: Final = 1e12

EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2200, 1, 1)
MAX_DAYS: Final = 3 * 365
"""From the baseline's first day to the follow-up's last."""

Money = Annotated[float, msgspec.Meta(ge=0, le=MAX_MONEY)]
Number = Annotated[float, msgspec.Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
SkillKey = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z0-9_]+)+$", max_length=80, description="A skill.")
]
Currency = Annotated[
    str, msgspec.Meta(pattern="^[A-Z]{3}$", max_length=3, description="Code of ISO 4217.")
]
CostKind = Literal["design", "delivery", "licenses", "learner_time", "evaluation", "other"]

_SURVEYS: Final = frozenset({"csat", "nps", "ces"})


class CostItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cost: an amount, or hours and what an hour costs with everything on top."""

    kind: CostKind
    label: Name | None = None
    amount: Money | None = None
    hours: Money | None = None
    """Of all people together."""
    hourly_cost: Money | None = None
    """Salary, social costs and workplace."""

    def __post_init__(self) -> None:
        given = tuple(each is not None for each in (self.amount, self.hours, self.hourly_cost))
        if given not in {(True, False, False), (False, True, True)}:
            detail = "Give either amount, or hours and hourly_cost"
            raise RuleError(broken("/amount", "contradiction", detail))

    @property
    def total(self) -> float:
        """Money."""
        if self.amount is not None:
            return self.amount
        return (self.hours or 0.0) * (self.hourly_cost or 0.0)


class HandedInValues(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change that you measured or estimated, in the metric's own unit."""

    before: Number
    after: Number
    comparison_before: Number | None = None
    comparison_after: Number | None = None
    low: Number | None = None
    """90 % interval of the change that is left for the program."""
    high: Number | None = None
    people: Count | None = None
    """How many it was measured on; without them an interval is taken for an estimate."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{names[1]}", "missing", f"Give {names[0]} and {names[1]}, or neither")
            for names in (("comparison_before", "comparison_after"), ("low", "high"))
            if (getattr(self, names[0]) is None) != (getattr(self, names[1]) is None)
        ]
        if self.low is not None and self.high is not None and self.low > self.high:
            errors.append(
                broken("/high", "out-of-range", "An interval's high is not under its low")
            )
        elif self.low is not None and self.high is not None and not self._is_inside:
            detail = "The interval does not hold the change that is left for the program"
            errors.append(broken("/low", "contradiction", detail))
        if errors:
            raise RuleError(*errors)

    @property
    def _is_inside(self) -> bool:
        effect = self.after - self.before
        if self.comparison_before is not None and self.comparison_after is not None:
            effect -= self.comparison_after - self.comparison_before
        return (self.low or 0.0) <= effect <= (self.high or 0.0)


class ProgramMetric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An outcome that the program should move."""

    key: Slug
    label: Name
    measure: Measure
    """`handed_in`: your own figures; the others are measured here."""
    skill: SkillKey | None = None
    """Of `skill`: its score in real calls."""
    form: Slug | None = None
    """The survey of `csat`, `nps` and `ces`."""
    better: Better | None = None
    """Which way is an improvement; `down` for handle time, else `up` when absent."""
    unit: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=40)] | None = None
    unit_value: Money | None = None
    """Money for a change by one unit; absent: an effect without a price."""
    units_per_year: Money | None = None
    """How often that comes about in a year; 1 when absent."""
    isolation_share: Share = 0.0
    """How much of the change is the program's, where nothing isolates it but an estimate; nothing
    of it when absent.
    """
    confidence_share: Share = 1.0
    """How sure you are of these figures; the benefit is multiplied by it."""
    handed_in: HandedInValues | None = None

    def __post_init__(self) -> None:
        wanted = {
            "skill": self.measure == "skill",
            "form": self.measure in _SURVEYS,
            "handed_in": self.measure == "handed_in",
        }
        errors = []
        for name, is_wanted in wanted.items():
            is_given = getattr(self, name) is not None
            if is_wanted and not is_given:
                errors.append(broken(f"/{name}", "missing", f"The measure needs {name}"))
            elif is_given and not is_wanted:
                errors.append(broken(f"/{name}", "contradiction", f"The measure has no {name}"))
        if errors:
            raise RuleError(*errors)

    @property
    def direction(self) -> Better:
        """Which way is an improvement."""
        return self.better or ("down" if self.measure == "handle_time" else "up")


class ProgramReaction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What participants said of the program, counted by you."""

    invited: Count
    answered: Count
    positive: Count

    def __post_init__(self) -> None:
        if not self.positive <= self.answered <= self.invited:
            detail = "No more are positive than answered, and no more answered than were invited"
            raise RuleError(broken("/answered", "out-of-range", detail))


Costs = Annotated[tuple[CostItem, ...], msgspec.Meta(min_length=1, max_length=100)]
Metrics = Annotated[tuple[ProgramMetric, ...], msgspec.Meta(max_length=20)]
Intangibles = Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)]


class Worth(msgspec.Struct, frozen=True, kw_only=True):
    """What rests sealed: texts and money."""

    name: str
    currency: str
    costs: tuple[CostItem, ...]
    metrics: tuple[ProgramMetric, ...]
    intangibles: tuple[str, ...]
    reaction: ProgramReaction | None


class People(msgspec.Struct, frozen=True, kw_only=True):
    """A cohort; exactly one is filled."""

    team_ids: tuple[UUID, ...] = ()
    learner_ids: tuple[UUID, ...] = ()


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Days and method."""

    baseline_from: date
    starts_on: date
    ends_on: date
    measured_to: date
    isolation: Isolation
    reaction_form: str | None


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A program, opened."""

    program_id: UUID
    treated: People
    comparison: People | None
    course: Course
    worth: Worth
    created_at: datetime
    updated_at: datetime


def wrong_course(course: Course, *, has_comparison: bool) -> list[FieldError]:
    """Return what does not fit together in days and method."""
    errors = []
    days = ("baseline_from", "starts_on", "ends_on", "measured_to")
    for name, day in ((name, getattr(course, name)) for name in days):
        if not EARLIEST <= day <= LATEST:
            detail = f"A date is between {EARLIEST} and {LATEST}"
            errors.append(broken(f"/{name}", "out-of-range", detail))
    if errors:
        return errors
    if course.starts_on <= course.baseline_from:
        errors.append(broken("/starts_on", "out-of-range", "The baseline has at least one day"))
    if course.ends_on < course.starts_on:
        errors.append(broken("/ends_on", "out-of-range", "A program ends after it starts"))
    if course.measured_to <= course.ends_on:
        errors.append(broken("/measured_to", "out-of-range", "The follow-up has at least one day"))
    if (course.measured_to - course.baseline_from).days > MAX_DAYS:
        errors.append(broken("/measured_to", "out-of-range", "A program spans 3 years at most"))
    if course.isolation == "comparison" and not has_comparison:
        detail = "There is nobody to compare with"
        errors.append(broken("/isolation", "contradiction", detail))
    return errors


def wrong_metrics(metrics: tuple[ProgramMetric, ...]) -> list[FieldError]:
    """Return metrics whose key another one has."""
    keys = [metric.key for metric in metrics]
    return [
        broken(f"/metrics/{index}/key", "repeated", "Another metric has this key")
        for index, key in enumerate(keys)
        if key in keys[:index]
    ]

"""Requests and answers of `/v1/programs`."""

from datetime import date, datetime
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec

from services.api.fields import LearnerId, Name, Slug, TeamId, utc
from services.api.programs.records import (
    Costs,
    Course,
    Currency,
    Intangibles,
    Metrics,
    People,
    Program,
    ProgramReaction,
    Worth,
    wrong_course,
    wrong_metrics,
)
from services.api.validation import RuleError, broken
from shared.contracts.reports.roi import Isolation
from shared.errors import FieldError
from shared.ids import format_id, parse_id

Part = TypeVar("Part", Course, Worth)

Teams = Annotated[
    tuple[TeamId, ...],
    msgspec.Meta(min_length=1, max_length=100, description="Everybody in these teams."),
]
Learners = Annotated[
    tuple[LearnerId, ...],
    msgspec.Meta(
        min_length=5,
        max_length=2000,
        description="These people. With the people of any other program they share nobody, at"
        " least five or all of them, and each list has nobody or at least five of its own.",
    ),
]


class ProgramCohort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Teams, or learners."""

    team_ids: Teams | None = None
    learner_ids: Learners | None = None

    def __post_init__(self) -> None:
        if (self.team_ids is None) == (self.learner_ids is None):
            detail = "Give either team_ids or learner_ids"
            raise RuleError(broken("/team_ids", "contradiction", detail))

    def people(self) -> People:
        """Return the ids, each once."""
        return People(
            team_ids=_distinct("team", self.team_ids),
            learner_ids=_distinct("lrn", self.learner_ids),
        )

    @classmethod
    def of(cls, people: People) -> "ProgramCohort":
        """Return the public form."""
        return cls(
            team_ids=tuple(format_id("team", each) for each in people.team_ids) or None,
            learner_ids=tuple(format_id("lrn", each) for each in people.learner_ids) or None,
        )


class ProgramCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Describe a program."""

    name: Name
    treated: ProgramCohort
    """Who took part."""
    comparison: ProgramCohort | None = None
    """Who did not, and is comparable; of the same form as `treated`."""
    baseline_from: date
    """First day that is compared with; the baseline ends the day before the start."""
    starts_on: date
    ends_on: date
    measured_to: date
    """Last day of the follow-up, which begins the day after the end."""
    isolation: Isolation | None = None
    """How the program's effect is told from everything else; `comparison` when absent and there is
    one, else `estimate`."""
    currency: Currency
    costs: Costs
    """Everything: design, delivery, licenses, the time of those who learn."""
    metrics: Metrics = ()
    intangibles: Intangibles = ()
    """Effects without a price, in your words."""
    reaction: ProgramReaction | None = None
    reaction_form: Slug | None = None
    """A survey that asks learners, where you did not count the reaction yourself."""

    def __post_init__(self) -> None:
        errors = [
            *wrong_course(self.course(), has_comparison=self.comparison is not None),
            *wrong_metrics(self.metrics),
            *_wrong_cohorts(self.treated, self.comparison),
        ]
        if errors:
            raise RuleError(*errors)

    def course(self) -> Course:
        """Return days and method."""
        default: Isolation = "estimate" if self.comparison is None else "comparison"
        return Course(
            baseline_from=self.baseline_from,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            measured_to=self.measured_to,
            isolation=self.isolation or default,
            reaction_form=self.reaction_form,
        )

    def worth(self) -> Worth:
        """Return texts and money."""
        return Worth(
            name=self.name,
            currency=self.currency,
            costs=self.costs,
            metrics=self.metrics,
            intangibles=self.intangibles,
            reaction=self.reaction,
        )


class ProgramPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a program; what is absent stays as it is. Its people stay: others are another one."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    baseline_from: date | msgspec.UnsetType = msgspec.UNSET
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: date | msgspec.UnsetType = msgspec.UNSET
    measured_to: date | msgspec.UnsetType = msgspec.UNSET
    isolation: Isolation | msgspec.UnsetType = msgspec.UNSET
    currency: Currency | msgspec.UnsetType = msgspec.UNSET
    costs: Costs | msgspec.UnsetType = msgspec.UNSET
    metrics: Metrics | msgspec.UnsetType = msgspec.UNSET
    intangibles: Intangibles | msgspec.UnsetType = msgspec.UNSET
    reaction: ProgramReaction | msgspec.UnsetType | None = msgspec.UNSET
    reaction_form: Slug | msgspec.UnsetType | None = msgspec.UNSET

    def apply(self, before: Program) -> tuple[Course, Worth]:
        """Return what the program shall be; whether that fits together is for the service."""
        return _changed(before.course, self), _changed(before.worth, self)


class ProgramView(msgspec.Struct, frozen=True, kw_only=True):
    """A program."""

    id: str
    name: str
    treated: ProgramCohort
    comparison: ProgramCohort | None
    baseline_from: date
    starts_on: date
    ends_on: date
    measured_to: date
    isolation: Isolation
    currency: str
    costs: Costs
    total_costs: float
    metrics: Metrics
    intangibles: tuple[str, ...]
    reaction: ProgramReaction | None
    reaction_form: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, program: Program) -> "ProgramView":
        """Return the public form."""
        course, worth, other = program.course, program.worth, program.comparison
        return cls(
            id=format_id("prog", program.program_id),
            name=worth.name,
            treated=ProgramCohort.of(program.treated),
            comparison=None if other is None else ProgramCohort.of(other),
            baseline_from=course.baseline_from,
            starts_on=course.starts_on,
            ends_on=course.ends_on,
            measured_to=course.measured_to,
            isolation=course.isolation,
            currency=worth.currency,
            costs=worth.costs,
            total_costs=round(sum(item.total for item in worth.costs), 2),
            metrics=worth.metrics,
            intangibles=worth.intangibles,
            reaction=worth.reaction,
            reaction_form=course.reaction_form,
            created_at=utc(program.created_at),
            updated_at=utc(program.updated_at),
        )


def _changed(before: Part, patch: ProgramPatch) -> Part:
    given = {
        name: value
        for name in before.__struct_fields__
        if (value := getattr(patch, name)) is not msgspec.UNSET
    }
    return msgspec.structs.replace(before, **given)


def _distinct(prefix: str, texts: tuple[str, ...] | None) -> tuple[UUID, ...]:
    return tuple(dict.fromkeys(parse_id(prefix, each) for each in texts or ()))


def _wrong_cohorts(treated: ProgramCohort, other: ProgramCohort | None) -> list[FieldError]:
    if other is None:
        return []
    if (treated.team_ids is None) != (other.team_ids is None):
        detail = "Compare teams with teams, or learners with learners"
        return [broken("/comparison", "contradiction", detail)]
    name = "learner_ids" if treated.team_ids is None else "team_ids"
    taken = set(getattr(treated, name))
    return [
        broken(f"/comparison/{name}/{index}", "repeated", "This one is treated already")
        for index, each in enumerate(getattr(other, name))
        if each in taken
    ]

"""What a list is asked for, as parameters of a query and as what they stand for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from typing_extensions import override

from services.api.fields import ExternalId, LearnerId, RubricRef, ScenarioRef, TeamId
from services.api.filters.expand import Expand, unknown_paths
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.errors import FieldError

Source = Literal["simulation", "call", "chat", "email"]

_NOT_PIECES = frozenset({"team", "is_by_occurrence"})

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Bound = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of a list must be; None: anything. Each name has a piece of SQL."""

    learner_id: UUID | None = None
    scenario_id: UUID | None = None
    rubric_id: UUID | None = None
    operation_id: UUID | None = None
    status: str | None = None
    language: str | None = None
    source: str | None = None
    external_id: bytes | None = None
    """Keyed hash."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    occurred_after: datetime | None = None
    occurred_before: datetime | None = None
    score_min: int | None = None
    score_max: int | None = None
    is_assessed: bool | None = None
    team: tuple[UUID, str] | None = None
    """A team, and the tenant's time zone: where the days of its members begin."""

    @property
    def is_by_occurrence(self) -> bool:
        """Whether the list is in order of what happened, not of what came in."""
        return not (self.occurred_after is None and self.occurred_before is None)

    def asked(self) -> Iterator[tuple[str, Any]]:
        """Yield each filter that is set, by the name of its piece."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and name not in _NOT_PIECES:
                yield name, value


class FilterQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters that every list about conversations has."""

    REPEATABLE: ClassVar[frozenset[str]] = frozenset({"expand"})
    EXPANDABLE: ClassVar[tuple[str, ...]] = ()

    learner_id: LearnerId | None = None
    team_id: Annotated[
        TeamId | None,
        msgspec.Meta(description="Of people who were in this team on the day it happened."),
    ] = None
    scenario: Annotated[
        ScenarioRef | None, msgspec.Meta(description="Slug or id, in any version.")
    ] = None
    external_id: Annotated[
        ExternalId | None,
        msgspec.Meta(description="Your own id of the learner, or of the conversation."),
    ] = None
    created_after: Annotated[Moment | None, msgspec.Meta(description="At or after this time.")] = (
        None
    )
    created_before: Annotated[Moment | None, msgspec.Meta(description="Before this time.")] = None
    score_min: Annotated[
        Bound | None, msgspec.Meta(description="Overall score of the revision that counts.")
    ] = None
    score_max: Annotated[
        Bound | None, msgspec.Meta(description="Overall score of the revision that counts.")
    ] = None
    expand: Expand = None

    def __post_init__(self) -> None:
        errors = [*self.contradictions()]
        if errors:
            raise RuleError(*errors)

    def contradictions(self) -> Iterator[FieldError]:
        """Yield each parameter that leaves nothing over beside another one."""
        yield from unknown_paths(self.expand, self.EXPANDABLE)
        yield from before_after("created", self.created_after, self.created_before)
        least, most = self.score_min, self.score_max
        if least is not None and most is not None and most < least:
            yield broken("/score_max", "out-of-order", "This is under score_min")

    @property
    def is_scored(self) -> bool:
        """Whether only what has a score is asked for."""
        return not (self.score_min is None and self.score_max is None)


class ConversationQuery(FilterQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of lists that hold simulations and conversations handed in alike."""

    source: Source | None = None
    rubric: Annotated[RubricRef | None, msgspec.Meta(description="Slug or id, in any version.")] = (
        None
    )
    occurred_after: Annotated[
        Moment | None,
        msgspec.Meta(description="Happened at or after this time; the list is in that order."),
    ] = None
    occurred_before: Annotated[
        Moment | None,
        msgspec.Meta(description="Happened before this time; the list is in that order."),
    ] = None

    @override
    def contradictions(self) -> Iterator[FieldError]:
        yield from super().contradictions()
        yield from before_after("occurred", self.occurred_after, self.occurred_before)
        if self.scenario is not None and self.source not in {None, "simulation"}:
            yield broken("/scenario", "contradiction", "Only simulations have a scenario")


def before_after(
    what: str, after: datetime | None, before: datetime | None
) -> Iterator[FieldError]:
    """Yield the error of a time span that is empty."""
    if after is not None and before is not None and before <= after:
        yield broken(f"/{what}_before", "out-of-order", f"This is no later than {what}_after")

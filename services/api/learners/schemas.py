"""Requests and answers of `/v1/learners`."""

from datetime import date, datetime
from typing import Annotated

import msgspec

from services.api.fields import ExternalId, Name, TeamId, utc
from services.api.learners.repository import Learner, Membership
from services.api.metadata import Metadata
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.ids import format_id, parse_id

MAX_MEMBERSHIPS = 100

EARLIEST = date(1970, 1, 1)
LATEST = date(2200, 1, 1)
"""Dates outside are mistakes of the sender."""


class MembershipCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in a team."""

    team_id: TeamId
    start: date | None = msgspec.field(name="from", default=None)
    """First day; today when absent."""
    end: date | None = msgspec.field(name="to", default=None)
    """First day outside the team; absent while a member."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            for name, day in (("from", self.start), ("to", self.end))
            if day is not None and not EARLIEST <= day <= LATEST
        ]
        if self.start is not None and self.end is not None and self.end <= self.start:
            errors.append(broken("/to", "out-of-order", "A membership ends after it starts"))
        if errors:
            raise RuleError(*errors)

    def period(self, today: date) -> Membership:
        """Return the membership; without a first day it starts today."""
        return Membership(
            team_id=parse_id("team", self.team_id), start=self.start or today, end=self.end
        )


class LearnerCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a learner."""

    external_id: ExternalId
    name: Name | None = None
    memberships: Annotated[
        tuple[MembershipCreate, ...], msgspec.Meta(max_length=MAX_MEMBERSHIPS)
    ] = ()
    metadata: Metadata = msgspec.field(default_factory=dict)


class MembershipPut(MembershipCreate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time in a team; the first day must be said: today's would be another one tomorrow."""

    start: date = msgspec.field(name="from")
    """First day."""


class MembershipsPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All memberships of a learner, past and present; an empty list: in no team, ever."""

    memberships: Annotated[tuple[MembershipPut, ...], msgspec.Meta(max_length=MAX_MEMBERSHIPS)]


class LearnerQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    external_id: ExternalId | None = None


class MembershipView(msgspec.Struct, frozen=True, kw_only=True):
    """A time in a team."""

    team_id: str
    start: date = msgspec.field(name="from")
    end: date | None = msgspec.field(name="to")
    """First day outside the team; null while a member."""


class LearnerView(msgspec.Struct, frozen=True, kw_only=True):
    """A person who practices."""

    id: str
    external_id: str
    name: str | None
    memberships: list[MembershipView]
    metadata: dict[str, str]
    """Your own keys and values."""
    created_at: datetime

    @classmethod
    def of(cls, learner: Learner) -> "LearnerView":
        """Return the public form."""
        return cls(
            id=format_id("lrn", learner.learner_id),
            external_id=learner.external_id,
            name=learner.name,
            memberships=[
                MembershipView(
                    team_id=format_id("team", each.team_id), start=each.start, end=each.end
                )
                for each in learner.memberships
            ],
            metadata=learner.metadata,
            created_at=utc(learner.created_at),
        )

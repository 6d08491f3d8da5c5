"""Requests and answers of `/v1/users`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.api.fields import LearnerId, Name, TeamId, public, utc
from services.api.paging import PageQuery
from services.api.users.records import User, UserFacts
from shared.ids import format_id, parse_id
from shared.roles import Role

UserName = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^\S+$",
        max_length=320,
        description="Unique within your tenant, whatever its case; often an e-mail address.",
    ),
]
Email = Annotated[
    str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320, description="For people.")
]
TeamIds = Annotated[
    tuple[TeamId, ...],
    msgspec.Meta(
        max_length=100,
        description="Only people who are in one of these teams. Null or absent: everybody, and for"
        " a coach nobody.",
    ),
]


class UserCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a user."""

    user_name: UserName
    email: Email | None = None
    display_name: Name | None = None
    role: Role | None = None
    """Null: they may do nothing yet."""
    team_ids: TeamIds | None = None
    learner_id: LearnerId | None = None
    """Who the person is as a learner."""
    active: bool = True

    def facts(self) -> UserFacts:
        """Return what the service takes."""
        return UserFacts(
            user_name=self.user_name,
            email=self.email,
            display_name=self.display_name,
            role=self.role,
            team_ids=_teams(self.team_ids),
            learner_id=_learner(self.learner_id),
            active=self.active,
        )


class UserPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a user; what is absent stays as it is."""

    user_name: UserName | msgspec.UnsetType = msgspec.UNSET
    email: Email | msgspec.UnsetType | None = msgspec.UNSET
    display_name: Name | msgspec.UnsetType | None = msgspec.UNSET
    role: Role | msgspec.UnsetType | None = msgspec.UNSET
    team_ids: TeamIds | msgspec.UnsetType | None = msgspec.UNSET
    learner_id: LearnerId | msgspec.UnsetType | None = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET
    """False: they cannot sign in, and within 5 seconds their keys are good no more."""

    def apply(self, before: User) -> UserFacts:
        """Return what the user shall be."""
        given: dict[str, Any] = {
            name: value
            for name in ("user_name", "email", "display_name", "role", "active")
            if (value := getattr(self, name)) is not msgspec.UNSET
        }
        if self.team_ids is not msgspec.UNSET:
            given["team_ids"] = _teams(self.team_ids)
        if self.learner_id is not msgspec.UNSET:
            given["learner_id"] = _learner(self.learner_id)
        kept = {name: getattr(before, name) for name in UserFacts.__struct_fields__}
        return UserFacts(**(kept | given))


class UserQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    user_name: UserName | None = None
    role: Role | None = None
    active: bool | None = None


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    id: str
    user_name: str
    email: str | None
    display_name: str | None
    role: Role | None
    team_ids: list[str] | None
    learner_id: str | None
    active: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserView":
        """Return the public form."""
        teams = user.team_ids
        return cls(
            id=format_id("usr", user.user_id),
            user_name=user.user_name,
            email=user.email,
            display_name=user.display_name,
            role=user.role,
            team_ids=None if teams is None else [format_id("team", each) for each in teams],
            learner_id=public("lrn", user.learner_id),
            active=user.active,
            created_at=utc(user.created_at),
            updated_at=utc(user.updated_at),
        )


class UserDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A user who is gone, with their keys."""

    id: str


def _teams(texts: Sequence[str] | None) -> tuple[UUID, ...] | None:
    return None if texts is None else tuple(parse_id("team", each) for each in dict.fromkeys(texts))


def _learner(text: str | None) -> UUID | None:
    return None if text is None else parse_id("lrn", text)

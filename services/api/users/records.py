"""People who sign in, as services see them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.roles import Role
from shared.trail.entries import digest

USER_NAME: Final = "users.user_name"
"""Columns under which texts are sealed with the tenant's key; the row is the user's id."""
EMAIL: Final = "users.email"
DISPLAY_NAME: Final = "users.display_name"


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody decides about a user."""

    user_name: str
    """Unique in the tenant, whatever its case; often an e-mail address."""
    email: str | None = None
    display_name: str | None = None
    role: Role | None = None
    """None: may do nothing; people who are learners only."""
    team_ids: tuple[UUID, ...] | None = None
    """Only people of these teams. None: all, and for a coach nobody."""
    learner_id: UUID | None = None
    """Who the person is as a learner."""
    active: bool = True
    """Whether they can sign in, and whether their keys are good."""


class User(UserFacts, frozen=True, kw_only=True):
    """A stored user."""

    user_id: UUID
    created_at: datetime
    updated_at: datetime

    @property
    def is_reigning(self) -> bool:
        """Whether this is an owner who can act."""
        return self.active and self.role == "owner"


def rights_digest(user: UserFacts) -> bytes:
    """Return 32 bytes that stand for what a user may do; names and addresses are not in it."""
    rights: dict[str, Any] = {
        "role": user.role,
        "team_ids": None if user.team_ids is None else sorted(str(each) for each in user.team_ids),
        "learner_id": user.learner_id,
        "active": user.active,
    }
    return digest(rights)


def name_key(user_name: str) -> str:
    """Return what the keyed hash of a user name is made of: the same for every case."""
    return f"user_name\0{user_name.casefold()}"

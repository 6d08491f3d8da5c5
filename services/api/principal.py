"""Who is calling, and what of the tenant they may see."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shared.errors import ScopeMissingError
from shared.keys import Environment
from shared.roles import is_bounded, scopes_of
from shared.trail.entries import Actor

Bounds = tuple[UUID, UUID | None, list[UUID] | None, date]
"""First arguments of every query for a caller: tenant, bound learner, bound teams, today."""


_WIDER: Final = {"simulations:observe": "simulations:read"}
"""Scopes that another one holds: who may read conversations may watch them."""


MINT: Final = "learner_tokens:write"
"""A key that may no longer make tokens has none that are good."""


class TokenBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner token narrows further than its key and its learner do."""

    simulation_id: UUID | None
    """Only this conversation; None: all of the learner's."""
    scenario: tuple[str, str] | None
    """Id and slug of the only scenario that may be started; None: any."""
    origin: str | None
    """Only from pages of this origin; None: from those the tenant allows."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a tenant's API key, of a learner token that was made with one, or a person."""

    tenant_id: UUID
    key_id: UUID
    """Of a person who signed in without a key: their own id."""
    scopes: frozenset[str]
    team_ids: tuple[UUID, ...] | None
    """Only people who are in one of these teams today; None means all."""
    learner_id: UUID | None
    """Only this learner; None means all."""
    time_zone: ZoneInfo
    """The tenant's: where a day begins."""
    environment: Environment = "live"
    token: TokenBounds | None = None
    """Of a learner token; None for the key itself."""
    user_id: UUID | None = None
    """Who signed in, or whose key it is; None: a key of a program."""
    role: str | None = None
    """The person's; None: a key of a program."""

    @property
    def actor(self) -> Actor:
        """Who the audit trail says it was."""
        if self.token is not None:
            return Actor(kind="token", id=self.key_id)
        if self.user_id is not None:
            return Actor(kind="user", id=self.user_id)
        return Actor(kind="key", id=self.key_id)

    @property
    def is_sign_in(self) -> bool:
        """Whether a person signed in without any key."""
        return self.key_id == self.user_id

    @property
    def is_bound(self) -> bool:
        """Whether some people of the tenant are hidden from this caller."""
        return self.team_ids is not None or self.learner_id is not None

    def require(self, scope: str) -> None:
        """Check a scope.

        Raises:
            ScopeMissingError: the key does not have it.
        """
        if not self.has(scope):
            raise ScopeMissingError(f"This needs the scope {scope}")

    def has(self, scope: str) -> bool:
        """Say whether the caller has a scope, itself or within another one."""
        return scope in self.scopes or _WIDER.get(scope) in self.scopes

    def today(self, now: datetime) -> date:
        """Return the tenant's day."""
        return now.astimezone(self.time_zone).date()

    def bounds(self, now: datetime) -> Bounds:
        """Return what limits a query for this caller; see `Bounds`."""
        teams = None if self.team_ids is None else list(self.team_ids)
        return (self.tenant_id, self.learner_id, teams, self.today(now))


def team_bounds(role: str | None, team_ids: Sequence[UUID] | None) -> tuple[UUID, ...] | None:
    """Return the teams a person is kept to; None: all. A coach without teams sees nobody."""
    if team_ids is None:
        return () if is_bounded(role) else None
    return tuple(team_ids)


def both(one: tuple[UUID, ...] | None, other: tuple[UUID, ...] | None) -> tuple[UUID, ...] | None:
    """Return the teams that two bounds leave; None: all."""
    if one is None or other is None:
        return other if one is None else one
    return tuple(each for each in one if each in set(other))


def person(
    *,
    tenant_id: UUID,
    user_id: UUID,
    role: str | None,
    team_ids: Sequence[UUID] | None,
    time_zone: str,
    learner_id: UUID | None = None,
    scopes: frozenset[str] | None = None,
) -> Principal:
    """Return the principal of somebody who signed in without an API key.

    Args:
        tenant_id: Whose person.
        user_id: Who.
        role: What they may do; none: nothing but `scopes`.
        team_ids: The teams of `app.users`; None: all, for roles that see all.
        time_zone: IANA name of the tenant's.
        learner_id: Only this learner; for people who are nothing but learners.
        scopes: In place of the role's. Learner tokens are made with a key, never by a person.
    """
    return Principal(
        tenant_id=tenant_id,
        key_id=user_id,
        user_id=user_id,
        role=role,
        scopes=(scopes_of(role) if scopes is None else scopes) - {MINT},
        team_ids=team_bounds(role, team_ids),
        learner_id=learner_id,
        time_zone=ZoneInfo(time_zone),
    )

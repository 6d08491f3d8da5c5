"""Who is calling, and what of the tenant they may see."""

from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shared.errors import ScopeMissingError
from shared.keys import Environment

Bounds = tuple[UUID, UUID | None, list[UUID] | None, date]
"""First arguments of every query for a caller: tenant, bound learner, bound teams, today."""


_WIDER: Final = {"simulations:observe": "simulations:read"}
"""Scopes that another one holds: who may read conversations may watch them."""


class TokenBounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner token narrows further than its key and its learner do."""

    simulation_id: UUID | None
    """Only this conversation; None: all of the learner's."""
    scenario: tuple[str, str] | None
    """Id and slug of the only scenario that may be started; None: any."""
    origin: str | None
    """Only from pages of this origin; None: from those the tenant allows."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a tenant's API key, or of a learner token that was made with one."""

    tenant_id: UUID
    key_id: UUID
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

    def require(self, scope: str) -> None:
        """Check a scope.

        Raises:
            ScopeMissingError: the key does not have it.
        """
        if scope not in self.scopes and _WIDER.get(scope) not in self.scopes:
            raise ScopeMissingError(f"This needs the scope {scope}")

    def today(self, now: datetime) -> date:
        """Return the tenant's day."""
        return now.astimezone(self.time_zone).date()

    def bounds(self, now: datetime) -> Bounds:
        """Return what limits a query for this caller; see `Bounds`."""
        teams = None if self.team_ids is None else list(self.team_ids)
        return (self.tenant_id, self.learner_id, teams, self.today(now))

"""Who is calling, and what of the tenant they may see."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shared.errors import ScopeMissingError

Bounds = tuple[UUID, UUID | None, list[UUID] | None, date]
"""First arguments of every query for a caller: tenant, bound learner, bound teams, today."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of a tenant's API key."""

    tenant_id: UUID
    key_id: UUID
    scopes: frozenset[str]
    team_ids: tuple[UUID, ...] | None
    """Only people who are in one of these teams today; None means all."""
    learner_id: UUID | None
    """Only this learner; None means all."""
    time_zone: ZoneInfo
    """The tenant's: where a day begins."""

    def require(self, scope: str) -> None:
        """Check a scope.

        Raises:
            ScopeMissingError: the key does not have it.
        """
        if scope not in self.scopes:
            raise ScopeMissingError(f"This needs the scope {scope}")

    def today(self, now: datetime) -> date:
        """Return the tenant's day."""
        return now.astimezone(self.time_zone).date()

    def bounds(self, now: datetime) -> Bounds:
        """Return what limits a query for this caller; see `Bounds`."""
        teams = None if self.team_ids is None else list(self.team_ids)
        return (self.tenant_id, self.learner_id, teams, self.today(now))

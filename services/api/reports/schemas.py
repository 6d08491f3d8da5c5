"""Requests and answers of `/v1/reports`."""

from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec

from services.api.validation import RuleError, broken
from shared.contracts.reporting import MAX_TREND_WEEKS, TrendPoint

DEFAULT_RANGE = timedelta(weeks=12)

MAX_RANGE = timedelta(weeks=MAX_TREND_WEEKS - 2)
"""Two less than reporting takes, because a range is widened to whole weeks at both ends."""

EARLIEST = date(2000, 1, 1)
LATEST = date(2200, 1, 1)

TrendSource = Literal["simulation", "call", "all"]


class TrendParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trend."""

    skill: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z0-9_]+)*$", max_length=80)] | None,
        msgspec.Meta(description="One skill of the taxonomy (or root); all when absent."),
    ] = None
    level: Annotated[
        Literal["skill", "root"],
        msgspec.Meta(description="`root`: the nine roots, each over all its skills."),
    ] = "skill"
    start: date | None = msgspec.field(name="from", default=None)
    """First day; 12 weeks before the last when absent."""
    end: date | None = msgspec.field(name="to", default=None)
    """Last day; today when absent."""
    source: TrendSource = "all"

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            for name, day in (("from", self.start), ("to", self.end))
            if day is not None and not EARLIEST <= day <= LATEST
        ]
        if errors:
            raise RuleError(*errors)

    def range(self, today: date) -> tuple[date, date]:
        """Return first and last day, both inclusive."""
        end = self.end or today
        return self.start or end - DEFAULT_RANGE, end


class TrendView(msgspec.Struct, frozen=True, kw_only=True):
    """A team's trend by week."""

    team_id: str
    skill: str | None
    level: Literal["skill", "root"]
    source: TrendSource
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")
    data: tuple[TrendPoint, ...]
    """Sorted by skill, then week."""

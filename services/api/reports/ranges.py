"""Time ranges of reports."""

from datetime import date, timedelta
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from services.api.validation import RuleError, broken
from shared.contracts.reports.trend import MAX_TREND_WEEKS
from shared.errors import FieldError, ValidationFailedError

DEFAULT_RANGE: Final = timedelta(weeks=12)

MAX_RANGE: Final = timedelta(weeks=MAX_TREND_WEEKS - 2)
"""Two less than reporting takes, because a range is widened to whole weeks at both ends."""

EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2200, 1, 1)

TrendSource = Literal["simulation", "call", "all"]

SkillKey = Annotated[
    Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z0-9_]+)*$", max_length=80)] | None,
    msgspec.Meta(description="One skill of the taxonomy (or root); all when absent."),
]


class WeeksParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which time."""

    most: ClassVar[timedelta] = MAX_RANGE
    """The longest range."""

    start: date | None = msgspec.field(name="from", default=None)
    """First day; 12 weeks before the last when absent."""
    end: date | None = msgspec.field(name="to", default=None)
    """Last day; today when absent."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/{name}", "out-of-range", f"A date is between {EARLIEST} and {LATEST}")
            for name, day in (("from", self.start), ("to", self.end))
            if day is not None and not EARLIEST <= day <= LATEST
        ]
        if errors:
            raise RuleError(*errors)

    def range(self, today: date) -> tuple[date, date]:
        """Return first and last day, both inclusive.

        Raises:
            ValidationFailedError: it ends before it starts, or is too long.
        """
        end = self.end or today
        start = self.start or end - DEFAULT_RANGE
        if not start <= end <= start + self.most:
            detail = f"A range ends after it starts and has at most {self.most.days // 7} weeks"
            raise ValidationFailedError(
                errors=(FieldError(pointer="query:to", code="out-of-range", detail=detail),)
            )
        return start, end


class RangeParameters(WeeksParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which time, and what of it."""

    source: Annotated[
        TrendSource,
        msgspec.Meta(description="`call`: every real conversation, calls, chats and e-mails."),
    ] = "all"

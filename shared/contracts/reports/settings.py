"""What a tenant chooses about its reports."""

from typing import Final

from shared.contracts.base import Record

MIN_PEOPLE: Final = 5
"""The least people behind any published number about a group; a tenant may ask for more."""

MAX_MIN_PEOPLE: Final = 100


class ReportSettings(Record, frozen=True, kw_only=True):
    """A tenant's choices; the defaults hold where it made none."""

    revision: int = 0
    """0: nothing was chosen."""
    min_people: int = MIN_PEOPLE
    """Distinct people behind every published number about a group."""
    rank_people: bool = False
    """Whether lists may order people by their scores."""
    is_weekly: bool = False
    """Whether a page per team is made each week."""
    weekly_weekday: int = 1
    """ISO: 1 is Monday."""
    weekly_hour: int = 6
    """0..23, in the tenant's time zone."""

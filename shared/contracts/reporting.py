"""The question the API asks reporting, and its answer."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.base import Record

ERROR_CODE_HEADER = "Nats-Service-Error-Code"
"""Header of a refused request: `400` wrong question, `500` bug, `503` try again; else absent."""

ERROR_HEADER = "Nats-Service-Error"
"""Header of a refused request: one sentence without data. Both names are those of NATS services."""

MAX_TREND_WEEKS = 262
"""Longest range of a question, in ISO weeks it touches: five years; reporting refuses more."""


class TrendQuery(Record, frozen=True, kw_only=True):
    """A team's trend; the tenant was authenticated by the API.

    The range is widened to whole ISO weeks: a point always counts its whole week.
    """

    tenant_id: UUID
    team_id: UUID
    skill: str | None
    """One skill, or None for all."""
    start: date
    """First day, inclusive, in the tenant's time zone."""
    end: date
    """Last day, inclusive."""
    source: Literal["simulation", "call", "all"]
    """`call` means every real conversation: calls, chats and e-mails."""
    level: Literal["skill", "root"] = "skill"
    """`root`: all skills under a root together; `skill` is a root's key then."""


class TrendPoint(Record, frozen=True, kw_only=True):
    """One skill in one week."""

    skill: str
    """A skill's key, or a root's."""
    week: date
    """Monday of the ISO week."""
    n: int
    """Scores: of a skill one per assessment, of a root one per skill and assessment."""
    mean: float
    """0..100, one decimal."""
    q1: float
    """Quartiles: Hyndman & Fan (1996), definition 7; multiples of 0.25."""
    median: float
    q3: float


class TrendReply(Record, frozen=True, kw_only=True):
    """Points sorted by skill, then week; a week without a score has no point."""

    points: tuple[TrendPoint, ...]

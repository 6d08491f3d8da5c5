"""A rollup as it is read, and which stored sources a question means."""

from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.reporting.trends.limits import Kind

Source = Literal["simulation", "call", "all"]

KIND_OF: Final[dict[str, Kind]] = {
    "simulation": "practice",
    "call": "real",
    "chat": "real",
    "email": "real",
}
"""What a stored source counts as."""

KINDS: Final[dict[Source, Kind | None]] = {"simulation": "practice", "call": "real", "all": None}
"""What a question's source asks for; None: both together."""


class Rollup(NamedTuple):
    """One stored row."""

    team_id: UUID
    skill: str
    source: str
    bucket: date
    histogram: bytes
    """Empty where nobody asks for it."""
    people: bytes

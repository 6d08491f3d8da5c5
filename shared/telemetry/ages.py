"""How old something is, by its id: a UUIDv7 begins with the moment it was made."""

from datetime import datetime
from uuid import UUID


def age_s(made: UUID, now: datetime) -> float:
    """Return the seconds since an id was made, 0 for one from the future; ids are UUIDv7."""
    return max(now.timestamp() - (made.int >> 80) / 1000, 0.0)

"""Where a walk over statements goes on: time, position, how many of that event were shown."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SHOWN_BITS: Final = 4
_LOW: Final = 2**64 - 1


class Place(NamedTuple):
    """A place among the events in order of time."""

    occurred_at: datetime
    position: int
    shown: int
    """Of the statements of this event, 0..15."""

    @classmethod
    def of(cls, key: UUID | None) -> "Place | None":
        """Return the place behind what a cursor holds."""
        if key is None:
            return None
        low = key.int & _LOW
        return cls(
            _EPOCH + (key.int >> 64) * _MICROSECOND, low >> _SHOWN_BITS, low % (1 << _SHOWN_BITS)
        )

    @property
    def key(self) -> UUID:
        """What a cursor holds."""
        micros = (self.occurred_at - _EPOCH) // _MICROSECOND
        return UUID(int=micros << 64 | self.position << _SHOWN_BITS | self.shown)

"""Answers that are kept while nothing they depend on has moved: bounded by bytes and by age."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

import msgspec

from shared.contracts.base import Record

CAPACITY_BYTES: Final = 16 * 1024 * 1024
"""Encoded size of all answers that a process keeps; in memory they take a few times that."""

MAX_AGE_S: Final = 60.0
"""What nobody asks for again is gone soon, and a mistake does not live long."""


class AnswerCache:
    """The least recently used answers go first."""

    def __init__(
        self,
        monotonic_s: Callable[[], float],
        *,
        capacity_bytes: int = CAPACITY_BYTES,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._monotonic_s = monotonic_s
        self._capacity = capacity_bytes
        self._max_age_s = max_age_s
        self._kept: OrderedDict[Hashable, tuple[Record, int, float]] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        """Encoded size of what is kept."""
        return self._bytes

    def get(self, key: Hashable) -> Any:
        """Return the answer that was kept for what is in the key; None where there is none."""
        found = self._kept.get(key)
        if found is None:
            return None
        answer, _, kept_at = found
        if self._monotonic_s() - kept_at > self._max_age_s:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Hashable, answer: Record) -> None:
        """Keep an answer; one that is bigger than the whole cache is not kept."""
        size = len(msgspec.json.encode(answer))
        self._drop(key)
        if size > self._capacity:
            return
        self._kept[key] = (answer, size, self._monotonic_s())
        self._bytes += size
        while self._bytes > self._capacity:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[1]


Kept = TypeVar("Kept", bound=Record)


async def kept_or_made(
    cache: AnswerCache | None, key: Hashable, make: Callable[[], Awaitable[Kept]]
) -> Kept:
    """Return the answer that is kept for a key, else make it and keep it."""
    kept: Kept | None = None if cache is None else cache.get(key)
    if kept is None:
        kept = await make()
        if cache is not None:
            cache.put(key, kept)
    return kept

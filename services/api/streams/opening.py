"""How many streams a tenant has open: each costs memory and a look per second."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final
from uuid import UUID

from shared.errors import AppError
from shared.telemetry import catalog

MAX_STREAMS: Final = 1000
"""Per tenant and process: a thousand learners at once, and nobody takes the process for himself."""

RETRY_AFTER_S: Final = 5


class StreamsFullError(AppError):
    """The tenant has as many streams open as one process allows."""

    code, status, title = "quota-exceeded", 429, "A limit of this tenant is reached"
    retryable = True
    violated_policies: ClassVar[tuple[str, ...]] = ("streams",)


class OpenStreams:
    """Counts the open streams of a process by tenant."""

    def __init__(self, most: int = MAX_STREAMS) -> None:
        self._most = most
        self._open: Counter[UUID] = Counter()

    @contextmanager
    def one_more(self, tenant_id: UUID) -> Iterator[None]:
        """Count a stream while the block runs.

        Raises:
            StreamsFullError: there are enough.
        """
        if self._open[tenant_id] >= self._most:
            raise StreamsFullError(f"{self._most} streams are open", retry_after_s=RETRY_AFTER_S)
        self._open[tenant_id] += 1
        try:
            with catalog.STREAMS_OPEN.one_more():
                yield
        finally:
            self._open[tenant_id] -= 1
            if not self._open[tenant_id]:
                del self._open[tenant_id]

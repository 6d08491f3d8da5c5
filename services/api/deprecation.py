"""What answers say of an operation that will go away (RFC 9745, RFC 8594)."""

from datetime import datetime
from email.utils import format_datetime
from typing import Final
from uuid import UUID

import msgspec

from shared.log import get_logger

log = get_logger()

COUNTED: Final = 10_000
"""Pairs of tenant and operation that a process counts; the oldest goes first."""


class Deprecation(msgspec.Struct, frozen=True, kw_only=True):
    """That an operation is deprecated, and what comes instead."""

    since: datetime
    """UTC."""
    sunset: datetime | None = None
    """When it may stop to answer, UTC; never before `since`."""
    page: str
    """Path or URL that explains what to do."""
    successor: str | None = None
    """Path of the operation to use instead."""

    def __post_init__(self) -> None:
        if self.sunset is not None and self.sunset < self.since:
            raise ValueError("a sunset is never before the deprecation")


def deprecation_headers(deprecation: Deprecation) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers of every answer of the operation; made once per route."""
    links = [f'<{deprecation.page}>; rel="deprecation"; type="text/html"']
    headers = [("deprecation", f"@{int(deprecation.since.timestamp())}")]
    if deprecation.sunset is not None:
        headers.append(("sunset", format_datetime(deprecation.sunset, usegmt=True)))
        links.append(f'<{deprecation.page}>; rel="sunset"; type="text/html"')
    if deprecation.successor is not None:
        links.append(f'<{deprecation.successor}>; rel="successor-version"')
    headers.append(("link", ", ".join(links)))
    return tuple((name.encode(), value.encode()) for name, value in headers)


class DeprecatedUse:
    """Counts who still calls what will go away, and says so in the log."""

    def __init__(self) -> None:
        self._counts: dict[tuple[UUID, str], int] = {}

    def note(self, tenant_id: UUID, operation: str) -> int:
        """Count one call; return how many of this tenant this process has seen."""
        key = (tenant_id, operation)
        count = self._counts.pop(key, 0) + 1
        if len(self._counts) >= COUNTED:
            self._counts.pop(next(iter(self._counts)))
        self._counts[key] = count  # at the end: the ones long unused go first
        log.info("request.deprecated", tenant_id=str(tenant_id), operation=operation, count=count)
        return count

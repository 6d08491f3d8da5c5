"""Lists: `limit`, an opaque `cursor`, sorted by id, which is by creation."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

import msgspec

from shared.errors import CursorInvalidError

Row = TypeVar("Row")
Item = TypeVar("Item")

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100

UUID7: Final = 7


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query parameters of every list."""

    limit: Annotated[
        int, msgspec.Meta(ge=1, description="How many to return; more than 100 means 100.")
    ] = DEFAULT_LIMIT
    cursor: Annotated[
        str | None, msgspec.Meta(description="The `next_cursor` of the page before.")
    ] = None

    def page(self) -> "PageRequest":
        """Return what to read.

        Raises:
            CursorInvalidError: the cursor is not one of ours.
        """
        after = None if self.cursor is None else read_cursor(self.cursor)
        return PageRequest(after, min(self.limit, MAX_LIMIT))


class PageRequest(msgspec.Struct, frozen=True):
    """Which rows to read."""

    after: UUID | None
    """Exclusive."""
    limit: int
    """1..100; repositories read one more, to know whether there is a next page."""


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a list."""

    data: list[Item]
    next_cursor: str | None
    """None on the last page."""


def make_page(
    rows: Sequence[Row],
    request: PageRequest,
    key: Callable[[Row], UUID],
    view: Callable[[Row], Item],
) -> Page[Item]:
    """Return the page of `limit + 1` rows read."""
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(
        data=[view(row) for row in shown],
        next_cursor=write_cursor(key(shown[-1])) if more else None,
    )


def write_cursor(last: UUID) -> str:
    """Return the cursor that continues after this id."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def read_cursor(text: str) -> UUID:
    """Return the id after which a cursor continues.

    Raises:
        CursorInvalidError: not one of ours.
    """
    try:
        raw = base64.b64decode(text + "==", altchars=b"-_", validate=True)
        last = UUID(bytes=raw)
    except (binascii.Error, ValueError):
        raise CursorInvalidError from None
    if last.version != UUID7 or write_cursor(last) != text:
        raise CursorInvalidError
    return last

"""Lists: `limit`, a sealed `cursor`, sorted by id, which is by creation.

A cursor is encrypted and bound to the tenant, the path and the filters it was made for: it tells
nothing, grants nothing, and cannot continue another list. [R-A8]
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from hashlib import sha512
from typing import Annotated, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from shared.errors import CursorInvalidError

Row = TypeVar("Row")
Item = TypeVar("Item")

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
MOST_ASKED: Final = 2**31 - 1
"""Largest `limit` that is read as one at all, and then cut to what a page holds."""


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Query parameters of every list."""

    limit: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=MOST_ASKED, description="How many to return; more than 100 means 100."
        ),
    ] = DEFAULT_LIMIT
    cursor: Annotated[
        Annotated[str, msgspec.Meta(max_length=200)] | None,
        msgspec.Meta(description="The `next_cursor` of the page before, with the same filters."),
    ] = None


class Cursors:
    """Seals and opens cursors; every process with the same master key reads the others'."""

    def __init__(self, master_key: bytes) -> None:
        # Deterministic (SIV): the same page gives the same cursor, on every process.
        self._cipher = AESSIV(hmac.digest(master_key, b"rapport cursors v1", sha512))

    def request(self, tenant_id: UUID, path: str, query: PageQuery) -> "PageRequest":
        """Return which rows a query asks for.

        Raises:
            CursorInvalidError: the cursor is not ours, or was made for another tenant, list or
                filter.
        """
        filters = msgspec.structs.asdict(query)
        del filters["limit"], filters["cursor"]
        bound = [tenant_id.bytes, path.encode(), msgspec.json.encode(filters)]

        def seal(last: UUID) -> str:
            return _text(self._cipher.encrypt(last.bytes, bound))

        after = None if query.cursor is None else self._open(query.cursor, bound)
        return PageRequest(after, min(query.limit, MAX_LIMIT), seal)

    def _open(self, text: str, bound: list[bytes]) -> UUID:
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            last = UUID(bytes=self._cipher.decrypt(sealed, bound))
        except (binascii.Error, InvalidTag, ValueError):
            raise CursorInvalidError from None
        if _text(sealed) != text:  # the last character has bits that decode to nothing
            raise CursorInvalidError
        return last


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


class PageRequest(msgspec.Struct, frozen=True):
    """Which rows to read."""

    after: UUID | None
    """Exclusive. Lists of numbered things carry the number as the integer of the UUID."""
    limit: int
    """1..100; repositories read one more, to know whether there is a next page."""
    seal: Callable[[UUID], str]
    """Makes the cursor that continues after a row."""

    @property
    def after_number(self) -> int:
        """`after` of a list of numbered things; 0 at its beginning."""
        return 0 if self.after is None else self.after.int


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
        next_cursor=request.seal(key(shown[-1])) if more else None,
    )

"""HTTP face of usage, for billing."""

import base64
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

import msgspec

from services.api.context import ProcessContext
from services.api.endpoint import Answer, Endpoint, endpoint
from services.api.ops.access import USAGE
from services.api.ops.reception import OpsCall
from services.api.ops.stuck_schemas import TenantId, tenant_of
from services.api.ops.usage import HEADER, Period, TenantUsage, UsageLedger, content_hash
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.errors import CursorInvalidError

LONGEST_DAYS: Final = 366
"""The longest period."""

PIECE_LINES: Final = 1000
"""Lines of the CSV that are sent at once."""

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="In UTC.")]


class CsvQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days, `to` excluded; without any, the last whole month."""

    start: Day | None = msgspec.field(name="from", default=None)
    end: Day | None = msgspec.field(name="to", default=None)
    month: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None

    def __post_init__(self) -> None:
        """Refuse days that are none or in the wrong order."""
        _check(self.start, self.end, self.month)


class UsageQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which days, `to` excluded; without any, the last whole month."""

    start: Day | None = msgspec.field(name="from", default=None)
    end: Day | None = msgspec.field(name="to", default=None)
    month: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] | None = None
    tenant_id: TenantId | None = None

    def __post_init__(self) -> None:
        """Refuse days that are none or in the wrong order."""
        _check(self.start, self.end, self.month)


class OpsUsage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what tenants used; those that used nothing are left out."""

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    is_closed: bool
    """Nothing more is added: the same request gets the same entries for ever."""
    data: list[TenantUsage]
    content_hash: str
    """SHA-256 of `data` as compact JSON, hex."""
    next_cursor: str | None


class OpsUsageRoutes:
    """`/ops/v1/usage`."""

    def __init__(self, context: ProcessContext, ledger: UsageLedger) -> None:
        self._context = context
        self._ledger = ledger

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/usage",
            scope=USAGE,
            query=UsageQuery,
            answers={200: OpsUsage},
            problems=(CursorInvalidError,),
        )
    )
    async def export_usage(self, call: OpsCall) -> Answer:
        """Sum up what tenants used in a month or in a range of days, for billing."""
        query: UsageQuery = call.query
        page, period = call.page, self._period(query)
        tenants, used = await self._ledger.page(
            period, page.after, page.limit, tenant_of(query.tenant_id)
        )
        is_more = len(tenants) > page.limit
        return Answer(
            body=OpsUsage(
                start=period.first_day.isoformat(),
                end=period.end_day.isoformat(),
                is_closed=period.is_closed(self._context.clock.now()),
                data=used,
                content_hash=content_hash(used),
                next_cursor=page.seal(tenants[page.limit - 1]) if is_more else None,
            )
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/usage.csv",
            scope=USAGE,
            query=CsvQuery,
            answers={200: str},
        )
    )
    async def export_usage_csv(self, call: OpsCall) -> Answer:
        """Get the same of all tenants in one file.

        `Content-Digest` (RFC 9530) is its SHA-256; `Rapport-Closed` says whether it is final.
        """
        period = self._period(call.query)
        lines = [",".join(HEADER) + "\r\n"]
        lines += [each.line() for each in await self._ledger.everybody(period)]
        digest = hashlib.sha256("".join(lines).encode()).digest()
        closed = period.is_closed(self._context.clock.now())
        return Answer(
            body=None,
            stream=_pieces(lines),
            media_type="text/csv",
            headers={
                "Content-Digest": f"sha-256=:{base64.b64encode(digest).decode()}:",
                "Rapport-Closed": "true" if closed else "false",
            },
        )

    def _period(self, query: CsvQuery | UsageQuery) -> Period:
        if query.start is not None and query.end is not None:
            return Period(
                first_day=date.fromisoformat(query.start), end_day=date.fromisoformat(query.end)
            )
        if query.month is not None:
            return _month(date.fromisoformat(f"{query.month}-01"))
        return _month(_before(self._context.clock.now()))


async def _pieces(lines: Sequence[str]) -> AsyncIterator[bytes]:
    for start in range(0, len(lines), PIECE_LINES):
        yield "".join(lines[start : start + PIECE_LINES]).encode()


def _before(now: datetime) -> date:
    """Return a day of the month before this one."""
    return now.astimezone(UTC).date().replace(day=1) - timedelta(days=1)


def _month(day: date) -> Period:
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(first_day=first, end_day=following)


def _check(start: str | None, end: str | None, month: str | None) -> None:
    if month is not None and (start is not None or end is not None):
        raise RuleError(broken("/month", "contradiction", "Give a month or days, not both"))
    if (start is None) != (end is None):
        missing = "/from" if start is None else "/to"
        raise RuleError(broken(missing, "required", "Both days are needed"))
    if start is None or end is None:
        return
    days = {"/from": _day(start), "/to": _day(end)}
    wrong = [name for name, day in days.items() if day is None]
    if wrong:
        raise RuleError(*(broken(name, "format", "There is no such day") for name in wrong))
    first, last = days["/from"], days["/to"]
    if first is not None and last is not None and not 0 < (last - first).days <= LONGEST_DAYS:
        raise RuleError(broken("/to", "out-of-order", "From 1 to 366 days after `from`"))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

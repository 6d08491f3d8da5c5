"""HTTP face of xAPI."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlencode

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.xapi.lrs import LrsService
from services.api.xapi.schemas import (
    LrsDeleted,
    LrsPut,
    LrsView,
    StatementQuery,
    StatementResult,
    bare,
)
from services.api.xapi.service import StatementService, more_of
from shared.clock import Clock
from shared.errors import CursorInvalidError, FieldError, NotFoundError, ValidationFailedError
from shared.xapi.statements import timestamp
from shared.xapi.vocabulary import CONSISTENT_HEADER, HEADER, NEWEST, Version

READ = "exports:read"

SETTLED: Final = timedelta(seconds=30)
"""Age at which an event is sure to be visible: no transaction lasts so long."""

_PATH: Final = "/v1/xapi/statements"


class XapiRoutes:
    """`/v1/xapi/statements` and `/v1/lrs`."""

    def __init__(self, statements: StatementService, lrs: LrsService, clock: Clock) -> None:
        self._statements = statements
        self._lrs = lrs
        self._clock = clock

    @endpoint(
        Endpoint(
            method="GET",
            path=_PATH,
            scope=READ,
            query=StatementQuery,
            answers={200: StatementResult},
            is_basic_good=True,
            problems=(CursorInvalidError, NotFoundError, ValidationFailedError),
            audited="statements.read",
        )
    )
    async def list_statements(self, call: Call) -> Answer:
        """List what people did as xAPI statements, newest first.

        Parameters are those of the specification; `X-Experience-API-Version` chooses 1.0 or 2.0. Go
        on at `more`. With `statementId` the answer is that statement itself. The key may also come
        by HTTP Basic, as the password.
        """
        query: StatementQuery = call.query
        version = _version(call.header(HEADER.lower().encode()))
        headers = {
            HEADER: version,
            CONSISTENT_HEADER: timestamp(self._clock.now() - SETTLED),
        }
        if query.voided_statement_id is not None:
            raise NotFoundError("Nothing is ever voided here; ask by statementId")
        if query.statement_id is not None:
            one = await self._statements.get(call.principal, query.statement_id, version)
            headers["Last-Modified"] = _http_date(one["stored"])
            return Answer(body=bare(one) if query.format == "ids" else one, headers=headers)
        found = await self._statements.list(call.principal, query, call.page, version)
        more = ""
        if found.next is not None:
            cursor = call.page.seal(found.next.key)
            more = f"{_PATH}?{urlencode({**more_of(query), 'cursor': cursor})}"
        shown = map(bare, found.statements) if query.format == "ids" else found.statements
        return Answer(body=StatementResult(statements=tuple(shown), more=more), headers=headers)

    @endpoint(
        Endpoint(
            method="PUT",
            path="/v1/lrs",
            scope="settings:write",
            body=LrsPut,
            answers={200: LrsView},
        )
    )
    async def put_lrs(self, call: Call) -> Answer:
        """Set the learning record store that statements are sent to.

        It gets what happens from now on, each statement at least once and under the same id. What
        it cannot take now is tried again later, for as long as the store is set.
        """
        body: LrsPut = call.body
        return Answer(body=LrsView.of(await self._lrs.put(call.principal, body.store())))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/lrs",
            scope="settings:read",
            answers={200: LrsView},
            problems=(NotFoundError,),
        )
    )
    async def get_lrs(self, call: Call) -> Answer:
        """Get the learning record store that is set, and how the sending goes."""
        return Answer(body=LrsView.of(await self._lrs.get(call.principal)))

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/lrs",
            scope="settings:write",
            answers={200: LrsDeleted},
        )
    )
    async def delete_lrs(self, call: Call) -> Answer:
        """Send no statements any more; a second time changes nothing."""
        await self._lrs.delete(call.principal)
        return Answer(body=LrsDeleted())


def _version(header: str | None) -> Version:
    """Return the version of an exchange; without a header the newest.

    Raises:
        ValidationFailedError: a version that is not spoken here.
    """
    text = (header or NEWEST).strip()
    if re.fullmatch(r"[12]\.0(\.[0-9]+)?", text):
        return "1.0.3" if text.startswith("1") else "2.0.0"
    detail = "Versions 1.0 and 2.0 are spoken here"
    raise _wrong(f"header:{HEADER}", "unknown-value", detail)


def _http_date(stored: str) -> str:
    """Return the time of a statement as headers write it, in whole seconds."""
    return format_datetime(datetime.fromisoformat(stored).astimezone(UTC), usegmt=True)


def _wrong(pointer: str, code: str, detail: str) -> ValidationFailedError:
    return ValidationFailedError(errors=(FieldError(pointer=pointer, code=code, detail=detail),))

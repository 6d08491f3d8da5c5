"""HTTP face of the operators' own keys; they are made and revoked on the command line."""

from datetime import datetime

import msgspec

from services.api.context import ProcessContext
from services.api.endpoint import Answer, Endpoint, endpoint
from services.api.ops.access import READ, SQL
from services.api.ops.reception import OpsCall
from services.api.paging import Page, PageQuery, make_page
from shared.db.tx import system_tx
from shared.errors import CursorInvalidError
from shared.ids import format_id
from shared.ops_keys import OpsScope


class OpsKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of an operator; its text is stored nowhere."""

    id: str
    name: str
    scopes: list[OpsScope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class OpsKeyPage(Page[OpsKey], frozen=True, kw_only=True):
    """A page of keys, the oldest first."""


class OpsKeyRoutes:
    """`/ops/v1/keys`."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/keys",
            scope=READ,
            query=PageQuery,
            answers={200: OpsKeyPage},
            problems=(CursorInvalidError,),
        )
    )
    async def list_ops_keys(self, call: OpsCall) -> Answer:
        """List the operators' keys, revoked ones included."""
        async with system_tx(self._context.database) as connection:
            rows = await connection.fetch(SQL["list_keys"], call.page.after, call.page.limit + 1)
        page = make_page(
            rows,
            call.page,
            lambda row: row["key_id"],
            lambda row: OpsKey(
                id=format_id("key", row["key_id"]),
                name=row["name"],
                scopes=row["scopes"],
                created_at=row["created_at"],
                expires_at=row["expires_at"],
                revoked_at=row["revoked_at"],
            ),
        )
        return Answer(body=page)

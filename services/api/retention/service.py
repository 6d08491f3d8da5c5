"""Reading and replacing how long a tenant keeps what."""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, ScopeMissingError
from shared.retention import Retention, find_retention

_SQL: Final = Queries("services.api.retention")

TARGET: Final = "settings/retention"


class Stored(NamedTuple):
    """What is set, and since when; None: nothing is."""

    retention: Retention
    updated_at: datetime | None


class RetentionService:
    """Retention of a tenant."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def get(self, principal: Principal) -> Stored:
        """Return what is set, or the defaults."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await _find(connection, principal.tenant_id)

    async def put(self, principal: Principal, wish: Retention, expected_revision: int) -> Stored:
        """Replace what is set; the same again changes nothing, whatever revision is expected.

        Raises:
            ScopeMissingError: the caller sees only some people, or has a key for tests.
            ConflictError: the settings have moved on.
        """
        _check_key(principal)
        tenant_id, now = principal.tenant_id, self._context.clock.now()
        async with tenant_tx(self._context.database, tenant_id) as connection:
            await connection.execute(_SQL["hold_retention"], tenant_id)
            before = await _find(connection, tenant_id)
            same = msgspec.structs.replace(wish, revision=before.retention.revision)
            if before.retention.revision and before.retention == same:
                return before
            _check_revision(before.retention, expected_revision)
            values = [getattr(wish, name) for name in Retention.__struct_fields__[1:]]
            await connection.execute(_SQL["put_retention"], tenant_id, *values, now)
            await connection.execute(_SQL["make_due"], tenant_id, now)
            after = await _find(connection, tenant_id)
            await note(
                connection,
                principal,
                now,
                "settings.changed",
                TARGET,
                before=before.retention,
                after=after.retention,
                facts={"revision": after.retention.revision},
            )
        return after


async def _find(connection: Connection, tenant_id: UUID) -> Stored:
    retention = await find_retention(connection, tenant_id)
    return Stored(retention, await connection.fetchval(_SQL["retention_changed_at"], tenant_id))


def _check_key(principal: Principal) -> None:
    if principal.is_bound:
        raise ScopeMissingError("Who is bound to teams or to a learner changes no settings")
    if principal.environment == "test":
        raise ScopeMissingError("A test key changes no settings: they hold for live data too")


def _check_revision(before: Retention, expected: int) -> None:
    if before.revision != expected:
        detail = f"The settings are at revision {before.revision}: read them and replace those"
        wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
        raise ConflictError(detail, errors=(wrong,))

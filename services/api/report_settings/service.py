"""Reading and replacing what a tenant chose about its reports."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.contracts.reports.settings import ReportSettings
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import ConflictError, FieldError, ScopeMissingError
from shared.log import get_logger

log = get_logger()

_SQL = Queries("services.api.report_settings")


class Wish(NamedTuple):
    """What somebody wants to be set; its own revision says nothing."""

    expected_revision: int
    settings: ReportSettings


class Stored(NamedTuple):
    """What is set, and since when; None: nothing is."""

    settings: ReportSettings
    updated_at: datetime | None


class ReportSettingsService:
    """Choices of a tenant about its reports."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def get(self, principal: Principal) -> Stored:
        """Return what is set, or the defaults."""
        return await _find(tenant_reads(self._context.database), principal.tenant_id)

    async def put(self, principal: Principal, wish: Wish) -> Stored:
        """Replace what is set; the same again changes nothing, whatever revision is expected.

        Raises:
            ScopeMissingError: the key is bound, or is one for tests.
            ConflictError: the settings have moved on.
        """
        _check_key(principal)
        tenant_id, settings = principal.tenant_id, wish.settings
        async with tenant_tx(self._context.database, tenant_id) as connection:
            await connection.execute(_SQL["hold_settings"], tenant_id)
            before = await _find(connection, tenant_id)
            same = msgspec.structs.replace(settings, revision=before.settings.revision)
            if before.settings.revision and before.settings == same:
                return before
            _check_revision(before.settings, wish.expected_revision)
            await connection.execute(
                _SQL["put_settings"],
                tenant_id,
                settings.min_people,
                settings.rank_people,
                settings.is_weekly,
                settings.weekly_weekday,
                settings.weekly_hour,
                self._context.clock.now(),
            )
            after = await _find(connection, tenant_id)
            await note(
                connection,
                principal,
                self._context.clock.now(),
                "settings.changed",
                "settings/reports",
                before=before.settings,
                after=after.settings,
                facts={"revision": after.settings.revision},
            )
        log.info(
            "reports.settings_changed",
            key_id=str(principal.key_id),
            revision=after.settings.revision,
            rank_people=settings.rank_people,
        )
        return after


async def _find(connection: Connection, tenant_id: UUID) -> Stored:
    row = await connection.fetchrow(_SQL["find_settings"], tenant_id)
    if row is None:
        return Stored(ReportSettings(), None)
    values = {name: row[name] for name in ReportSettings.__struct_fields__}
    return Stored(ReportSettings(**values), row["updated_at"])


def _check_key(principal: Principal) -> None:
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner changes no settings")
    if principal.environment == "test":
        raise ScopeMissingError("A test key changes no settings: they hold for live reports too")


def _check_revision(before: ReportSettings, expected: int) -> None:
    if before.revision != expected:
        detail = f"The settings are at revision {before.revision}: read them and replace those"
        wrong = FieldError(pointer="/expected_revision", code="conflict", detail=detail)
        raise ConflictError(detail, errors=(wrong,))

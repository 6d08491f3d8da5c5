"""What tenants chose about their reports."""

from uuid import UUID

from shared.contracts.reports.settings import ReportSettings
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.reporting", "settings.sql")


async def report_settings(connection: Connection, tenant_id: UUID) -> ReportSettings:
    """Return a tenant's choices; the defaults where it made none."""
    row = await connection.fetchrow(_SQL["report_settings"], tenant_id)
    return ReportSettings() if row is None else ReportSettings(**row)

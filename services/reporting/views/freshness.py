"""How far the counting is, asked for itself."""

from datetime import timedelta

from services.reporting.desk import Desk
from services.reporting.freshness import as_of
from services.reporting.lag import LATE_AFTER_S
from shared.contracts.reports.tables import FreshnessQuery, FreshnessReply
from shared.db.tx import tenant_reads


async def freshness(desk: Desk, query: FreshnessQuery) -> FreshnessReply:
    """Answer with how far the counting of a tenant is.

    Raises:
        NotReadyError: numbers are being counted anew.
    """
    fresh = await as_of(tenant_reads(desk.database), query.tenant_id, desk.clock)
    waits = desk.clock.now() - fresh.at if fresh.behind else timedelta()
    lag_s = max(waits.total_seconds(), 0.0)
    return FreshnessReply(
        as_of=fresh,
        lag_s=round(lag_s, 3),
        late_after_s=LATE_AFTER_S,
        is_late=lag_s > LATE_AFTER_S,
    )

"""A tenant's allowed origins."""

from services.api.context import ProcessContext
from services.api.origins.book import OriginBook
from services.api.principal import Principal
from services.api.trail.recording import note
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import ScopeMissingError

COLUMN = "allowed_origins.origin"

_SQL = Queries("services.api.origins")


class OriginService:
    """Reads and replaces the list."""

    def __init__(self, context: ProcessContext, book: OriginBook) -> None:
        self._context = context
        self._book = book

    async def listed(self, principal: Principal) -> list[str]:
        """Return the tenant's origins, oldest first."""
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            rows = await connection.fetch(_SQL["list_origins"], principal.tenant_id)
            key = await context.keys.tenant(connection, principal.tenant_id)
        return [key.open_text(row["origin"], COLUMN, row["origin_hash"]) for row in rows]

    async def replace(self, principal: Principal, origins: list[str]) -> None:
        """Make this the list; it counts in every process within 5 seconds.

        Raises:
            ScopeMissingError: a key that is bound to people has no say for the whole tenant.
        """
        if principal.team_ids is not None or principal.learner_id is not None:
            raise ScopeMissingError("A bound key cannot change what counts for the whole tenant")
        context, tenant_id = self._context, principal.tenant_id
        hashes = [self._book.hash(origin) for origin in origins]
        async with tenant_tx(context.database, tenant_id) as connection:
            key = await context.keys.tenant(connection, tenant_id)
            sealed = [
                key.seal_text(origin, COLUMN, row)
                for origin, row in zip(origins, hashes, strict=True)
            ]
            await connection.execute(_SQL["drop_origins"], tenant_id, hashes)
            await connection.execute(
                _SQL["add_origins"], tenant_id, hashes, sealed, context.clock.now()
            )
            now, target = context.clock.now(), "allowed_origins"
            await note(connection, principal, now, "settings.changed", target, after=hashes)
        self._book.forget()

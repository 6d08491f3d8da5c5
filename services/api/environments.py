"""Test keys never spend money: what they start or touch is marked, and no model is asked for it.

Rows are live until they are marked, in the transaction that makes them; live keys pay nothing here.
"""

from datetime import datetime
from uuid import UUID

from services.api.principal import Principal
from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import tenant_tx

_SQL = Queries("services.api", "environments.sql")


async def mark_simulation(
    connection: Connection, principal: Principal, simulation_id: UUID, now: datetime
) -> None:
    """With a test key, keep a model out of a conversation from here on, its scoring included."""
    if principal.environment == "test":
        await connection.execute(_SQL["mark_simulation"], *principal.bounds(now), simulation_id)


async def mark_before_turn(
    database: Database, principal: Principal, simulation_id: UUID, now: datetime
) -> None:
    """Likewise, in a transaction of its own, before a turn is taken on its quick way."""
    if principal.environment == "test":
        async with tenant_tx(database, principal.tenant_id) as connection:
            await mark_simulation(connection, principal, simulation_id, now)


async def mark_batch(connection: Connection, principal: Principal, operation_id: UUID) -> None:
    """With a test key, keep a model out of a batch of conversations."""
    await _mark("mark_batch", connection, principal, operation_id)


async def mark_scoring(connection: Connection, principal: Principal, scoring_id: UUID) -> None:
    """With a test key, keep a model out of a scoring."""
    await _mark("mark_scoring", connection, principal, scoring_id)


async def mark_scoring_batch(
    connection: Connection, principal: Principal, operation_id: UUID
) -> None:
    """With a test key, keep a model out of many scorings."""
    await _mark("mark_scoring_batch", connection, principal, operation_id)


async def _mark(
    query: str, connection: Connection, principal: Principal, resource_id: UUID
) -> None:
    if principal.environment == "test":
        await connection.execute(_SQL[query], principal.tenant_id, resource_id)

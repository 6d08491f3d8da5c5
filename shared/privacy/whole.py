"""Reading everything of a tenant, opened, page by page, as it stood at one moment."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.privacy.map import Sealed, Table, tables
from shared.privacy.reading import opened, shown
from shared.privacy.tasks import SQL

FILES: Final[Mapping[str, str]] = {
    "app.privacy_files": "files of exports",
    "report.export_parts": "files of report exports",
}
"""Tables of a tenant that are no part of it: copies of what the others hold."""

SECRETS: Final = frozenset(
    {
        ("app.webhook_secrets", "secret"),
        ("app.webhook_keys", "private_key"),
        ("app.llm_settings", "api_key"),
        ("app.lrs", "auth"),
    }
)
"""Columns that open other doors: no answer of the API shows them, and no file does."""

OWNERS: Final[Mapping[str, str]] = {
    "learner": "t.learner_id",
    "simulation": "(select s.learner_id from app.simulations s"
    " where s.tenant_id = $1 and s.simulation_id = t.simulation_id)",
    "scoring": "(select s.learner_id from app.scorings s"
    " where s.tenant_id = $1 and s.scoring_id = t.scoring_id)",
    "delivery": "(select d.learner_id from app.webhook_deliveries d"
    " where d.tenant_id = $1 and d.delivery_id = t.delivery_id)",
}
"""Whose key seals a row, by the word the map uses."""

PAGE: Final = 200
"""Rows in memory at a time."""

_MOST_KEYS: Final = 2000
"""People's keys in memory at a time."""

Row = list[Any]
"""Values in the order of `columns_of`."""


def whole() -> tuple[Table, ...]:
    """Return the tables that hold something of a tenant."""
    return tuple(
        each for each in tables() if "tenant_id" in each.columns and each.name not in FILES
    )


def columns_of(table: Table) -> tuple[str, ...]:
    """Return what of a table is told: no keys, no keyed hashes, no secrets."""
    return tuple(
        name
        for name in (*table.plain, *(each.name for each in table.sealed))
        if (table.name, name) not in SECRETS
    )


class Reader:
    """Opens the rows of a tenant.

    Args:
        connection: Of a `tenant_snapshot`.
        tenant: The tenant's key.
    """

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant
        self._keys: dict[UUID, SealKey | None] = {}

    async def pages(self, table: Table) -> AsyncIterator[list[Row]]:
        """Yield everything a table holds of the tenant.

        What was sealed with the key of somebody who was erased is null.

        Raises:
            UnsealError: a value does not open: something is wrong with it, or with the map.
        """
        columns = columns_of(table)
        sealed = {each.name: each for each in table.sealed}
        cursor = await self._connection.cursor(_query(table), self._tenant.tenant_id)
        while rows := await cursor.fetch(PAGE):
            await self._learn(rows)
            yield [[self._value(row, name, sealed.get(name)) for name in columns] for row in rows]

    async def _learn(self, rows: Sequence[asyncpg.Record]) -> None:
        """Have the keys of everybody on a page."""
        wanted = {row["owner"] for row in rows if row["owner"] is not None}
        if len(self._keys) + len(wanted) > _MOST_KEYS:
            self._keys.clear()
        missing = wanted - self._keys.keys()
        if not missing:
            return
        tenant_id = self._tenant.tenant_id
        found = await self._connection.fetch(SQL["learner_keys"], tenant_id, list(missing))
        self._keys |= dict.fromkeys(missing)
        for row in found:
            learner_id = row["learner_id"]
            self._keys[learner_id] = self._tenant.learner_key(learner_id, row["wrapped"])

    def _value(self, row: asyncpg.Record, name: str, sealed: Sealed | None) -> Any:
        if sealed is None:
            return shown(name, row[name])
        key = self._key(row["owner"], sealed)
        return None if key is None else opened(row, sealed, key)

    def _key(self, owner: UUID | None, sealed: Sealed) -> TenantKey | SealKey | None:
        if sealed.whose == "tenant" or (sealed.whose == "either" and owner is None):
            return self._tenant
        return None if owner is None else self._keys[owner]


def _query(table: Table) -> str:
    parts = [part for each in table.sealed for part, _ in each.row]
    columns = ", ".join(f"t.{name}" for name in dict.fromkeys((*columns_of(table), *parts)))
    is_somebodys = table.of_key("learner", "either")
    owner = OWNERS[table.mine or ""] if is_somebodys else "null::uuid"
    return f"select {columns}, {owner} as owner from {table.name} t where t.tenant_id = $1"  # noqa: S608 - the map's names

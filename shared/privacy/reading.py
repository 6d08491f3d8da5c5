"""Reading what rests of a person, opened: what an export is made of."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.ids import format_id
from shared.privacy.map import MINE, Sealed, Table, personal

PREFIX_OF: Final[Mapping[str, str]] = {
    "tenant_id": "ten", "learner_id": "lrn", "team_id": "team", "simulation_id": "sim",
    "parent_id": "sim", "turn_id": "turn", "conversation_id": "conv", "scoring_id": "scr",
    "assessment_id": "asm", "result_id": "asm", "dispute_id": "dsp", "scenario_id": "scn",
    "rubric_id": "rub", "judged_by": "rub", "operation_id": "op", "goal_id": "goal",
    "survey_id": "svy", "event_id": "evt", "delivery_id": "dlv", "endpoint_id": "whe",
    "key_id": "key", "user_id": "usr",
}  # fmt: skip
"""Prefix of the public id, by the name of the column; other ids are shown as UUIDs."""

LEFT_OUT: Final = frozenset({"app.privacy_files"})
"""Exports themselves."""

_JSONS: Final = frozenset({"metadata", "turns", "result", "appraisal", "body", "document"})
"""Sealed columns that hold JSON."""

_PAGE: Final = 200
"""Rows fetched at a time."""


def exported() -> tuple[Table, ...]:
    """Return the tables that an export reads."""
    return tuple(each for each in personal() if each.name not in LEFT_OUT)


async def rows_of(
    connection: Connection, tenant: TenantKey, own: SealKey, learner_id: UUID, table: Table
) -> AsyncIterator[dict[str, Any]]:
    """Yield what a table holds of a learner, opened; hashes and keys say nothing and are left out.

    Raises:
        UnsealError: a value does not open: something is wrong with it, or with the map.
    """
    if table.mine is None:
        return
    where = MINE[table.mine]
    columns = ", ".join(table.columns)  # by name: a later release may add one
    query = f"select {columns} from {table.name} where tenant_id = $1 and {where}"  # noqa: S608 - the map's names
    names = {each.name: each for each in table.sealed}
    async for row in connection.cursor(query, tenant.tenant_id, learner_id, prefetch=_PAGE):
        yield {
            column: opened(row, names[column], tenant if names[column].whose == "tenant" else own)
            if column in names
            else shown(column, row[column])
            for column in row.keys()  # noqa: SIM118 - a record is no mapping: it iterates over values
            if column in names or column in table.plain
        }


def opened(row: asyncpg.Record, sealed: Sealed, key: TenantKey | SealKey) -> Any:
    """Return what a sealed column says; None: nothing.

    Raises:
        UnsealError: another key sealed it, or it was not sealed for this row.
    """
    value = row[sealed.name]
    if not value:
        return None
    plain = key.open(value, sealed.place, sealed.row_bytes(dict(row)))
    return json.loads(plain) if sealed.name in _JSONS else plain.decode(errors="replace")


def shown(column: str, value: Any) -> Any:
    """Return what a column in the clear says, as JSON has it: public ids, times as text."""
    if isinstance(value, UUID):
        prefix = PREFIX_OF.get(column)
        return str(value) if prefix is None else format_id(prefix, value)
    if isinstance(value, list | tuple):
        return [shown(column.removesuffix("s"), each) for each in value]
    if isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)  # asyncpg hands jsonb over as text
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)

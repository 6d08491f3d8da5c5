"""The map of the product's data: every table, every column, and what becomes of it.

The map itself is `tables.yaml`, which says how it is read. Export, erasure, the change of keys and
the departure of a tenant follow it, so that none of them can forget a table; a test compares it
with the catalog of a migrated database.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from shared.yaml_files import read_yaml

Erase = Literal["none", "keep", "blank", "delete", "tombstone"]
"""What an erasure does with a person's rows: `none` has none, `tombstone` is done by hand."""

Whose = Literal["learner", "tenant", "either"]
"""Whose key seals a column; `either`: the learner's where the row has one."""

MINE: Final[Mapping[str, str]] = {
    "learner": "learner_id = $2",
    "simulation": "simulation_id in (select s.simulation_id from app.simulations s"
    " where s.tenant_id = $1 and s.learner_id = $2)",
    "scoring": "scoring_id in (select s.scoring_id from app.scorings s"
    " where s.tenant_id = $1 and s.learner_id = $2)",
    "assessment": "assessment_id in (select a.assessment_id from app.assessments a"
    " where a.tenant_id = $1 and a.learner_id = $2)",
    "delivery": "delivery_id in (select d.delivery_id from app.webhook_deliveries d"
    " where d.tenant_id = $1 and d.learner_id = $2)",
    "task": "operation_id in (select t.operation_id from app.privacy_tasks t"
    " where t.tenant_id = $1 and (t.learner_id = $2 or t.kind = 'tenant_export'))",
    "user": "user_id in (select u.user_id from app.users u"
    " where u.tenant_id = $1 and u.learner_id = $2)",
    "person": "person_id in (select l.person_id from app.learners l"
    " where l.tenant_id = $1 and l.learner_id = $2)",
    "resource": "resource_id in (select $2::uuid"
    " union all select s.simulation_id from app.simulations s"
    " where s.tenant_id = $1 and s.learner_id = $2"
    " union all select g.scoring_id from app.scorings g"
    " where g.tenant_id = $1 and g.learner_id = $2"
    " union all select o.operation_id from app.operations o"
    " where o.tenant_id = $1 and o.learner_id = $2)",
}
"""Which rows are a learner's, by the word the map uses: $1 is the tenant, $2 the learner."""

HAS_LEARNER: Final[Mapping[str, str]] = {
    "learner": "learner_id is not null",
    "delivery": "exists (select from app.webhook_deliveries d where d.tenant_id = $1"
    " and d.delivery_id = webhook_attempts.delivery_id and d.learner_id is not null)",
    "task": "exists (select from app.privacy_tasks t where t.tenant_id = $1"
    " and t.operation_id = privacy_files.operation_id and t.learner_id is not null)",
}
"""Of tables with `either` columns: whether a row has a learner, whose key seals it."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed column."""

    name: str
    place: str
    """What it is bound to, `table.column`."""
    row: tuple[tuple[str, int], ...]
    """Columns that make the bytes of the row, each with its bytes where it is a number, else 0."""
    whose: Whose

    def row_bytes(self, values: Mapping[str, Any]) -> bytes:
        """Return the bytes that bind a value to its row."""
        return b"".join(_bytes(values[column], size) for column, size in self.row)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table of the product."""

    name: str
    """With its schema, `app.turns`."""
    mine: str | None
    """A key of `MINE`; None: no row is a learner's."""
    erase: Erase
    is_kept: bool
    """Stays when the tenant leaves."""
    sealed: tuple[Sealed, ...]
    wrapped: tuple[str, ...]
    hashes: tuple[str, ...]
    others: tuple[str, ...]
    """Ids, numbers, codes, times and what is meant for everybody."""
    blanks: Mapping[str, str]
    """What an erasure writes, as SQL, by column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column."""
        return (*(each.name for each in self.sealed), *self.wrapped, *self.hashes, *self.others)

    @property
    def plain(self) -> tuple[str, ...]:
        """Columns that a person may read as they are."""
        return self.others

    def of_key(self, *whose: Whose) -> tuple[Sealed, ...]:
        """Return the columns that such keys seal."""
        return tuple(each for each in self.sealed if each.whose in whose)


_ENTRY_KEYS: Final = frozenset(
    {
        "whose", "erase", "leave", "learner", "tenant", "either", "keys", "hashes", "content",
        "ids", "facts", "to_null", "to_empty", "to_noise",
    }
)  # fmt: skip


@cache
def tables() -> tuple[Table, ...]:
    """Return the whole map, in the order of the file.

    Raises:
        ValueError: an entry cannot be meant like that.
    """
    text = read_yaml(files("shared.privacy").joinpath("tables.yaml"))
    return tuple(_table(name, entry) for name, entry in text.items())


def personal() -> tuple[Table, ...]:
    """Return the tables that have rows of learners, in the order of the file."""
    return tuple(each for each in tables() if each.mine is not None)


def _table(name: str, entry: Mapping[str, Any]) -> Table:
    unknown = entry.keys() - _ENTRY_KEYS
    if unknown:
        raise ValueError(f"{name}: what is {', '.join(sorted(unknown))}?")
    mine, erase = entry.get("whose"), entry.get("erase", "none")
    if (mine is None) != (erase == "none"):
        raise ValueError(f"{name}: rows of a learner need `erase`, and others have none")
    blanks = {
        **dict.fromkeys(entry.get("to_null", ()), "null"),
        **dict.fromkeys(entry.get("to_empty", ()), "''::bytea"),
        **dict.fromkeys(entry.get("to_noise", ()), "sha256(uuid_send(gen_random_uuid()))"),
    }
    return Table(
        name=name,
        mine=mine,
        erase=erase,
        is_kept=entry.get("leave", "delete") == "keep",
        sealed=tuple(_sealed(name, entry)),
        wrapped=tuple(entry.get("keys", ())),
        hashes=tuple(entry.get("hashes", ())),
        others=tuple(
            column for kind in ("ids", "content", "facts") for column in entry.get(kind, ())
        ),
        blanks=blanks,
    )


def _sealed(name: str, entry: Mapping[str, Any]) -> Iterator[Sealed]:
    short = name.partition(".")[2]
    kinds: tuple[Whose, ...] = ("learner", "tenant", "either")
    for whose in kinds:
        for column, parts in entry.get(whose, {}).items():
            row = tuple(
                (part.partition(":")[0], int(part.partition(":")[2] or 0)) for part in parts
            )
            yield Sealed(name=column, place=f"{short}.{column}", row=row, whose=whose)


def _bytes(value: Any, size: int) -> bytes:
    if size:
        number: int = value
        return number.to_bytes(size, "big")
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raw: bytes = value.bytes
    return raw

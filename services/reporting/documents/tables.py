"""Numbers as files that give back exactly what was written: CSV, Parquet and JSON lines.

A row is a Struct of plain values; its fields are the columns.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, get_args
from uuid import UUID

import msgspec

from shared.contracts.base import Record

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is computed by spreadsheets; an apostrophe in front makes it text."""


def columns(kind: type[Record]) -> tuple[str, ...]:
    """Return the names of a row's cells, in order."""
    return tuple(field.encode_name for field in msgspec.structs.fields(kind))


def csv_header(kind: type[Record]) -> bytes:
    """Return the first line of a CSV file."""
    return _lines([columns(kind)])


def csv_lines(rows: Iterable[Record]) -> bytes:
    """Return a line per row: RFC 4180, UTF-8, numbers with every digit they need."""
    return _lines([_cell(each) for each in msgspec.structs.astuple(row)] for row in rows)


def json_lines(rows: Iterable[Record]) -> bytes:
    """Return a JSON object per row and line."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def parquet(kind: type[Record], rows: Sequence[Record], facts: dict[str, str]) -> bytes:
    """Return a Parquet file; `facts` are kept in its metadata."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415  (thirty megabytes that few answers need)

    sink = io.BytesIO()
    pq.write_table(arrow_table(kind, rows, facts), sink, compression="zstd")
    return sink.getvalue()


def arrow_table(
    kind: type[Record], rows: Sequence[Record], facts: dict[str, str] | None = None
) -> "pa.Table":
    """Return rows as an Arrow table, typed by the Struct, so that an empty one has its types."""
    import pyarrow as pa  # noqa: PLC0415  (as above)

    schema = arrow_schema(kind, facts)
    cells = zip(*map(msgspec.structs.astuple, rows), strict=True) if rows else [()] * len(schema)
    arrays = [
        pa.array([_plain(each) for each in column], type=field.type)
        for column, field in zip(cells, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def arrow_schema(kind: type[Record], facts: dict[str, str] | None = None) -> "pa.Schema":
    """Return the types of a row's cells."""
    import pyarrow as pa  # noqa: PLC0415  (as above)

    known = {
        str: pa.string(),
        UUID: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        date: pa.date32(),
    }
    fields = [
        pa.field(field.encode_name, known[_bare(field.type)])
        for field in msgspec.structs.fields(kind)
    ]
    return pa.schema(fields, metadata=facts)


def _bare(kind: Any) -> Any:
    """Return the type of a cell that may be empty, or of a literal's texts."""
    inner = [each for each in get_args(kind) if each is not type(None)]
    if not inner:
        return kind
    return str if isinstance(inner[0], str) else _bare(inner[0])


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value)
        case date():
            return value.isoformat()
        case str() if value.startswith(FORMULA):
            return f"'{value}"
        case _:
            return str(value)

"""Rows of a file of all counted scores, and their writers: each keeps a bounded stretch in hand."""

import io
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, Protocol
from uuid import UUID

import asyncpg
from typing_extensions import override

from services.reporting.documents.tables import (
    arrow_schema,
    arrow_table,
    csv_header,
    csv_lines,
    json_lines,
)
from shared.contracts.base import Record
from shared.contracts.reports.documents import ExportFormat
from shared.ids import format_id

GROUP_ROWS: Final = 20_000
"""Rows of a Parquet row group: small enough to hold, big enough to compress."""


class FactRow(Record, frozen=True, kw_only=True):
    """One score that reports count."""

    scoring_id: str
    assessment_id: str
    revision: int
    learner_id: str | None
    """Null: there is no such learner any more."""
    team_id: str | None
    """Of that day."""
    source: str
    day: date
    """In the tenant's time zone."""
    skill: str
    score: int
    """0..100."""
    rubric_id: str
    rubric_version: int
    engine: str
    """The judge: name and major version."""
    scenario_id: str | None
    scenario_version: int | None


@lru_cache(maxsize=4096)
def _repeated(prefix: str, value: UUID | None) -> str | None:
    """Return the public form of an id that many rows have in common."""
    return None if value is None else format_id(prefix, value)


def fact_row(row: asyncpg.Record) -> FactRow:
    """Return a row with public ids."""
    return FactRow(
        scoring_id=_repeated("scr", row["scoring_id"]) or "",
        assessment_id=_repeated("asm", row["assessment_id"]) or "",
        revision=row["revision"],
        learner_id=_repeated("lrn", row["learner_id"]),
        team_id=_repeated("team", row["team_id"]),
        source=row["source"],
        day=row["day"],
        skill=row["skill"],
        score=row["score"],
        rubric_id=_repeated("rub", row["rubric_id"]) or "",
        rubric_version=row["rubric_version"],
        engine=row["engine"],
        scenario_id=_repeated("scn", row["scenario_id"]),
        scenario_version=row["scenario_version"],
    )


class Writer(Protocol):
    """Turns rows into bytes; what it returns, in order, is the file."""

    def add(self, rows: Sequence[FactRow]) -> bytes:
        """Take rows; return what is ready."""
        ...

    def end(self) -> bytes:
        """Return the rest."""
        ...


class LineWriter:
    """CSV or JSON lines."""

    def __init__(self, form: ExportFormat) -> None:
        self._is_csv = form == "csv"
        self._head = csv_header(FactRow) if self._is_csv else b""

    def add(self, rows: Sequence[FactRow]) -> bytes:
        """Take rows; return their lines."""
        head, self._head = self._head, b""
        return head + (csv_lines(rows) if self._is_csv else json_lines(rows))

    def end(self) -> bytes:
        """Return the header of a file without rows."""
        head, self._head = self._head, b""
        return head


class ParquetFile:
    """Parquet, a row group at a time."""

    def __init__(self) -> None:
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415  (thirty megabytes that few need)

        self._out = _Forgetful()
        self._writer: Any = pq.ParquetWriter(
            self._out, arrow_schema(FactRow), compression="zstd", store_schema=True
        )
        self._rows: list[FactRow] = []

    def add(self, rows: Sequence[FactRow]) -> bytes:
        """Take rows; return a row group when there are enough of them."""
        self._rows += rows
        if len(self._rows) >= GROUP_ROWS:
            self._flush()
        return self._out.taken()

    def end(self) -> bytes:
        """Return the last rows and the footer."""
        if self._rows:
            self._flush()
        self._writer.close()
        return self._out.taken()

    def _flush(self) -> None:
        self._writer.write_table(arrow_table(FactRow, self._rows))
        self._rows = []


class _Forgetful(io.RawIOBase):
    """A file that gives away what was written and only remembers how much that was."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._size += len(piece)
        return len(piece)

    @override
    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        held, self._held = self._held, []
        return b"".join(held)


def writer_of(form: ExportFormat) -> Writer:
    """Return the writer of a format."""
    return ParquetFile() if form == "parquet" else LineWriter(form)

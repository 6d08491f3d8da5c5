"""Files that give back what was written, and hold little at a time."""

import csv
import io
from datetime import date

import msgspec
import pyarrow.parquet as pq

from services.reporting.documents import export_rows
from services.reporting.documents.export_rows import GROUP_ROWS, FactRow, writer_of
from services.reporting.documents.tables import arrow_schema, csv_header, csv_lines, parquet
from shared.contracts.base import Record


class Row(Record, frozen=True, kw_only=True):
    """One of each kind."""

    name: str
    day: date
    n: int
    mean: float
    low: float | None
    is_open: bool


ROWS = (
    Row(name='a,b\n"c"', day=date(2026, 3, 1), n=0, mean=0.1 + 0.2, low=None, is_open=True),
    Row(name="ä", day=date(2026, 3, 2), n=2**40, mean=-1e-17, low=-0.5, is_open=False),
)


def _fact(number: int) -> FactRow:
    return FactRow(
        scoring_id=f"scr_{number}",
        assessment_id="asm_1",
        revision=1,
        learner_id=None,
        team_id="team_1",
        source="call",
        day=date(2026, 3, 1),
        skill="relate.empathy",
        score=number % 101,
        rubric_id="rub_1",
        rubric_version=1,
        engine="e 1",
        scenario_id=None,
        scenario_version=None,
    )


def test_csv_keeps_every_digit_and_breaks_no_line() -> None:
    text = (csv_header(Row) + csv_lines(ROWS)).decode()
    read = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["name"] for row in read] == [row.name for row in ROWS]
    assert [float(row["mean"]) for row in read] == [row.mean for row in ROWS]
    assert (read[0]["low"], read[0]["is_open"], read[1]["low"]) == ("", "true", "-0.5")
    assert text.endswith("\r\n")


def test_a_text_that_a_spreadsheet_would_compute_is_text() -> None:
    row = msgspec.structs.replace(ROWS[1], name="=1+1")
    assert csv_lines([row]).startswith(b"'=1+1,")


def test_parquet_keeps_types_and_values() -> None:
    table = pq.read_table(io.BytesIO(parquet(Row, ROWS, {"as_of": "x"})))
    assert tuple(Row(**row) for row in table.to_pylist()) == ROWS
    assert table.schema.equals(arrow_schema(Row))
    assert table.schema.metadata[b"as_of"] == b"x"


def test_a_long_parquet_file_is_given_away_group_by_group() -> None:
    writer = writer_of("parquet")
    rows = [_fact(number) for number in range(GROUP_ROWS + 5_000)]
    pieces = []
    for start in range(0, len(rows), 1000):
        pieces.append(writer.add(rows[start : start + 1000]))
        assert isinstance(writer, export_rows.ParquetFile)
        assert len(writer._rows) < GROUP_ROWS
        assert not writer._out._held
    pieces.append(writer.end())
    content = b"".join(pieces)
    assert any(pieces[:-1])  # before the end
    file = pq.ParquetFile(io.BytesIO(content))
    assert file.metadata.num_row_groups == 2
    assert [FactRow(**row) for row in file.read().to_pylist()] == rows


def test_files_without_rows_have_their_columns() -> None:
    assert pq.read_table(io.BytesIO(writer_of("parquet").end())).num_rows == 0
    assert writer_of("csv").end() == csv_header(FactRow)
    assert writer_of("ndjson").end() == b""

"""How a row of an export is written: RFC 4180, safe in a spreadsheet, the same numbers back."""

import csv
import io
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.exports.rows import FIXED, FORMULA, CsvWriter, ExportRow, JsonWriter

ROOTS = ("relate", "resolve")
SKILLS = ("relate.empathy", "own.skill")
TEXTS = st.text(max_size=30)
SCORES = st.integers(0, 100)

ROWS = st.builds(
    ExportRow,
    assessment_id=st.just("asm_1"),
    scoring_id=st.just("scr_1"),
    simulation_id=st.none() | TEXTS,
    conversation_id=st.none() | TEXTS,
    conversation_external_id=st.none() | TEXTS,
    learner_id=st.just("lrn_1"),
    learner_external_id=st.none() | TEXTS,
    team_id=st.none() | TEXTS,
    scenario=st.none() | TEXTS,
    rubric=TEXTS,
    rubric_version=st.integers(1, 99),
    source=TEXTS,
    status=st.sampled_from(["scored", "not_scored"]),
    overall=st.none() | SCORES,
    passed=st.none() | st.booleans(),
    revision=st.integers(1, 99),
    origin=TEXTS,
    occurred_at=st.just(datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)),
    created_at=st.just(datetime(2026, 1, 2, tzinfo=UTC)),
    roots=st.dictionaries(st.sampled_from(ROOTS), SCORES),
    skills=st.dictionaries(st.sampled_from(SKILLS), SCORES),
)


def _read(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


@given(rows=st.lists(ROWS, max_size=4))
def test_numbers_come_back_and_no_cell_is_computed(rows: list[ExportRow]) -> None:
    writer = CsvWriter(ROOTS, SKILLS)

    found = _read(writer.header() + writer.lines(rows))

    assert len(found) == len(rows)
    for cells, row in zip(found, rows, strict=True):
        assert not any(text.startswith(FORMULA) for text in cells.values())
        assert cells["overall"] == ("" if row.overall is None else str(row.overall))
        assert cells["occurred_at"] == "2026-01-02T03:04:05.678Z"
        assert {root: int(cells[f"root.{root}"]) for root in row.roots} == row.roots
        assert {skill: int(cells[f"skill.{skill}"]) for skill in row.skills} == row.skills
        for name in ("conversation_external_id", "learner_external_id", "rubric"):
            text = getattr(row, name) or ""
            assert cells[name] == (f"'{text}" if text.startswith(FORMULA) else text)


@given(rows=st.lists(ROWS, max_size=4))
def test_lines_of_json_are_exact(rows: list[ExportRow]) -> None:
    writer = JsonWriter()

    lines = (writer.header() + writer.lines(rows)).splitlines() if rows else []

    assert [msgspec.json.decode(line, type=ExportRow) for line in lines] == rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx", '="a",\r\n"b"'])
def test_formulas_become_text(text: str) -> None:
    row = msgspec.structs.replace(_plain(), learner_external_id=text)

    (cells,) = _read(CsvWriter((), ()).header() + CsvWriter((), ()).lines([row]))

    assert cells["learner_external_id"] == f"'{text}"


def test_the_header_names_every_column() -> None:
    header = CsvWriter(ROOTS, SKILLS).header().decode()

    assert header.endswith("\r\n")
    assert header.strip().split(",") == [
        *FIXED, "root.relate", "root.resolve", "skill.relate.empathy", "skill.own.skill",
    ]  # fmt: skip


def _plain() -> ExportRow:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return ExportRow(
        assessment_id="asm_1",
        scoring_id="scr_1",
        simulation_id=None,
        conversation_id=None,
        conversation_external_id=None,
        learner_id="lrn_1",
        learner_external_id=None,
        team_id=None,
        scenario=None,
        rubric="general",
        rubric_version=1,
        source="call",
        status="scored",
        overall=1,
        passed=None,
        revision=1,
        origin="judge",
        occurred_at=moment,
        created_at=moment,
        roots={},
        skills={},
    )

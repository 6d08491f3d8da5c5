"""The tables of the guide for authors of rubrics are those of the code and of the library."""

from pathlib import Path

import pytest

from shared.contracts.rubric import (
    Anchor,
    AutoFail,
    Band,
    Condition,
    Criterion,
    Indicator,
    RubricSpec,
    Section,
)
from shared.library.indicators import load_indicators
from shared.library.markdown import put_tables
from shared.library.rubric_tables import TABLES, indicators_table, library_table
from shared.library.rubrics import load_rubrics

GUIDE = Path(__file__).resolve().parents[3] / "docs/rubrics.md"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_that_of_today(name: str) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    written = text.split(f"<!-- {name}:begin -->\n")[1].split(f"<!-- {name}:end -->")[0]
    assert written == TABLES[name](), "write it: rapport rubrics docs --write"


def test_putting_tables_in_changes_nothing_else() -> None:
    text = "before\n<!-- library:begin -->\nold\n<!-- library:end -->\nafter\n"
    put = put_tables(text, TABLES)
    assert put.startswith("before\n<!-- library:begin -->\n| Rubric | For |")
    assert put.endswith("<!-- library:end -->\nafter\n")
    assert put_tables(put, TABLES) == put
    assert put_tables("no table", TABLES) == "no table"


@pytest.mark.parametrize(
    "kind", [RubricSpec, Band, Section, Criterion, AutoFail, Condition, Anchor, Indicator]
)
def test_every_field_is_explained(kind: type) -> None:
    text = GUIDE.read_text(encoding="utf-8").split("\n## Titles\n")[0]
    missing = [name for name in kind.__annotations__ if f"`{name}`" not in text]
    assert missing == []


def test_each_indicator_has_a_row() -> None:
    rows = [row.split("`")[1] for row in indicators_table().splitlines()[2:]]
    assert rows == list(load_indicators())


def test_each_rubric_has_a_row_with_its_criteria() -> None:
    rows = library_table().splitlines()[2:]
    for row, spec in zip(rows, load_rubrics(), strict=True):
        assert row.startswith(f"| `{spec.slug}` | {spec.description} | {spec.target} | ")
        for section in spec.sections:
            assert all(criterion.title in row for criterion in section.criteria)

"""The tables of the authors' guide are those of the code and of the library."""

from pathlib import Path

import pytest

from shared.contracts.scenario import Role, Temper
from shared.library import load_scenarios
from shared.library.markdown import put_tables
from shared.library.skills import Seen, load_skills
from shared.library.tables import TABLES, library_table, skills_table

GUIDE = Path(__file__).resolve().parents[3] / "docs/scenarios.md"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_that_of_today(name: str) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    written = text.split(f"<!-- {name}:begin -->\n")[1].split(f"<!-- {name}:end -->")[0]
    assert written == TABLES[name](), "write it: rapport scenarios docs --write"


def test_putting_tables_in_changes_nothing_else() -> None:
    text = "before\n<!-- slots:begin -->\nold\n<!-- slots:end -->\nafter\n"
    put = put_tables(text, TABLES)
    assert put.startswith("before\n<!-- slots:begin -->\n| Slot | Holds |\n")
    assert put.endswith("<!-- slots:end -->\nafter\n")
    assert put_tables(put, TABLES) == put
    assert put_tables("no table", TABLES) == "no table"


def test_the_library_by_role_and_temper() -> None:
    rows = library_table().splitlines()
    assert len(rows) == 2 + len(Role)
    assert rows[0].count("|") == 2 + len(Temper)
    for spec in load_scenarios():
        assert f"`{spec.slug}` ({spec.difficulty})" in library_table()


def test_each_skill_of_one_conversation_has_a_row() -> None:
    rows = [row.split("`")[1] for row in skills_table().splitlines()[2:]]
    assert rows == [key for key, skill in load_skills().items() if Seen.TRANSCRIPT in skill.seen]


def test_the_library_exercises_every_skill_that_a_conversation_shows() -> None:
    exercised = {key for spec in load_scenarios() for key in spec.skills}
    shown = {key for key, skill in load_skills().items() if Seen.TRANSCRIPT in skill.seen}
    assert shown - exercised == set()

"""Stars that a new column would change are found; stars over named columns are not."""

from pathlib import Path

import pytest

from infra.checks.repository import check_repository
from infra.checks.source import Source
from infra.checks.sql_stars import RULE, check_queries, check_strings


def _found(statement: str) -> list[str]:
    source = Source("services/api/x/queries.sql", f"-- name: x\n-- Why.\n{statement}\n")
    return [each.message.split()[4] for each in check_queries(source)]


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("select * from turns where tenant_id = $1", "turns"),
        ("select distinct * from app.turns", "turns"),
        ("select t.* from turns t", "turns"),
        ("select t.*, k.wrapped from learner_keys k join turns as t using (learner_id)", "turns"),
        ("select turns.* from turns", "turns"),
        ("select 1, * from turns, unnest($1::int[])", "turns"),
        ("select count(*), a.* from unnest($1::int[]) as a, turns", ""),
        ("delete from turns where tenant_id = $1 returning *", "the"),
        ("update turns t set seq = 1 where tenant_id = $1 returning seq, t.*", "turns"),
        ("insert into turns as t (seq) values ($1) returning t.*", "turns"),
        ("with old as (select * from turns) select old.* from old", "turns"),
        ("with old as materialized (delete from turns t returning t.*) select 1 from old", "turns"),
        ("select a from (select * from only turns limit 3) as few", "turns"),
        ("select r.seq from x cross join lateral (select * from turns t offset 0) as r", "turns"),
        ("select 'a * b' as text, /* * */ t.* from turns t -- from unnest($1)", "turns"),
    ],
)
def test_stars_of_tables_are_found(statement: str, table: str) -> None:
    assert _found(statement) == ([table] if table else [])


@pytest.mark.parametrize(
    "statement",
    [
        "select count(*) from turns",
        "select seq * 2, (seq) * weight, 2 * (seq + 1) from turns t",
        "select sum(t.seq * t.seq) filter (where seq * 2 > 3) from turns t",
        "select * from app.take_turn_v4($1, $2)",
        "select * from unnest($1::int[]) as u (seq)",
        "select $1, u.* from unnest($1::int[]) as u (seq)",
        "select few.* from (select seq from turns) as few",
        "with one as (select seq from turns), c as (select *, 1 as x from one) select c.* from c",
        "with c as (select c.seq from turns c) select c.*, p.x from c cross join (select 1 as x) p",
        "select 'select * from turns' as text",
    ],
)
def test_stars_over_named_columns_may_stay(statement: str) -> None:
    assert _found(statement) == []


def test_strings_of_python_are_read_and_docstrings_are_not() -> None:
    text = '''"""Like `select * from turns`."""
ONE = "select * from turns"
TWO = f"select t.* from {table} t where x = $1"
THREE = "select * from app."
'''
    found = list(check_strings(Source("shared/x.py", text)))
    assert [(each.line, each.rule) for each in found] == [(2, RULE), (3, RULE)]


def test_the_line_is_told() -> None:
    text = "-- name: a\n-- Why.\nselect 1\n\n-- name: b\n-- Why.\nselect t.seq,\n       t.*\n  from turns t\n"
    (found,) = check_queries(Source("shared/q.sql", text))
    assert (found.path, found.line) == ("shared/q.sql", 8)


def test_a_planted_star_fails_the_repository(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "api" / "x"
    folder.mkdir(parents=True)
    (folder / "queries.sql").write_text(
        "-- name: x\n-- Why.\nselect * from turns where tenant_id = $1\n"
    )
    (folder / "repository.py").write_text('SQL = "select * from turns where tenant_id = $1"\n')
    stars = [each.path for each in check_repository(tmp_path) if each.rule == RULE]
    assert stars == ["services/api/x/queries.sql", "services/api/x/repository.py"]

"""Rules over migrations: what may run under load, what is never replaced, what services wait for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.checks import ddl, schema_names, sql_functions
from infra.checks.source import Source
from infra.migrations.migrate import OUTSIDE
from shared.db.schema import MIGRATIONS

Plant = Callable[[str, str], list[str]]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Lints a checkout with one migration in it; returns the broken rules."""

    def planted(sql: str, name: str = "0099_planted.sql") -> list[str]:
        folder = tmp_path / ddl.FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(sql)
        found = [str(each) for each in ddl.check(tmp_path)]
        (folder / name).unlink()
        return found

    return planted


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("alter table app.turns add column a bigint not null;", "adding-required-field"),
        ("alter table app.turns alter column seq type bigint;", "changing-column-type"),
        ("alter table app.turns drop column acts;", "ban-drop-column"),
        ("alter table app.turns rename column acts to deeds;", "renaming-column"),
        (
            "create index turns_a on app.turns (tenant_id, seq);",
            "require-concurrent-index-creation",
        ),
        ("alter table app.turns alter column acts set not null;", "adding-not-nullable-field"),
        ("drop table app.turns;", "ban-drop-table"),
        ("alter table app.turns add constraint a check (seq > 0);", "constraint-missing-not-valid"),
        ("alter table app.turns add unique (tenant_id, seq);", "disallowed-unique-constraint"),
    ],
)
def test_planted_unsafe_ddl_is_found(plant: Plant, sql: str, rule: str) -> None:
    (found,) = [one for one in plant(f"-- A harmless looking change.\n{sql}\n") if rule in one]
    assert found.startswith("infra/migrations/0099_planted.sql:2 unsafe-ddl ")


def test_safe_ddl_passes(plant: Plant) -> None:
    assert (
        plant(
            "create table app.things (tenant_id uuid, thing_id uuid, primary key (tenant_id, thing_id));\n"
            "call app.protect('app.things');\n"
            "create index things_by on app.things (tenant_id, thing_id);\n"
            "alter table app.turns add column remark text;\n"
            "alter table app.turns add column mood smallint not null default 0;\n"
            "alter table app.turns add constraint a check (seq > 0) not valid;\n"
        )
        == []
    )
    index = "create index concurrently if not exists turns_a on app.turns (tenant_id, seq);\n"
    assert plant(f"{OUTSIDE}\n{index}") == []
    both = "alter table app.turns add column remark text;\n" + index
    assert "ban-concurrent-index-creation-in-transaction" in plant(both)[0]


def test_what_is_no_sql_is_found(plant: Plant) -> None:
    assert "syntax-error" in plant("alter tabel app.turns;\n")[0]


def test_what_was_there_before_the_first_release_is_left_alone(plant: Plant) -> None:
    assert plant("drop table app.turns;\n", "0033_planted.sql") == []


def test_a_review_that_nothing_needs_is_told(tmp_path: Path) -> None:
    name, rule, _ = next(iter(ddl.REVIEWED))
    folder = tmp_path / ddl.FOLDER
    folder.mkdir(parents=True)
    (folder / name).write_text("select 1;\n")
    assert any(f"needs no exception: {rule}" in str(each) for each in ddl.check(tmp_path))


def test_squawk_that_cannot_run_is_an_error_not_a_pass(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ddl, "LEFT_OUT", {"no-such-rule": ""})
    with pytest.raises(OSError, match="squawk"):
        plant("select 1;\n")


FIRST = Source(
    "infra/migrations/0008_turn_functions.sql",
    "create function app.say_v1(a int) returns int language sql return 1;\n"
    "create function app.current_tenant() returns uuid language sql return null;\n",
)


def _functions(sql: str) -> list[str]:
    later = Source("infra/migrations/0040_later.sql", sql)
    return [each.message for each in sql_functions.check([FIRST, later])]


def test_a_function_is_never_replaced_in_place() -> None:
    (found,) = _functions("create or replace function app.say_v1(a int) returns int\n return 2;\n")
    assert "app.say_v1 exists" in found
    (dropped,) = _functions("drop function app.say_v1(int);\n")
    assert "drop it a release later" in dropped
    assert _functions("create function app.say_v2(a int) returns int return 2;\n") == []


def test_a_new_function_has_a_number() -> None:
    (found,) = _functions("create function app.hear(a int) returns int return 2;\n")
    assert "call it hear_v1" in found
    trigger = (
        "create function app.on_change() returns trigger\n language plpgsql as $$begin end$$;\n"
    )
    assert _functions(trigger) == []
    assert _functions("create or replace procedure app.protect(target regclass) as $$ $$;\n") == []


def test_services_wait_for_all_migrations_but_of_the_future(tmp_path: Path) -> None:
    folder = tmp_path / schema_names.FOLDER
    folder.mkdir(parents=True)
    (tmp_path / "shared" / "db").mkdir(parents=True)
    (folder / "0001_a.sql").write_text("select 1;")
    assert list(schema_names.check(tmp_path)), "no list yet"
    schema_names.update(tmp_path)
    assert list(schema_names.check(tmp_path)) == []
    (folder / "0002_b.sql").write_text("select 1;")
    (found,) = schema_names.check(tmp_path)
    assert "--update-schema" in found.message


def test_the_list_is_in_order() -> None:
    assert list(MIGRATIONS) == sorted(MIGRATIONS)
    assert MIGRATIONS[0] == "0001_roles_and_tenancy.sql"

"""Every rule over every file it concerns."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from infra.checks import (
    ddl,
    python_rules,
    schema_names,
    sql_functions,
    sql_rules,
    sql_stars,
    workflow_fingerprints,
)
from infra.checks.source import Violation, read_sources

CODE: Final = ("shared", "services", "infra")
RUNNING: Final = ("shared", "services")
"""What runs beside the release before it."""


def check_repository(root: Path) -> list[Violation]:
    """Return what is wrong with the checkout at `root`, in order of path and line."""
    return sorted(
        chain(
            _check_python(root),
            _check_sql(root),
            _check_stars(root),
            workflow_fingerprints.check(root),
            schema_names.check(root),
            sql_functions.check(read_sources(root, ("infra/migrations",), ".sql")),
            ddl.check(root),
        )
    )


def _check_python(root: Path) -> Iterator[Violation]:
    for source in read_sources(root, CODE, ".py"):
        for rule in python_rules.RULES:
            yield from rule(source)
    for source in read_sources(root, ("tests",), ".py"):
        yield from python_rules.check_size(source)


def _check_sql(root: Path) -> Iterator[Violation]:
    tables = sql_rules.tenant_tables(read_sources(root, ("infra/migrations",), ".sql"))
    for source in read_sources(root, CODE, ".sql"):
        if not source.is_in("infra/migrations"):
            yield from sql_rules.check_queries(source, tables)
        yield from python_rules.check_size(source)


def _check_stars(root: Path) -> Iterator[Violation]:
    for source in read_sources(root, RUNNING, ".sql"):
        yield from sql_stars.check_queries(source)
    for source in read_sources(root, RUNNING, ".py"):
        yield from sql_stars.check_strings(source)

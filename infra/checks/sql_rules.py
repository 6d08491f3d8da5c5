"""The rule over `*.sql` files of named queries: a statement on tenants' rows binds the tenant.

Row-level security forces it anyway; the explicit condition is what makes the index work, and a
second wall.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from infra.checks.source import Source, Violation

RULE: Final = "tenant-id"

ACROSS_TENANTS: Final = {
    ("services/orchestrator/queries.sql", "place_events"): "relay, system role: event headers",
    ("services/orchestrator/queries.sql", "republish_jobs"): "relay, system role: due jobs",
    ("services/orchestrator/queries.sql", "dying_jobs"): "relay, system role: jobs to bury",
    ("services/orchestrator/queries.sql", "forget_claims"): "relay, system role: old claims",
    ("services/api/queries.sql", "find_api_key"): "system role: who is asking, before any tenant",
    (
        "services/api/queries.sql",
        "find_minting_key",
    ): "system role: whose learner token it is, before any tenant",
    (
        "services/api/origins/queries.sql",
        "all_origins",
    ): "system role: hashes of the pages that any tenant lists",
    ("services/api/queries.sql", "workload"): "system role: the operators' view, numbers only",
    ("services/orchestrator/xapi/queries.sql", "due_stores"): "system role: ids and times",
    ("services/reporting/queries.sql", "heads"): "system role: positions of all tenants",
    ("services/orchestrator/reports/queries.sql", "due_tenants"): "system role: ids and switches",
    ("services/reporting/documents/queries.sql", "open_exports"): "system role: ids and times",
    ("services/reporting/documents/queries.sql", "old_exports"): "system role: ids and times",
    ("services/reporting/freshness.sql", "lag"): "system role: amounts and times only",
    (
        "services/orchestrator/webhooks/queries.sql",
        "subscribed_tenants",
    ): "system role: ids and positions",
    (
        "services/orchestrator/webhooks/queries.sql",
        "due_endpoints",
    ): "system role: ids and times",
}
"""Reviewed statements that look across tenants, and why: ids and numbers, never text."""

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_TABLE = re.compile(
    r"(?:\b(?:from|join|into|update|using|table)\s+(?:only\s+)?|,\s*)(?:\w+\.)?(\w+)"
)
_CREATE = re.compile(r"create table (?:\w+\.)?(\w+) \((.*?)\n\);", re.DOTALL)
_BOUND = re.compile(
    r"tenant_id\s*=\s*\$1\b"
    r"|insert into (?:\w+\.)?\w+\s*\(\s*tenant_id\b[^)]*\)\s*(?:values\s*\(\s*|select\s+)\$1\b"
)


def tenant_tables(migrations: Iterable[Source]) -> frozenset[str]:
    """Return the tables that have a `tenant_id`."""
    return frozenset(
        table
        for migration in migrations
        for table, columns in _CREATE.findall(migration.text)
        if re.search(r"^\s*tenant_id\s", columns, re.MULTILINE)
    )


def check_queries(source: Source, tables: frozenset[str]) -> Iterator[Violation]:
    """Every statement that touches one of `tables` binds `tenant_id` to $1 or is listed."""
    parts = _HEADER.split(source.text)
    line = 1 + parts[0].count("\n")
    found: set[tuple[str, str]] = set()
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        statement = _LITERAL.sub("''", _COMMENT.sub("", body)).lower()
        touched = sorted(tables & set(_TABLE.findall(statement)))
        is_free = bool(touched) and not _BOUND.search(statement)
        if is_free and (source.path, name) in ACROSS_TENANTS:
            found.add((source.path, name))
        elif is_free:
            message = f"{name} reads or writes {', '.join(touched)} without tenant_id = $1"
            yield Violation(source.path, line, RULE, message)
        line += body.count("\n")
    for path, name in sorted(ACROSS_TENANTS.keys() - found):
        if path == source.path:
            yield Violation(path, 1, RULE, f"{name} needs no exception: drop it")

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
    ("shared/privacy/queries.sql", "due_tasks"): "system role: ids of work that nobody has in hand",
    ("shared/privacy/queries.sql", "old_files"): "system role: ids of files whose time is over",
    ("shared/privacy/queries.sql", "ledger"): "system role: ids of who was erased, for restores",
    ("shared/privacy/queries.sql", "all_tenants"): "system role: ids, for a new master key",
    ("services/orchestrator/queries.sql", "place_events"): "relay, system role: event headers",
    ("services/orchestrator/queries.sql", "republish_jobs"): "relay, system role: due jobs",
    ("services/orchestrator/queries.sql", "dying_jobs"): "relay, system role: jobs to bury",
    ("services/orchestrator/queries.sql", "forget_claims"): "relay, system role: old claims",
    ("services/orchestrator/queries.sql", "fleet_jobs"): "system role: numbers and ages",
    ("services/orchestrator/queries.sql", "fleet_shares"): "system role: numbers",
    ("services/orchestrator/queries.sql", "fleet_tenants"): "system role: a number",
    ("services/orchestrator/queries.sql", "fleet_events"): "system role: a number and an age",
    ("services/orchestrator/queries.sql", "fleet_erasures"): "system role: an age",
    ("services/orchestrator/queries.sql", "fleet_keys"): "system role: a number and a time",
    ("services/api/queries.sql", "find_api_key"): "system role: who is asking, before any tenant",
    (
        "services/api/queries.sql",
        "find_minting_key",
    ): "system role: whose learner token it is, before any tenant",
    ("services/api/queries.sql", "note_uses"): "system role: times by key id",
    (
        "services/orchestrator/expiring_keys.sql",
        "ending_keys",
    ): "system role: ids of keys that end soon",
    (
        "services/api/origins/queries.sql",
        "all_origins",
    ): "system role: hashes of the pages that any tenant lists",
    (
        "services/api/identity/queries.sql",
        "find_pairs",
    ): "system role: whose token it is, before any tenant",
    ("services/api/ops/queries.sql", "queues"): "system role: the operators' view, numbers only",
    ("services/api/ops/queries.sql", "lanes"): "system role: the operators' view, numbers only",
    ("services/api/ops/queries.sql", "load"): "system role: the operators' view, numbers only",
    (
        "services/api/ops/queries.sql",
        "fleet_load",
    ): "system role: the operators' view, numbers only",
    (
        "services/api/ops/queries.sql",
        "busy_tenants",
    ): "system role: the operators' view, numbers only",
    (
        "services/api/ops/queries.sql",
        "tenants_by_status",
    ): "system role: the operators' view, numbers only",
    ("services/api/ops/queries.sql", "cost"): "system role: the operators' view, numbers only",
    ("services/api/ops/queries.sql", "outbox"): "system role: the operators' view, numbers only",
    (
        "services/api/ops/queries.sql",
        "consumer_lag",
    ): "system role: the operators' view, numbers only",
    ("services/api/ops/queries.sql", "webhooks"): "system role: the operators' view, numbers only",
    ("services/api/ops/stuck.sql", "stuck"): "system role: ids, states and times",
    ("services/api/ops/stuck.sql", "dead_letters"): "system role: ids, kinds and times",
    ("services/api/ops/tenants.sql", "list_tenants"): "system role: the operators' view",
    ("services/api/ops/usage.sql", "tenants_of_period"): "system role: ids",
    ("services/api/ops/usage.sql", "told"): "system role: numbers",
    ("services/api/ops/usage.sql", "keep"): "system role: numbers",
    ("services/api/ops/usage.sql", "used"): "system role: numbers",
    ("shared/load/queries.sql", "add_load"): "system role: numbers of all tenants with work",
    ("shared/load/queries.sql", "forget_load"): "system role: by age",
    ("services/orchestrator/recovery.sql", "tenants"): "system role: ids, after a restore only",
    ("services/orchestrator/xapi/queries.sql", "due_stores"): "system role: ids and times",
    ("shared/trail/queries.sql", "all_chains"): "system role: ids",
    ("services/orchestrator/retention/queries.sql", "due_tenants"): "system role: ids and times",
    ("services/orchestrator/trail/queries.sql", "unsealed_entries"): "system role: digests only",
    ("services/orchestrator/trail/queries.sql", "heads_of"): "system role: numbers and digests",
    ("services/orchestrator/trail/queries.sql", "seal_entries"): "system role: places of entries",
    ("services/orchestrator/trail/queries.sql", "put_heads"): "system role: numbers and digests",
    ("services/orchestrator/trail/queries.sql", "forget_marks"): "system role: by age",
    ("services/reporting/queries.sql", "unread"): "system role: positions of all tenants",
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

"""The build fails when a new table escapes row-level security. [R-C1]"""

import asyncpg
import pytest

WITHOUT_TENANT = {
    "app.installation_keys": "the installation's own, wrapped by the master key; only the system role may see it",
    "app.ops_keys": "operators belong to no tenant; only the system role may see it",
    "app.processes": "processes serve all tenants; only the system role may see it",
}
"""Reviewed: tables in the product's schemas that have no tenant_id."""

APP_MAY_CALL = {
    "current_tenant",
    "say_v1",
    "take_turn_v1",
    "take_turn_v2",
    "take_turn_v3",
    "take_turn_v4",
    "said_v1",
    "stream_head_v1",
    "take_batch_v1",
    "take_batch_v2",
    "finish_batch_v1",
    "finish_batch_v2",
    "advance_v1",
    "reserve_calls_v1",
    "settle_calls_v1",
    "advance_v2",
    "take_requests_v1",
    "admit_v1",
    "open_work_v1",
    "drain_v1",
    "reserve_calls_v2",
    "settle_calls_v2",
}
"""Procedures that set tables up are the owner's."""

SYSTEM_MAY_SEE = {
    "app.installation_keys": {"name", "wrapped", "created_at"},
    "app.tenant_keys": {"tenant_id", "key_id"},
    "app.privacy_tasks": {
        "tenant_id", "operation_id", "kind", "learner_id", "stage", "not_before", "lease_until", "is_open",
        "created_at", "ended_at", "expires_at",
    },
    "app.tenants": {
        "tenant_id", "slug", "status", "time_zone", "created_at", "dispute_window_h",
        "dispute_answer_h", "api_version", "plan",
    },
    "app.api_keys": {
        "tenant_id", "key_id", "hash", "environment", "scopes", "team_ids", "learner_id",
        "expires_at", "revoked_at", "user_id", "networks", "previous_hash", "previous_expires_at",
        "last_used_at", "warnings",
    },
    "app.users": {"tenant_id", "user_id", "role", "team_ids", "learner_id", "active"},
    "app.identity_settings": {"tenant_id", "pair_hash"},
    "app.ops_keys": {
        "key_id", "hash", "name", "scopes", "expires_at", "revoked_at", "created_at",
    },
    "app.tenant_limits": {"tenant_id", "name", "value", "changed_by", "changed_at"},
    "app.lane_drains": {
        "tenant_id", "kind", "since", "done", "before_since", "before_done",
    },
    "app.load_minutes": {"tenant_id", "minute", "kind", "ok", "refused", "failed", "buckets"},
    "app.processes": {"process_id", "service", "version", "started_at", "seen_at", "numbers"},
    "app.usage_periods": {
        "tenant_id", "first_day", "end_day", "simulations", "turns", "scorings", "model_calls",
        "input_tokens", "cached_tokens", "output_tokens", "cost_microusd", "counted_at",
    },
    "app.simulations": {
        "tenant_id", "simulation_id", "mode", "status", "end_reason", "last_seq", "created_at",
        "last_activity_at", "ended_at", "operation_id", "branch_seq", "environment",
    },
    "app.turns": {"tenant_id", "simulation_id", "seq", "role", "created_at"},
    "app.scorings": {
        "tenant_id", "scoring_id", "simulation_id", "status", "workflow_id", "created_at",
        "operation_id", "environment",
    },
    "app.operations": {
        "tenant_id", "operation_id", "kind", "status", "created_at", "started_at",
    },
    "app.llm_months": {
        "tenant_id", "month", "spent_microusd", "reserved_microusd", "in_flight",
    },
    "app.llm_calls": {
        "tenant_id", "status", "started_at", "expires_at", "input_tokens", "cached_tokens",
        "output_tokens", "cost_microusd", "reserved_microusd",
    },
    "app.webhook_attempts": {
        "tenant_id", "delivery_id", "number", "started_at", "latency_ms", "result", "status_code",
    },
    "app.jobs": {
        "tenant_id", "job_id", "kind", "payload", "attempt", "starts", "lease_until",
        "next_publish_at", "dead_at", "failure_code", "created_at",
    },
    "app.events": {
        "tenant_id", "event_id", "type", "resource_id", "sequence", "position", "occurred_at",
        "trace",
    },
    "app.event_heads": {"tenant_id", "position"},
    "app.allowed_origins": {"tenant_id", "origin_hash"},
    "app.consumer_positions": {"tenant_id", "consumer", "position"},
    "app.report_marks": {"tenant_id", "marked_at"},
    "report.settings": {"tenant_id", "is_weekly", "weekly_weekday", "weekly_hour"},
    "report.weekly_runs": {"tenant_id", "week"},
    "report.exports": {"tenant_id", "operation_id", "lease_until", "is_open"},
    "app.webhook_endpoints": {
        "tenant_id", "endpoint_id", "status", "not_before", "paced_until", "after_position",
        "failures", "disabled_reason", "disabled_at", "failing_since", "last_success_at",
    },
    "app.webhook_deliveries": {
        "tenant_id", "delivery_id", "endpoint_id", "status", "next_attempt_at", "lease_until",
        "attempt", "created_at",
    },
    "app.lrs": {"tenant_id", "enabled", "next_attempt_at", "lease_until"},
    "app.idempotency_claims": {"tenant_id", "claim_hash", "created_at"},
    "app.trail": {"tenant_id", "number", "at", "entry_hash", "position", "hash"},
    "app.trail_heads": {
        "tenant_id", "position", "hash", "pruned_position", "pruned_hash", "sealed_at", "mac",
    },
    "app.trail_marks": {"tenant_id", "at"},
    "app.retention": {"tenant_id", "audit_log"},
    "app.retention_passes": {"tenant_id", "due_at"},
}  # fmt: skip
"""Reviewed: everything `rapport_system` may read across tenants. Ids and times; never text."""

GLOBAL_INDEXES = {
    "installation_keys_pkey": "no tenant",
    "api_keys_lookup": "a key is found by its id before its tenant is known",
    "api_keys_ending": "a sweep looks for keys of all tenants that end soon",
    "identity_settings_pair_hash_key": "a token says its issuer before its tenant is known",
    "ops_keys_pkey": "no tenant",
    "processes_pkey": "no tenant",
    "load_minutes_recent": "operators see the last minutes of all tenants",
    "tenants_slug_key": "slugs are unique in the installation; operators choose them",
    "jobs_due": "the relay looks for due jobs of all tenants",
    "idempotency_claims_age": "old claims of all tenants are deleted by age",
    "trail_unsealed": "the sealer looks for new entries of all chains",
    "trail_marks_age": "old marks of all tenants are deleted by age",
    "events_unplaced": "the relay looks for new events of all tenants",
    "webhook_deliveries_due": "the senders look for due deliveries of all tenants",
}
"""Reviewed: indexes that do not lead with tenant_id."""


@pytest.fixture(scope="module")
async def catalog(database_url: str):
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _tables(catalog) -> list[asyncpg.Record]:
    return await catalog.fetch(
        "select c.oid, n.nspname || '.' || c.relname as name, c.relrowsecurity as enabled,"
        " c.relforcerowsecurity as forced, c.relkind as kind"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname in ('app', 'report') and c.relkind in ('r', 'p', 'v', 'm', 'f')"
    )


async def _fails(catalog, ddl: str, check) -> bool:
    transaction = catalog.transaction()
    await transaction.start()
    try:
        await catalog.execute(ddl)
        await check(catalog)
    except AssertionError:
        return True
    finally:
        await transaction.rollback()
    return False


async def check_protection(catalog) -> None:
    tables = await _tables(catalog)
    assert len(tables) >= 20
    for table in tables:
        name = table["name"]
        assert table["kind"] in {b"r", b"p"}, f"{name}: views need a review"
        assert table["enabled"], f"{name}: row security is off"
        assert table["forced"], f"{name}: the owner escapes row security"
        if name in WITHOUT_TENANT:
            continue
        nullable = await catalog.fetchval(
            "select not attnotnull from pg_attribute where attrelid = $1 and attname = 'tenant_id'",
            table["oid"],
        )
        assert nullable is False, f"{name}: tenant_id must exist and be not null"
        policies = await catalog.fetch(
            "select pg_get_expr(polqual, polrelid) as using, pg_get_expr(polwithcheck, polrelid) as checks"
            " from pg_policy where polrelid = $1 and 'rapport_app'::regrole = any(polroles)",
            table["oid"],
        )
        assert len(policies) == 1, f"{name}: one policy for the app role"
        for expression in policies[0]:
            assert expression == "(tenant_id = app.current_tenant())", f"{name}: {expression}"


async def check_keys(catalog) -> None:
    indexes = await catalog.fetch(
        "select i.relname as name, c.relname as table, a.attname as first"
        " from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid"
        " join pg_namespace n on n.oid = c.relnamespace"
        " left join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]"
        " where n.nspname in ('app', 'report')"
    )
    escaped = {i["name"] for i in indexes if i["first"] != "tenant_id"} - set(GLOBAL_INDEXES)
    assert not escaped, f"indexes that do not lead with tenant_id: {escaped}"
    foreign = await catalog.fetch(
        "select conname, conrelid::regclass::text as table, a.attname as first"
        " from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]"
        " where k.contype = 'f' and k.connamespace in ('app'::regnamespace, 'report'::regnamespace)"
    )
    assert not [row for row in foreign if row["first"] != "tenant_id"]


async def check_system_role(catalog) -> None:
    rows = await catalog.fetch(
        "select n.nspname || '.' || c.relname as table, a.attname as column"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        " where n.nspname in ('app', 'report', 'public') and c.relkind = 'r'"
        " and has_column_privilege('rapport_system', c.oid, a.attnum, 'select')"
    )
    visible: dict[str, set[str]] = {}
    for row in rows:
        visible.setdefault(row["table"], set()).add(row["column"])
    assert visible == SYSTEM_MAY_SEE


class TestCatalog:
    async def test_every_table_is_protected(self, catalog) -> None:
        await check_protection(catalog)

    async def test_keys_lead_with_the_tenant(self, catalog) -> None:
        await check_keys(catalog)

    async def test_the_system_role_sees_the_reviewed_columns_only(self, catalog) -> None:
        await check_system_role(catalog)

    async def test_no_function_runs_with_its_owners_rights(self, catalog) -> None:
        definers = await catalog.fetch(
            "select proname from pg_proc where prosecdef"
            " and pronamespace in ('app'::regnamespace, 'report'::regnamespace)"
        )
        assert definers == []

    async def test_only_the_app_role_may_call_functions(self, catalog) -> None:
        async def callers(role: str) -> set[str]:
            rows = await catalog.fetch(
                "select proname from pg_proc where has_function_privilege($1, oid, 'execute')"
                " and pronamespace in ('app'::regnamespace, 'report'::regnamespace)",
                role,
            )
            return {row["proname"] for row in rows}

        assert await callers("rapport_app") == APP_MAY_CALL
        assert await callers("rapport_system") == set()
        await catalog.execute("create function app.escaped() returns int language sql return 1")
        assert await callers("rapport_system") == set()

    async def test_service_roles_have_no_power_of_their_own(self, catalog) -> None:
        roles = await catalog.fetch(
            "select rolname from pg_roles where rolname like 'rapport\\_%'"
            " and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolinherit)"
        )
        assert roles == []


class TestTheTest:
    """Each check must catch a table that escapes."""

    async def test_an_unprotected_table_is_caught(self, catalog) -> None:
        ddl = "create table app.escaped (tenant_id uuid not null, id uuid, primary key (tenant_id, id))"
        assert await _fails(catalog, ddl, check_protection)

    async def test_a_table_without_force_is_caught(self, catalog) -> None:
        ddl = (
            "create table app.escaped (tenant_id uuid not null, id uuid, primary key (tenant_id, id));"
            "call app.protect('app.escaped'); alter table app.escaped no force row level security"
        )
        assert await _fails(catalog, ddl, check_protection)

    async def test_an_open_policy_is_caught(self, catalog) -> None:
        ddl = "create policy leak on app.turns to rapport_app using (true)"
        assert await _fails(catalog, ddl, check_protection)

    async def test_a_key_without_the_tenant_is_caught(self, catalog) -> None:
        assert await _fails(catalog, "create index leak on app.turns (turn_id)", check_keys)

    async def test_a_new_grant_to_the_system_role_is_caught(self, catalog) -> None:
        ddl = "grant select (text) on app.turns to rapport_system"
        assert await _fails(catalog, ddl, check_system_role)

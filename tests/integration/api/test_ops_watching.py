"""What operators see: queues, load, cost, webhooks, processes, lags, bytes; and who may."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import httpx
import msgspec
import pytest

from services.api.context import ProcessContext
from services.api.ops.handlers import ops_endpoints
from shared.contracts.jobs import JobKind, TurnJob
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.load.heartbeat import Heartbeat
from shared.ops_keys import OPS_SCOPES
from shared.telemetry.measures import Measure, note
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.ops_world import Operator, Work, trail, uuid_of
from tests.support.llm_calls import Caller
from tests.support.tenants import TenantFactory


@pytest.fixture(scope="module")
async def operator(http: httpx.AsyncClient, tenants: TenantFactory) -> Operator:
    return await Operator.new(http, tenants)


@pytest.fixture
async def fresh(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def work(database: Database, fresh: Partner) -> Work:
    return Work(database, fresh.tenant.tenant_id)


def _path(template: str) -> str:
    for name, prefix in (("tenant_id", "ten"), ("job_id", "job")):
        template = template.replace("{" + name + "}", format_id(prefix, IDS.new()))
    return template.removeprefix("/ops/v1")


class TestWhoMay:
    async def test_nobody_without_an_operators_key(
        self, http: httpx.AsyncClient, context: ProcessContext, fresh: Partner
    ) -> None:
        endpoints = ops_endpoints(context)
        assert len(endpoints) >= 20
        for contract, _ in endpoints:
            path = f"/ops/v1{_path(contract.template)}"
            for headers in ({}, fresh.headers, {"Authorization": "Bearer rk_ops_nonsense"}):
                response = await http.request(contract.method, path, headers=headers)
                assert response.status_code == 401, (path, response.text)
                assert response.json()["code"] == "unauthenticated"

    async def test_nobody_with_every_scope_but_the_one(
        self, http: httpx.AsyncClient, context: ProcessContext, tenants: TenantFactory
    ) -> None:
        for scope in OPS_SCOPES:
            others = [each for each in OPS_SCOPES if each != scope]
            operator = await Operator.new(http, tenants, others)
            guarded = [pair[0] for pair in ops_endpoints(context) if pair[0].scope == scope]
            assert guarded, scope
            for contract in guarded:
                response = await operator.send(contract.method, _path(contract.template), {})
                assert response.status_code == 403, (contract.template, response.text)
                assert response.json()["code"] == "scope-missing"

    async def test_a_key_that_was_good_once(
        self, http: httpx.AsyncClient, tenants: TenantFactory
    ) -> None:
        registry = tenants.registry
        expired = Operator(
            http, await registry.create_ops_key(expires_in=timedelta(seconds=-1), name="Old")
        )
        response = await expired.get("/workload")
        assert (response.status_code, response.json()["code"]) == (401, "key-expired")
        revoked = await Operator.new(http, tenants)
        assert (await revoked.get("/workload")).status_code == 200
        await registry.revoke_key(revoked.key_id)
        assert (await revoked.get("/workload")).status_code == 401

    async def test_an_operators_key_opens_nothing_of_a_tenant(
        self, operator: Operator, fresh: Partner
    ) -> None:
        assert (await fresh.as_key(operator.key).get("/v1/teams")).status_code == 401

    async def test_keys_are_listed_without_their_text(self, operator: Operator) -> None:
        response = await operator.get("/keys", limit=100)
        listed = {each["id"]: each for each in response.json()["data"]}
        own = listed[format_id("key", operator.key_id)]
        assert own["scopes"] == list(OPS_SCOPES)
        assert operator.key not in response.text


class TestDocument:
    async def test_it_has_every_operation(
        self, http: httpx.AsyncClient, context: ProcessContext
    ) -> None:
        document = (await http.get("/ops/v1/openapi.json")).json()
        described = {
            (method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        endpoints = ops_endpoints(context)
        assert set(described) == {(each.method, each.template) for each, _ in endpoints}
        for contract, handler in endpoints:
            operation = described[contract.method, contract.template]
            assert operation["operationId"] == handler.__name__
            assert operation["security"] == [{"ops_key": [contract.scope]}]
            assert operation["summary"].endswith(".")


class TestAudit:
    async def test_every_call_is_told_before_it_is_done(
        self,
        http: httpx.AsyncClient,
        tenants: TenantFactory,
        context: ProcessContext,
        database: Database,
    ) -> None:
        operator = await Operator.new(http, tenants)
        for contract, handler in ops_endpoints(context):
            response = await operator.send(contract.method, _path(contract.template), {})
            assert response.status_code < 500, (contract.template, response.text)
            told = await trail(database, operator.key_id)
            of_call = [e for e in told if e["request_id"] == response.headers["request-id"]]
            if response.status_code < 400:
                assert [each["action"] for each in of_call] == [f"ops.{handler.__name__}"]
            else:
                assert of_call[-1]["action"] == "ops.refused", contract.template
                facts = msgspec.json.decode(of_call[-1]["facts"])
                assert facts["operation"] == f"ops.{handler.__name__}"
                assert facts["status"] == response.status_code

    async def test_a_refused_call_names_what_was_asked(
        self, http: httpx.AsyncClient, tenants: TenantFactory, database: Database
    ) -> None:
        operator = await Operator.new(http, tenants, ["usage:read"])
        assert (await operator.get("/workload")).status_code == 403
        (entry,) = await trail(database, operator.key_id)
        assert entry["action"] == "ops.refused"
        assert msgspec.json.decode(entry["facts"]) == {
            "operation": "ops.get_workload", "status": 403, "code": "scope-missing",
        }  # fmt: skip


class TestBadInput:
    async def test_nothing_that_is_sent_is_a_fault_of_ours(
        self, operator: Operator, context: ProcessContext
    ) -> None:
        junk = ([], "x", 7, {"id": 5, "slug": "\x00", "set": {"weight": 1e99}, "limit": -1})
        for contract, _ in ops_endpoints(context):
            if contract.body is not None:
                for body in junk:
                    response = await operator.send(contract.method, _path(contract.template), body)
                    assert response.status_code == 400, (contract.template, body, response.text)
            if contract.query is not None:
                query = {"limit": "-5", "tenant_id": "ten_x", "cursor": "x", "nonsense": "\x00"}
                response = await operator.get(_path(contract.template), **query)
                assert response.status_code == 400, (contract.template, response.text)
                named = {each["pointer"] for each in response.json()["errors"]}
                assert "query:nonsense" in named


class TestQueues:
    async def test_the_worst_come_first_and_few_are_shown(
        self,
        operator: Operator,
        work: Work,
        fresh: Partner,
        tenants: TenantFactory,
        database: Database,
    ) -> None:
        now = datetime.now(UTC)
        other = Work(database, (await tenants.new()).tenant_id)
        turn = TurnJob(simulation_id=IDS.new(), seq=2)
        await work.job(turn, JobKind.TURN, created_at=now - timedelta(hours=3))
        for _ in range(3):
            await other.job(turn, JobKind.SCORE, created_at=now - timedelta(hours=1))
        await other.job(
            turn, JobKind.SCORE, created_at=now, lease_until=now + timedelta(minutes=5), starts=1
        )
        mine = format_id("ten", work.tenant_id)
        others = format_id("ten", other.tenant_id)
        seen = await operator.seen("/workload", limit=1)
        assert [each["tenant_id"] for each in seen["data"]] == [mine]
        assert 10_790 < seen["data"][0]["oldest_age_s"] < 10_900
        assert seen["total"] >= 2
        seen = await operator.seen("/workload", sort="waiting", kind="score", limit=1)
        assert seen["data"] == [
            {"tenant_id": others, "kind": "score", "waiting": 3, "in_flight": 1, "dead": 0}
            | {"oldest_age_s": seen["data"][0]["oldest_age_s"]}
        ]
        lanes = {each["kind"]: each for each in seen["fleet"]}
        assert lanes["score"]["waiting"] >= 3
        assert lanes["turn"]["tenants"] >= 1
        seen = await operator.seen("/workload", tenant_id=others)
        assert {each["tenant_id"] for each in seen["data"]} == {others}

    async def test_wrong_parameters_are_all_named(self, operator: Operator) -> None:
        response = await operator.get("/workload", sort="size", limit=0, kind="x", more=1)
        assert response.status_code == 400
        named = {each["pointer"] for each in response.json()["errors"]}
        assert named == {"query:sort", "query:limit", "query:kind", "query:more"}


class TestLoad:
    @pytest.fixture(autouse=True)
    async def measured(self, database: Database, work: Work) -> None:
        heartbeat = Heartbeat(database, "test", period_s=3600).start()
        for tenth in range(1, 101):
            note(Measure("turn", work.tenant_id, tenth / 10))
        note(Measure("turn", work.tenant_id, 60.0, "failed"))
        note(Measure("request", work.tenant_id, 0.01, "refused"))
        await heartbeat.beat()
        note(Measure("turn", work.tenant_id, 0.5))
        await heartbeat.stop()

    async def test_rates_errors_and_durations(self, operator: Operator, work: Work) -> None:
        mine = format_id("ten", work.tenant_id)
        seen = await operator.seen("/load", tenant_id=mine, minutes=5)
        turn = next(each for each in seen["data"] if each["kind"] == "turn")
        assert (turn["count"], turn["failed"], turn["refused"]) == (102, 1, 0)
        assert turn["per_minute"] > 10
        assert turn["seconds"]["p50"] == pytest.approx(5, rel=0.1)
        assert turn["seconds"]["p95"] == pytest.approx(9.5, rel=0.1)
        assert turn["seconds"]["p99"] == pytest.approx(9.9, rel=0.1)
        request = next(each for each in seen["data"] if each["kind"] == "request")
        assert request["refused"] == 1
        fleet = {each["kind"]: each for each in seen["fleet"]}
        assert fleet["turn"]["count"] >= 102
        only = await operator.seen("/load", tenant_id=mine, kind="turn", sort="p95", limit=1)
        assert [each["kind"] for each in only["data"]] == ["turn"]

    async def test_the_tenants_own_view(self, operator: Operator, work: Work) -> None:
        mine = format_id("ten", work.tenant_id)
        seen = await operator.seen(f"/tenants/{mine}/workload")
        assert {each["kind"] for each in seen["load"]} == {"turn", "request"}
        assert (seen["month_usd"], seen["calls_in_flight"]) == ("0", 0)

    async def test_what_models_cost_this_month(
        self, operator: Operator, work: Work, database: Database
    ) -> None:
        before = Decimal((await operator.seen("/overview"))["month_usd"])
        caller, now = Caller(database, work.tenant_id), datetime.now(UTC)
        await caller.call(now, cost=1_250_000)
        await caller.call(now, cost=250_000)
        await caller.call(now, is_settled=False)
        await caller.call(now - timedelta(days=40), cost=99_000_000)

        mine = await operator.seen(f"/tenants/{format_id('ten', work.tenant_id)}/workload")
        assert (Decimal(mine["month_usd"]), mine["calls_in_flight"]) == (Decimal("1.5"), 1)
        fleet = await operator.seen("/overview")
        assert Decimal(fleet["month_usd"]) - before == Decimal("1.5")
        assert fleet["calls_in_flight"] >= 1

    async def test_at_a_glance(self, operator: Operator, work: Work) -> None:
        seen = await operator.seen("/overview", sort="turn_p95", limit=5)
        mine = format_id("ten", work.tenant_id)
        busy = {each["tenant_id"]: each for each in seen["busy"]}
        assert busy[mine]["turn_p95_s"] == pytest.approx(9.5, rel=0.1)
        assert busy[mine]["failed"] == 1
        assert seen["tenants"]["active"] >= 1
        assert {each["kind"] for each in seen["load"]} >= {"turn", "request"}


class TestProcesses:
    async def test_a_process_is_seen_while_it_lives(
        self, operator: Operator, database: Database
    ) -> None:
        async def facts() -> dict[str, float]:
            return {"temporal_answers": 1, "temporal_workflow_tasks": 7}

        heartbeat = Heartbeat(database, "orchestrator", facts=facts, period_s=3600)
        await heartbeat.beat()
        seen = await operator.seen("/processes")
        (mine,) = [each for each in seen["data"] if each["service"] == "orchestrator"]
        assert mine["is_alive"]
        assert seen["versions"]["orchestrator"] == [mine["version"]]
        lag = await operator.seen("/lag")
        assert lag["temporal"] == {"temporal_answers": 1, "temporal_workflow_tasks": 7}
        async with system_tx(database) as connection:
            await connection.execute(
                "update processes set seen_at = now() - interval '1 minute'"
                " where service = 'orchestrator'"
            )
        seen = await operator.seen("/processes")
        (mine,) = [each for each in seen["data"] if each["service"] == "orchestrator"]
        assert not mine["is_alive"]
        assert "orchestrator" not in seen["versions"]
        await heartbeat.stop()
        assert not [
            each
            for each in (await operator.seen("/processes"))["data"]
            if each["service"] == "orchestrator"
        ]

    async def test_lags_of_relay_consumers_and_streams(
        self, operator: Operator, fresh: Partner, database: Database
    ) -> None:
        await fresh.simulation()
        seen = await operator.seen("/lag")
        assert seen["outbox_waiting"] >= 1  # no relay runs here
        assert seen["outbox_oldest_age_s"] > 0
        streams = {each["stream"]: each for each in seen["streams"]}
        assert streams["WORK_FLOW"]["messages"] >= 1
        tenant_id: UUID = fresh.tenant.tenant_id
        await Work(database, tenant_id).sql(
            "insert into consumer_positions (tenant_id, consumer, position)"
            " values ($1, 'reporting', 3)"
        )
        async with system_tx(database) as connection:
            await connection.execute("insert into event_heads values ($1, 10)", tenant_id)
        (reporting,) = [
            each for each in (await operator.seen("/lag"))["consumers"]
            if each["consumer"] == "reporting"
        ]  # fmt: skip
        assert (reporting["tenants"], reporting["events"]) == (1, 7)


class TestWebhooks:
    async def test_what_fails_comes_first_and_urls_stay_hidden(
        self, operator: Operator, fresh: Partner, work: Work
    ) -> None:
        url = "https://secret-receiver.example/hooks"
        made = []
        for _ in range(2):
            response = await fresh.post("/v1/webhook_endpoints", {"url": url})
            assert response.status_code == 201, response.text
            made.append(response.json()["id"])
        well, ill = made
        seen = await operator.seen("/webhooks", tenant_id=format_id("ten", work.tenant_id))
        assert {each["endpoint_id"] for each in seen["data"]} == {well, ill}
        await work.sql(
            "update webhook_endpoints set failures = 4, failing_since = now() where tenant_id = $1"
            " and endpoint_id = $2",
            uuid_of(ill),
        )
        response = await operator.get("/webhooks")
        listed = [each for each in response.json()["data"] if each["endpoint_id"] in made]
        assert [each["endpoint_id"] for each in listed] == [ill]
        assert listed[0]["failures"] == 4
        assert listed[0]["last_status_code"] is None
        assert "secret-receiver" not in response.text


class TestStorage:
    async def test_bytes_of_all_and_of_one(
        self, operator: Operator, fresh: Partner, work: Work
    ) -> None:
        mine = f"/tenants/{format_id('ten', work.tenant_id)}/storage"
        empty = (await operator.seen(mine))["bytes"]
        for _ in range(3):
            await fresh.simulation()
        seen = await operator.seen(mine)
        assert seen["bytes"] > empty
        rows = {each["name"]: each["rows"] for each in seen["tables"]}
        assert rows["app.simulations"] == 3
        fleet = await operator.seen("/storage")
        assert fleet["bytes"] == sum(each["bytes"] for each in fleet["tables"])
        assert {"app.turns", "report.facts"} <= {each["name"] for each in fleet["tables"]}

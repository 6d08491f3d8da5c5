"""`/v1/audit_log`: what is written, what is not, who may read it, and that a file proves itself."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.trail.watch import Watch
from services.orchestrator.trail.sealer import Sealer
from shared.config import Settings
from shared.db.keys import read_hash_key
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import parse_key
from shared.trail.chain import HeadSigner
from shared.trail.exporting import check
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.tenants import TenantFactory

EVIDENCE = {"transcript.read", "evidence.read"}


class Log:
    """A tenant of the test's own, and its audit log."""

    def __init__(self, partner: Partner, watch: Watch, sealer: Sealer) -> None:
        self.partner = partner
        self.watch = watch
        self._sealer = sealer

    async def entries(self, **query: Any) -> list[dict[str, Any]]:
        """Everything that is there now, the newest first."""
        await self.settle()
        response = await self.partner.get("/v1/audit_log", params={"limit": 100, **query})
        assert response.status_code == 200, response.text
        return list(response.json()["data"])

    async def settle(self) -> None:
        await self.watch.flush()
        while await self._sealer.seal():
            pass

    async def actions(self, **query: Any) -> list[str]:
        return [entry["action"] for entry in await self.entries(**query)]


@pytest.fixture(scope="module")
async def sealer(database: Database, settings: Settings, context: ProcessContext) -> Sealer:
    key = await read_hash_key(database, settings)
    return Sealer(database, context.clock, HeadSigner(key))


@pytest.fixture
async def log(context: ProcessContext, tenants: TenantFactory, sealer: Sealer):
    app = create_app(context)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Log(Partner(client, await tenants.new()), app.state.trail_watch, sealer)


class TestReads:
    async def test_a_transcript_is_noted_once_an_hour(self, log: Log, worker) -> None:
        simulation = (await log.partner.simulation())["id"]
        for _ in range(3):
            assert (await log.partner.get(f"/v1/simulations/{simulation}/turns")).status_code == 200
        (entry,) = await log.entries(action="transcript.read")
        assert entry["target"] == simulation
        key_id = parse_key(log.partner.tenant.api_key).key_id
        assert entry["actor"] == {"kind": "key", "id": format_id("key", key_id)}
        assert entry["request_id"].startswith("req_")

    async def test_another_process_does_not_note_it_again(
        self, log: Log, worker, context: ProcessContext
    ) -> None:
        simulation = (await log.partner.simulation())["id"]
        other = create_app(context)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=other), base_url="http://api.test"
        ) as client:
            for http in (log.partner.http, client):
                response = await http.get(
                    f"/v1/simulations/{simulation}/turns", headers=log.partner.headers
                )
                assert response.status_code == 200
        await asyncio.gather(log.watch.flush(), other.state.trail_watch.flush())
        assert await log.actions(action="transcript.read") == ["transcript.read"]

    async def test_what_was_refused_is_no_reading(self, log: Log) -> None:
        missing = format_id("sim", IDS.new())
        assert (await log.partner.get(f"/v1/simulations/{missing}/turns")).status_code == 404
        assert not EVIDENCE & set(await log.actions())

    async def test_a_key_is_noted_once_a_day(self, log: Log) -> None:
        for _ in range(3):
            await log.partner.get("/v1/teams")
        assert await log.actions(action="key.used") == ["key.used"]

    async def test_a_request_writes_nothing_before_the_flush(self, log: Log, database) -> None:
        await log.partner.get("/v1/teams")
        async with tenant_tx(database, log.partner.tenant.tenant_id) as connection:
            assert await connection.fetchval("select count(*) from trail") == 0

    async def test_exports_are_noted_each_time(self, log: Log) -> None:
        for _ in range(2):
            assert (await log.partner.get("/v1/assessments/export")).status_code == 200
        assert await log.actions(action="assessments") == ["assessments.exported"] * 2


class TestWrites:
    async def test_settings(self, log: Log) -> None:
        body = {"expected_revision": 0, "min_people": 8}
        for _ in range(2):  # the same again changes nothing
            assert (await log.partner.put("/v1/settings/reports", body)).status_code == 200
        (entry,) = await log.entries(target="settings/reports")
        assert (entry["action"], entry["facts"]) == ("settings.changed", {"revision": 1})
        assert len(entry["before"]) == len(entry["after"]) == 64
        assert entry["before"] != entry["after"]

    async def test_model_settings_and_nothing_of_the_key(self, log: Log) -> None:
        body = {
            "expected_revision": 0,
            "endpoint": {"base_url": "https://api.openai.com/v1"},
            "api_key": "sk-one",
        }
        assert (await log.partner.put("/v1/settings/llm", body)).status_code == 200
        assert (await log.partner.delete("/v1/settings/llm")).status_code == 200
        body["api_key"] = "sk-other"
        assert (await log.partner.put("/v1/settings/llm", body)).status_code == 200
        last, deleted, first = await log.entries(target="settings/llm")
        assert deleted["action"] == "settings.deleted"
        assert first["after"] == last["after"]  # the same settings with another key

    async def test_publishing(self, log: Log) -> None:
        scenario = (await log.partner.get("/v1/scenarios", params={"limit": 1})).json()["data"][0]
        rubrics = (await log.partner.get("/v1/rubrics", params={"limit": 1})).json()["data"]
        source = await log.partner.get(f"/v1/rubrics/{rubrics[0]['id']}/versions/1")
        spec = {**source.json()["spec"], "slug": "own-rubric"}
        made = await log.partner.post("/v1/rubrics", {"spec": spec})
        assert made.status_code == 201, (made.text, scenario["id"])
        path = f"/v1/rubrics/{made.json()['id']}/publish"
        assert (await log.partner.post(path)).status_code == 201
        (entry,) = await log.entries(action="rubric.published")
        assert (entry["target"], entry["facts"]["version"]) == (made.json()["id"], 1)


class TestReading:
    async def test_pages_and_filters(self, log: Log) -> None:
        for people in (6, 7, 8):
            body = {"expected_revision": people - 6, "min_people": people}
            assert (await log.partner.put("/v1/settings/reports", body)).status_code == 200
        await log.settle()
        seen, cursor = [], None
        while True:
            query = {
                "limit": 2,
                "target": "settings/reports",
                **({"cursor": cursor} if cursor else {}),
            }
            page = (await log.partner.get("/v1/audit_log", params=query)).json()
            seen += [entry["facts"]["revision"] for entry in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [3, 2, 1]
        key = (await log.entries())[0]["actor"]["id"]
        assert len(await log.entries(actor=key)) == 4
        assert await log.entries(actor=format_id("usr", IDS.new())) == []
        assert await log.entries(until="2020-01-01T00:00:00Z") == []

    @pytest.mark.parametrize(
        ("query", "name"),
        [
            ({"action": "Two words"}, "action"),
            ({"actor": "lrn_1"}, "actor"),
            ({"since": "yesterday"}, "since"),
            ({"target": "a b"}, "target"),
        ],
    )
    async def test_bad_queries_are_named(self, log: Log, query, name) -> None:
        response = await log.partner.get("/v1/audit_log", params=query)
        assert response.status_code == 400
        assert [one["pointer"] for one in response.json()["errors"]] == [f"query:{name}"]

    async def test_tenants_see_their_own_only(self, log: Log, stranger: Partner) -> None:
        await log.partner.put("/v1/settings/reports", {"expected_revision": 0, "min_people": 9})
        await log.settle()
        found = await stranger.get("/v1/audit_log", params={"target": "settings/reports"})
        assert found.json()["data"] == []

    async def test_scope_and_bounds(self, log: Log, key_maker: KeyMaker) -> None:
        tenant_id = log.partner.tenant.tenant_id
        without = log.partner.as_key(await key_maker.new(tenant_id, scopes=["settings:read"]))
        learner = parse_id("lrn", await log.partner.learner())
        bound = log.partner.as_key(
            await key_maker.new(tenant_id, scopes=["audit:read"], learner_id=learner)
        )
        for path in ("", "/head", "/export"):
            for partner in (without, bound):
                response = await partner.get(f"/v1/audit_log{path}")
                assert (response.status_code, response.json()["code"]) == (403, "scope-missing")


class TestExport:
    async def test_a_file_proves_itself(self, log: Log) -> None:
        for people in (6, 7, 8):
            body = {"expected_revision": people - 6, "min_people": people}
            await log.partner.put("/v1/settings/reports", body)
        await log.settle()
        response = await log.partner.get("/v1/audit_log/export")
        lines = response.content.splitlines()
        head = (await log.partner.get("/v1/audit_log/head")).json()
        found = check(lines)
        assert (found.findings, found.entries) == ((), head["position"])
        assert found.hash.hex() == head["hash"]
        later = await log.partner.get("/v1/audit_log/export", params={"after": 2})
        rest = check(later.content.splitlines())
        assert (rest.findings, rest.entries) == ((), found.entries - 2)
        assert (await log.actions(action="audit.exported")) == ["audit.exported"] * 2

    @pytest.mark.parametrize("way", ["changed", "removed", "swapped", "cut", "put in"])
    async def test_a_changed_file_does_not(self, log: Log, way: str) -> None:
        for people in (6, 7, 8):
            body = {"expected_revision": people - 6, "min_people": people}
            await log.partner.put("/v1/settings/reports", body)
        await log.settle()
        lines = (await log.partner.get("/v1/audit_log/export")).content.splitlines()
        if way == "changed":
            entry = msgspec.json.decode(lines[2])
            lines[2] = msgspec.json.encode({**entry, "target": "settings/llm"})
        elif way == "removed":
            del lines[2]
        elif way == "swapped":
            lines[2], lines[3] = lines[3], lines[2]
        elif way == "cut":
            del lines[-1]
        else:
            lines.insert(3, lines[2])
        assert check(lines).findings

    @pytest.mark.parametrize("content", [b"", b"{}", b'{"head": 1}', b"[]"])
    def test_something_else_is_no_export(self, content: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - of JSON, or ours: both end as one line
            check([content])


class TestTrouble:
    async def test_a_database_that_is_away_delays_notes(self, log: Log, monkeypatch) -> None:
        await log.partner.get("/v1/teams")

        async def away(*_: object) -> None:
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr("services.api.trail.watch._write", away)
            await log.watch.flush()
        assert await log.actions(action="key.used") == ["key.used"]

    async def test_a_database_that_is_closed_for_good_is_not_asked_again(
        self, log: Log, database: Database, monkeypatch
    ) -> None:
        async def away(*_: object) -> None:
            raise OSError

        await log.partner.get("/v1/teams")
        with monkeypatch.context() as patch, capture_logs() as lines:
            patch.setattr("services.api.trail.watch._write", away)
            patch.setattr(database, "is_closed", True)
            await log.watch.flush()
            await log.watch.flush()
        (line,) = [line for line in lines if line["event"] == "trail.delayed"]
        assert line["lost"] == line["notes"] > 0

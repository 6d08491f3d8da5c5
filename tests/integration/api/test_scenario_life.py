"""A scenario from its first draft to a version that never changes."""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from infra.tenants import ScenarioFaultsError
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.library import load_scenarios
from tests.integration.api.conftest import IDS, FakeWorker, KeyMaker, Partner
from tests.support.tenants import TenantFactory

GUIDE = Path(__file__).resolve().parents[3] / "docs/scenarios.md"

EVERYTHING = sorted({*SCOPES, "scenarios:write"})

Json = dict[str, Any]


@cache
def _example() -> str:
    return GUIDE.read_text(encoding="utf-8").split("```yaml\n")[-1].split("```")[0]


def new_spec(**fields: Any) -> Json:
    """Return a publishable scenario with a slug of its own."""
    raw: Json = yaml.safe_load(_example())
    return raw | {"slug": f"test-{str(IDS.new())[-12:]}"} | fields


@pytest.fixture(scope="module")
async def author(partner: Partner, key_maker: KeyMaker) -> Partner:
    return partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=EVERYTHING))


async def put(author: Partner, path: str, body: Any, key: str | None = None) -> httpx.Response:
    headers = dict(author.headers) | ({"Idempotency-Key": key} if key else {})
    return await author.http.put(path, json=body, headers=headers)


async def create(author: Partner, spec: Json | None = None, **options: Any) -> Json:
    response = await author.post("/v1/scenarios", {"spec": spec or new_spec()}, **options)
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


async def publish(author: Partner, scenario_id: str, **options: Any) -> httpx.Response:
    return await author.post(f"/v1/scenarios/{scenario_id}/publish", **options)


def _pointers(response: httpx.Response) -> list[str]:
    return [each["pointer"] for each in response.json()["errors"]]


class TestLife:
    async def test_from_draft_to_versions(self, author: Partner, worker: FakeWorker) -> None:
        spec = new_spec()
        response = await author.post("/v1/scenarios", {"spec": spec})
        made = response.json()
        path = f"/v1/scenarios/{made['id']}"
        assert response.status_code == 201
        assert response.headers["location"] == f"{path}/draft"
        assert (made["revision"], made["version"], made["findings"]) == (1, None, [])
        assert (await author.get(f"{path}/draft")).json() == made

        first = await publish(author, made["id"])
        assert first.status_code == 201, first.text
        assert first.headers["location"] == f"{path}/versions/1"
        assert (first.json()["version"], first.json()["origin"]) == (1, "tenant")
        assert first.json()["spec"]["facts"][0]["text"] == spec["facts"][0]["text"]
        assert (await author.get(first.headers["location"])).json() == first.json()
        running = await author.simulation(scenario=spec["slug"])
        assert running["scenario"]["version"] == 1

        changed = spec | {"title": "The fourth visit", "goals": [*spec["goals"], "Stay kind."]}
        replaced = await put(author, f"{path}/draft", {"spec": changed, "expected_revision": 1})
        assert (replaced.status_code, replaced.json()["revision"]) == (200, 2)
        assert (await author.get(path)).json()["title"] == spec["title"], "a draft is no version"
        second = await publish(author, made["id"])
        assert (second.status_code, second.json()["version"]) == (201, 2)
        assert (await author.get(path)).json()["title"] == "The fourth visit"
        assert (await author.simulation(scenario=made["id"]))["scenario"]["version"] == 2
        kept = (await author.get(f"/v1/simulations/{running['id']}")).json()
        assert (kept["scenario"]["version"], kept["scenario"]["title"]) == (1, spec["title"])
        listed = (await author.get(f"{path}/versions")).json()
        assert [(each["version"], each["title"]) for each in listed["data"]] == [
            (1, spec["title"]),
            (2, "The fourth visit"),
        ]

    async def test_without_a_version_nothing_starts(self, author: Partner) -> None:
        made = await create(author)
        learner = await author.learner()
        for scenario in (made["id"], made["slug"]):
            body = {"scenario": scenario, "learner_id": learner, "mode": "interactive"}
            response = await author.post("/v1/simulations", body)
            assert (response.status_code, _pointers(response)) == (404, ["/scenario"])
        assert (await author.get(f"/v1/scenarios/{made['id']}")).status_code == 404
        found = await author.get("/v1/scenarios", params={"slug": made["slug"]})
        assert found.json()["data"] == []
        versions = await author.get(f"/v1/scenarios/{made['id']}/versions")
        assert versions.json() == {"data": [], "next_cursor": None}

    async def test_nothing_new_makes_no_version(self, author: Partner) -> None:
        made = await create(author)
        first = await publish(author, made["id"])
        again = await publish(author, made["id"])
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()

    async def test_many_at_once_make_one_version(self, author: Partner) -> None:
        made = await create(author)
        responses = await asyncio.gather(*(publish(author, made["id"]) for _ in range(10)))
        assert {each.status_code for each in responses} <= {200, 201}
        assert [each.status_code for each in responses].count(201) == 1
        assert {each.json()["version"] for each in responses} == {1}

    async def test_faults_keep_it_from_being_published(self, author: Partner) -> None:
        spec = new_spec(skills=[])
        spec["facts"][0]["marks"] = ["violin"]
        spec["resolutions"][0]["needs_steps"] = ["nothing"]
        made = await create(author, spec)
        codes = [each["code"] for each in made["findings"]]
        assert "mark-not-in-text" in codes

        response = await publish(author, made["id"])

        problem = response.json()
        assert (response.status_code, problem["code"]) == (422, "scenario-has-faults")
        assert [each["code"] for each in problem["errors"]] == codes
        assert _pointers(response) == [f"/spec{each['path']}" for each in made["findings"]]
        assert "/spec/facts/0/marks/0" in _pointers(response)
        advice = next(each for each in problem["errors"] if each["code"] == "skills-missing")
        assert advice["detail"].startswith("Advice only: ")
        listed = await author.get(f"/v1/scenarios/{made['id']}/versions")
        assert listed.json()["data"] == []

    @pytest.mark.parametrize("number", ["0", "2", "01", "1.0", "x", "-1", "9" * 9, "9" * 40])
    async def test_no_such_version(self, author: Partner, number: str) -> None:
        made = await create(author)
        await publish(author, made["id"])
        response = await author.get(f"/v1/scenarios/{made['id']}/versions/{number}")
        assert (response.status_code, response.json()["code"]) == (404, "not-found")

    async def test_a_method_that_a_draft_has_not(self, author: Partner) -> None:
        path = f"/v1/scenarios/{(await create(author))['id']}/draft"
        response = await author.http.delete(path, headers=author.headers)
        assert (response.status_code, response.headers["allow"]) == (405, "GET, PUT")

    async def test_versions_are_paged(self, author: Partner) -> None:
        spec = new_spec()
        made = await create(author, spec)
        path = f"/v1/scenarios/{made['id']}"
        for number in range(5):
            spec["title"] = f"Number {number}"
            body = {"spec": spec, "expected_revision": number + 1}
            assert (await put(author, f"{path}/draft", body)).status_code == 200
            assert (await publish(author, made["id"])).status_code == 201
        seen, cursor = [], None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await author.get(f"{path}/versions", params=params)).json()
            seen += [each["version"] for each in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [1, 2, 3, 4, 5]
        for wrong in ("x", "AAAA", "AAAAAA==", "_____w", "AAAAAQA"):
            response = await author.get(f"{path}/versions", params={"cursor": wrong})
            assert (response.status_code, response.json()["code"]) == (400, "cursor-invalid")


class TestDraft:
    async def test_a_slug_is_taken_once(self, author: Partner) -> None:
        made = await create(author)
        response = await author.post("/v1/scenarios", {"spec": new_spec(slug=made["slug"])})
        assert (response.status_code, response.json()["code"]) == (409, "conflict")
        assert made["id"] in response.json()["detail"]

    async def test_a_stale_revision_is_refused(self, author: Partner) -> None:
        spec = new_spec()
        path = f"/v1/scenarios/{(await create(author, spec))['id']}/draft"
        for title in ("Second", "Third"):
            response = await put(
                author, path, {"spec": spec | {"title": title}, "expected_revision": 1}
            )
        assert (response.status_code, response.json()["code"]) == (409, "conflict")
        assert _pointers(response) == ["/expected_revision"]
        assert "revision 2" in response.json()["detail"]
        assert (await author.get(path)).json()["spec"]["title"] == "Second"

    async def test_the_same_again_changes_nothing(self, author: Partner) -> None:
        spec = new_spec()
        path = f"/v1/scenarios/{(await create(author, spec))['id']}/draft"
        body = {"spec": spec | {"title": "Second"}, "expected_revision": 1}
        first, again = await put(author, path, body), await put(author, path, body)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.json() == first.json()

    async def test_the_slug_stays(self, author: Partner) -> None:
        made = await create(author)
        body = {"spec": new_spec(), "expected_revision": 1}
        response = await put(author, f"/v1/scenarios/{made['id']}/draft", body)
        assert (response.status_code, _pointers(response)) == (409, ["/spec/slug"])

    async def test_only_one_of_many_writers_wins(self, author: Partner) -> None:
        spec = new_spec()
        path = f"/v1/scenarios/{(await create(author, spec))['id']}/draft"
        responses = await asyncio.gather(
            *(
                put(author, path, {"spec": spec | {"title": f"By {n}"}, "expected_revision": 1})
                for n in range(8)
            )
        )
        assert sorted(each.status_code for each in responses) == [200] + [409] * 7
        assert (await author.get(path)).json()["revision"] == 2

    async def test_another_language_needs_a_model(self, author: Partner) -> None:
        made = await create(author)
        created = await author.post("/v1/scenarios", {"spec": new_spec(language="de")})
        body = {"spec": new_spec(language="fr", slug=made["slug"]), "expected_revision": 1}
        replaced = await put(author, f"/v1/scenarios/{made['id']}/draft", body)
        for response in (created, replaced):
            assert (response.status_code, response.json()["code"]) == (
                422,
                "language-not-supported",
            )
            assert _pointers(response) == ["/spec/language"]
            assert "what is spoken may be another language" in response.json()["detail"]

    @pytest.mark.parametrize(
        ("change", "pointers"),
        [
            ({"color": "red"}, ["/spec/color"]),
            ({"difficulty": 9, "role": "king"}, ["/spec/role", "/spec/difficulty"]),
            ({"facts": [{"key": "A"}]}, ["/spec/facts/0/key", "/spec/facts/0/text"]),
        ],
    )
    async def test_every_wrong_field_is_named(
        self, author: Partner, change: Json, pointers: list[str]
    ) -> None:
        for path in ("/v1/scenarios", "/v1/scenarios/lint"):
            response = await author.post(path, {"spec": new_spec(**change)})
            assert (response.status_code, response.json()["code"]) == (400, "validation-failed")
            assert _pointers(response) == pointers

    async def test_a_body_has_its_limit(self, author: Partner) -> None:
        spec = new_spec(brief="x" * 1024 * 1024)
        for path in ("/v1/scenarios", "/v1/scenarios/lint"):
            assert (await author.post(path, {"spec": spec})).status_code == 413
        large = await author.post("/v1/scenarios/lint", {"spec": new_spec(brief="x" * 900_000)})
        assert [each["code"] for each in large.json()["findings"]] == ["too-big"]


class TestLint:
    async def test_nothing_is_stored(self, author: Partner) -> None:
        spec = new_spec(language="de", skills=[])
        response = await author.post("/v1/scenarios/lint", {"spec": spec})
        assert response.status_code == 200
        assert response.json()["publishable"] is False
        first, second = response.json()["findings"]
        assert (first["code"], first["path"]) == ("language-not-supported", "/language")
        assert (second["severity"], second["code"]) == ("warning", "skills-missing")
        assert first["message"]
        assert first["advice"]
        good = await author.post("/v1/scenarios/lint", {"spec": new_spec(slug=spec["slug"])})
        assert good.json() == {"publishable": True, "findings": []}
        found = await author.post("/v1/scenarios", {"spec": new_spec(slug=spec["slug"])})
        assert found.status_code == 201


class TestRepeats:
    async def test_making(self, author: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        made = await create(author, spec, key=key)
        again = await author.post("/v1/scenarios", {"spec": spec}, key=key)
        assert (again.status_code, again.json()) == (201, made)
        assert again.headers["idempotent-replayed"] == "true"
        other = await author.post("/v1/scenarios", {"spec": new_spec()}, key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")

    async def test_making_many_at_once(self, author: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        responses = await asyncio.gather(
            *(author.post("/v1/scenarios", {"spec": spec}, key=key) for _ in range(10))
        )
        assert {each.status_code for each in responses} == {201}
        assert len({each.json()["id"] for each in responses}) == 1

    async def test_publishing_answers_with_its_own_version(self, author: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        made = await create(author, spec)
        first = await publish(author, made["id"], key=key)
        body = {"spec": spec | {"title": "Next"}, "expected_revision": 1}
        await put(author, f"/v1/scenarios/{made['id']}/draft", body)
        assert (await publish(author, made["id"])).json()["version"] == 2
        again = await publish(author, made["id"], key=key)
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["idempotent-replayed"] == "true"

    async def test_a_refused_publication_leaves_the_key_free(self, author: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        made = await create(author, spec | {"rubric": "nothing"})
        assert (await publish(author, made["id"], key=key)).status_code == 422
        body = {"spec": spec, "expected_revision": 1}
        await put(author, f"/v1/scenarios/{made['id']}/draft", body)
        assert (await publish(author, made["id"], key=key)).status_code == 201

    async def test_replacing(self, author: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        path = f"/v1/scenarios/{(await create(author, spec))['id']}/draft"
        body = {"spec": spec | {"title": "Second"}, "expected_revision": 1}
        first = await put(author, path, body, key)
        later = {"spec": spec | {"title": "Third"}, "expected_revision": 2}
        await put(author, path, later)
        again = await put(author, path, body, key)
        assert (first.json()["revision"], again.json()["revision"]) == (2, 3)
        assert again.headers["idempotent-replayed"] == "true"


class TestWhoMay:
    async def test_a_reader_sees_no_secret(
        self, author: Partner, partner: Partner, key_maker: KeyMaker
    ) -> None:
        made = await create(author)
        await publish(author, made["id"])
        key = await key_maker.new(partner.tenant.tenant_id, scopes=["scenarios:read"])
        reader = partner.as_key(key)
        path = f"/v1/scenarios/{made['id']}"
        secret = made["spec"]["facts"][0]["text"]
        for each in (path, "/v1/scenarios", f"{path}/versions"):
            response = await reader.get(each)
            assert response.status_code == 200
            assert secret not in response.text
            assert "needs_acts" not in response.text
        await _refused(reader, made)

    @pytest.mark.parametrize("bound", ["learner_id", "team_ids"])
    async def test_a_bound_key_neither_sees_nor_changes(
        self, author: Partner, partner: Partner, key_maker: KeyMaker, bound: str
    ) -> None:
        made = await create(author)
        columns: Json = {"learner_id": parse_id("lrn", await partner.learner())}
        if bound == "team_ids":
            columns = {"team_ids": [parse_id("team", await partner.team())]}
        tenant_id = partner.tenant.tenant_id
        key = await key_maker.new(tenant_id, scopes=EVERYTHING, **columns)
        await _refused(partner.as_key(key), made)

    async def test_other_tenants_see_nothing(
        self, author: Partner, stranger: Partner, key_maker: KeyMaker
    ) -> None:
        made = await create(author)
        await publish(author, made["id"])
        key = await key_maker.new(stranger.tenant.tenant_id, scopes=EVERYTHING)
        other = stranger.as_key(key)
        path = f"/v1/scenarios/{made['id']}"
        body = {"spec": made["spec"], "expected_revision": 1}
        for response in (
            await other.get(path),
            await other.get(f"{path}/draft"),
            await other.get(f"{path}/versions"),
            await other.get(f"{path}/versions/1"),
            await put(other, f"{path}/draft", body),
            await publish(other, made["id"]),
        ):
            assert (response.status_code, response.json()["code"]) == (404, "not-found")
        assert (await create(other, new_spec(slug=made["slug"])))["id"] != made["id"]


async def _refused(partner: Partner, made: Json) -> None:
    path = f"/v1/scenarios/{made['id']}"
    body = {"spec": made["spec"], "expected_revision": made["revision"]}
    for response in (
        await partner.get(f"{path}/draft"),
        await partner.get(f"{path}/versions/1"),
        await put(partner, f"{path}/draft", body),
        await publish(partner, made["id"]),
        await partner.post("/v1/scenarios", {"spec": new_spec()}),
        await partner.post("/v1/scenarios/lint", {"spec": new_spec()}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "scope-missing")


class TestLibrary:
    async def test_what_a_tenant_publishes_stays_its_own(
        self, tenants: TenantFactory, http: httpx.AsyncClient, key_maker: KeyMaker
    ) -> None:
        tenant = await tenants.new()
        key = await key_maker.new(tenant.tenant_id, scopes=EVERYTHING)
        author = Partner(http, tenant).as_key(key)
        slug = load_scenarios()[0].slug
        listed = await author.get("/v1/scenarios", params={"slug": slug})
        scenario_id = listed.json()["data"][0]["id"]
        path = f"/v1/scenarios/{scenario_id}"
        draft = (await author.get(f"{path}/draft")).json()
        assert (draft["revision"], draft["version"]) == (0, 1)
        unchanged = await publish(author, scenario_id)
        assert (unchanged.status_code, unchanged.json()["origin"]) == (200, "library")

        spec = new_spec(slug=slug)
        body = {"spec": spec, "expected_revision": 0}
        assert (await put(author, f"{path}/draft", body)).json()["revision"] == 1
        stale = {"spec": spec | {"title": "Stale"}, "expected_revision": 0}
        assert (await put(author, f"{path}/draft", stale)).status_code == 409
        assert (await publish(author, scenario_id)).json()["version"] == 2
        assert await tenants.registry.seed_library(tenant.tenant_id) == 0
        assert (await author.get(path)).json()["version"] == 2

    async def test_the_library_never_takes_a_draft(
        self, tenants: TenantFactory, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, *rest = load_scenarios()
        monkeypatch.setattr("shared.new_tenants.load_scenarios", lambda: tuple(rest))
        tenant = await tenants.new()
        async with tenant_tx(database, tenant.tenant_id) as connection:
            scenario_id = IDS.new()
            await connection.execute(
                "insert into scenarios (tenant_id, scenario_id, slug, created_at)"
                " values ($1, $2, $3, now())",
                tenant.tenant_id,
                scenario_id,
                first.slug,
            )
            await connection.execute(
                "insert into scenario_drafts (tenant_id, scenario_id, revision, spec, updated_at)"
                " values ($1, $2, 1, '{}', now())",
                tenant.tenant_id,
                scenario_id,
            )
        monkeypatch.undo()
        assert await tenants.registry.seed_library(tenant.tenant_id) == 0
        held = await tenants.registry.list_scenarios(tenant.tenant_id)
        mine = next(each for each in held if each.slug == first.slug)
        assert (mine.version, mine.origin, mine.revision) == (None, None, 1)

    async def test_a_file_is_published_from_the_command_line(
        self, tenants: TenantFactory, http: httpx.AsyncClient
    ) -> None:
        tenant = await tenants.new()
        spec = msgspec.convert(new_spec(), ScenarioSpec)
        first = await tenants.registry.publish_scenario(tenant.tenant_id, spec)
        again = await tenants.registry.publish_scenario(tenant.tenant_id, spec)
        assert (first.version, first.is_new) == (again.version, not again.is_new) == (1, True)
        changed = msgspec.structs.replace(spec, title="Other")
        assert (await tenants.registry.publish_scenario(tenant.tenant_id, changed)).version == 2
        faulty = msgspec.structs.replace(spec, language="de", resolutions=())
        with pytest.raises(ScenarioFaultsError, match="4 errors") as caught:
            await tenants.registry.publish_scenario(tenant.tenant_id, faulty)
        codes = {each.code for each in caught.value.findings if each.severity == "error"}
        assert "language-not-supported" in codes
        held = {each.slug: each for each in await tenants.registry.list_scenarios(tenant.tenant_id)}
        assert (held[spec.slug].version, held[spec.slug].origin) == (2, "tenant")
        shown = await Partner(http, tenant).get("/v1/scenarios", params={"slug": spec.slug})
        assert shown.json()["data"][0]["title"] == "Other"


async def test_versions_cannot_be_changed(author: Partner, database: Database) -> None:
    made = await create(author)
    await publish(author, made["id"])
    for statement in (
        "update scenario_versions set version = 9",
        "delete from scenario_versions",
        "delete from scenario_drafts",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with tenant_tx(database, author.tenant.tenant_id) as connection:
                await connection.execute(statement)

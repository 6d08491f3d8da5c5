"""Rubrics in the archive, who may write them, and the built-in ones."""

import httpx
import msgspec
import pytest

from infra.tenants import RubricFaultsError, TenantError
from shared.contracts.rubric import RubricSpec
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.library.rubrics import load_rubrics
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.api.rubric_author import (
    SAMPLES,
    Json,
    act,
    create,
    faulty_spec,
    new_spec,
    pointers_of,
    publish,
    put,
    scoring,
)
from tests.support.tenants import TenantFactory


class TestArchive:
    async def test_it_stays_readable_and_is_not_published(self, partner: Partner) -> None:
        spec = new_spec()
        made = await create(partner, spec)
        path = f"/v1/rubrics/{made['id']}"
        await publish(partner, made["id"])
        scored = await scoring(partner, spec["slug"])

        archived = await act(partner, made["id"], "archive")

        assert (archived.status_code, archived.json()["status"]) == (200, "archived")
        again = (await act(partner, made["id"], "archive")).json()
        assert again["archived_at"] == archived.json()["archived_at"]
        shown = (await partner.get(path)).json()
        assert (shown["status"], shown["version"]) == ("archived", 1)
        assert shown["archived_at"] == again["archived_at"]
        assert (await partner.get(f"{path}/versions/1")).status_code == 200
        kept = (await partner.get(f"/v1/scorings/{scored['id']}")).json()
        assert kept["rubric"]["id"] == made["id"]
        body = {"spec": spec | {"title": "Next"}, "expected_revision": 1}
        assert (await put(partner, f"{path}/draft", body)).status_code == 200
        refused = await publish(partner, made["id"])
        assert (refused.status_code, refused.json()["code"]) == (409, "rubric-archived")

        restored = await act(partner, made["id"], "restore")
        assert (restored.json()["status"], restored.json()["archived_at"]) == ("published", None)
        assert (await publish(partner, made["id"])).json()["version"] == 2

    async def test_lists_tell_them_apart(self, partner: Partner) -> None:
        kept, gone = await create(partner), await create(partner)
        for made in (kept, gone):
            await publish(partner, made["id"])
        await act(partner, gone["id"], "archive")
        for status, wanted in (("published", {kept["id"]}), ("archived", {gone["id"]})):
            page = await partner.get("/v1/rubrics", params={"status": status, "limit": 100})
            found = {each["id"] for each in page.json()["data"]}
            assert found & {kept["id"], gone["id"]} == wanted
            assert {each["status"] for each in page.json()["data"]} == {status}
        page = await partner.get("/v1/rubrics", params={"limit": 100})
        assert {kept["id"], gone["id"]} <= {each["id"] for each in page.json()["data"]}
        wrong = await partner.get("/v1/rubrics", params={"status": "draft"})
        assert (wrong.status_code, pointers_of(wrong)) == (400, ["query:status"])

    async def test_not_while_scenarios_are_scored_by_it(self, partner: Partner) -> None:
        listed = await partner.get("/v1/rubrics", params={"slug": "support"})
        rubric_id = listed.json()["data"][0]["id"]
        refused = await act(partner, rubric_id, "archive")
        assert (refused.status_code, refused.json()["code"]) == (409, "rubric-in-use")
        assert "support-angry-late-delivery" in refused.json()["detail"]
        assert (await partner.get(f"/v1/rubrics/{rubric_id}")).json()["status"] == "published"

    async def test_what_does_not_exist(self, partner: Partner) -> None:
        for verb in ("archive", "restore", "publish"):
            response = await act(partner, "rub_" + "0" * 26, verb)
            assert (response.status_code, response.json()["code"]) == (404, "not-found")


class TestWhoMay:
    async def test_a_reader_sees_versions_and_no_draft(
        self, partner: Partner, key_maker: KeyMaker
    ) -> None:
        made = await create(partner)
        await publish(partner, made["id"])
        scopes = [scope for scope in SCOPES if scope != "rubrics:write"]
        reader = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=scopes))
        path = f"/v1/rubrics/{made['id']}"
        for each in (path, "/v1/rubrics", f"{path}/versions", f"{path}/versions/1"):
            assert (await reader.get(each)).status_code == 200
        await _refused(reader, made)

    @pytest.mark.parametrize("bound", ["learner_id", "team_ids"])
    async def test_a_bound_key_does_not_write(
        self, partner: Partner, key_maker: KeyMaker, bound: str
    ) -> None:
        made = await create(partner)
        columns: Json = {"learner_id": parse_id("lrn", await partner.learner())}
        if bound == "team_ids":
            columns = {"team_ids": [parse_id("team", await partner.team())]}
        key = await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, **columns)
        await _refused(partner.as_key(key), made)

    async def test_other_tenants_see_nothing(self, partner: Partner, stranger: Partner) -> None:
        made = await create(partner)
        await publish(partner, made["id"])
        path = f"/v1/rubrics/{made['id']}"
        body = {"spec": made["spec"], "expected_revision": 1}
        for response in (
            await stranger.get(path),
            await stranger.get(f"{path}/draft"),
            await stranger.get(f"{path}/versions"),
            await stranger.get(f"{path}/versions/1"),
            await put(stranger, f"{path}/draft", body),
            await publish(stranger, made["id"]),
            await act(stranger, made["id"], "archive"),
            await act(stranger, made["id"], "restore"),
            await stranger.post(f"{path}/dry-runs", SAMPLES),
        ):
            assert (response.status_code, response.json()["code"]) == (404, "not-found")
        assert (await create(stranger, new_spec(slug=made["slug"])))["id"] != made["id"]


async def _refused(partner: Partner, made: Json) -> None:
    path = f"/v1/rubrics/{made['id']}"
    body = {"spec": made["spec"], "expected_revision": made["revision"]}
    for response in (
        await partner.get(f"{path}/draft"),
        await put(partner, f"{path}/draft", body),
        await publish(partner, made["id"]),
        await act(partner, made["id"], "archive"),
        await act(partner, made["id"], "restore"),
        await partner.post(f"{path}/dry-runs", SAMPLES),
        await partner.post("/v1/rubrics", {"spec": new_spec()}),
        await partner.post("/v1/rubrics/lint", {"spec": new_spec()}),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "scope-missing")


class TestLibrary:
    async def test_what_a_tenant_publishes_stays_its_own(
        self, tenants: TenantFactory, http: httpx.AsyncClient
    ) -> None:
        author = Partner(http, await tenants.new())
        tenant_id = author.tenant.tenant_id
        listed = await author.get("/v1/rubrics", params={"slug": "general"})
        shown = listed.json()["data"][0]
        assert (shown["origin"], shown["status"]) == ("library", "published")
        path = f"/v1/rubrics/{shown['id']}"
        draft = (await author.get(f"{path}/draft")).json()
        assert (draft["revision"], draft["version"], draft["status"]) == (0, 1, "published")
        unchanged = await publish(author, shown["id"])
        assert (unchanged.status_code, unchanged.json()["origin"]) == (200, "library")

        spec = new_spec(slug="general", title="Our general form")
        body = {"spec": spec, "expected_revision": 0}
        assert (await put(author, f"{path}/draft", body)).json()["revision"] == 1
        stale = {"spec": spec | {"title": "Stale"}, "expected_revision": 0}
        assert (await put(author, f"{path}/draft", stale)).status_code == 409
        assert (await publish(author, shown["id"])).json()["version"] == 2
        assert await tenants.registry.seed_library(tenant_id) == 0
        now = (await author.get(path)).json()
        assert (now["version"], now["origin"], now["title"]) == (2, "tenant", "Our general form")

    async def test_the_library_goes_on_where_the_tenant_has_written_nothing(
        self, tenants: TenantFactory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant = await tenants.new()
        newer = tuple(msgspec.structs.replace(each, target=1) for each in load_rubrics())
        monkeypatch.setattr("shared.new_tenants.load_rubrics", lambda: newer)
        assert await tenants.registry.seed_library(tenant.tenant_id) == len(newer)
        held = await tenants.registry.list_rubrics(tenant.tenant_id)
        assert {(each.version, each.origin) for each in held} == {(2, "library")}

    async def test_the_library_never_takes_a_draft(
        self, tenants: TenantFactory, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, *rest = load_rubrics()
        monkeypatch.setattr("shared.new_tenants.load_rubrics", lambda: tuple(rest))
        author = Partner(http, await tenants.new())
        await create(author, new_spec(slug=first.slug))
        monkeypatch.undo()
        assert await tenants.registry.seed_library(author.tenant.tenant_id) == 0
        held = await tenants.registry.list_rubrics(author.tenant.tenant_id)
        mine = next(each for each in held if each.slug == first.slug)
        assert (mine.version, mine.origin, mine.revision) == (None, None, 1)

    async def test_a_file_is_published_from_the_command_line(
        self, tenants: TenantFactory, http: httpx.AsyncClient
    ) -> None:
        author = Partner(http, await tenants.new())
        registry, tenant_id = tenants.registry, author.tenant.tenant_id
        spec = msgspec.convert(new_spec(), RubricSpec)
        first = await registry.publish_rubric(tenant_id, spec)
        again = await registry.publish_rubric(tenant_id, spec)
        assert (first.version, first.is_new) == (again.version, not again.is_new) == (1, True)
        changed = msgspec.structs.replace(spec, title="Other")
        assert (await registry.publish_rubric(tenant_id, changed)).version == 2
        faulty = msgspec.convert(faulty_spec(), RubricSpec)
        with pytest.raises(RubricFaultsError, match="2 errors") as caught:
            await registry.publish_rubric(tenant_id, faulty)
        assert "skill-unknown" in {each.code for each in caught.value.findings}
        held = {each.slug: each for each in await registry.list_rubrics(tenant_id)}
        assert (held[spec.slug].version, held[spec.slug].origin) == (2, "tenant")
        assert faulty.slug not in held
        shown = await author.get("/v1/rubrics", params={"slug": spec.slug})
        assert shown.json()["data"][0]["title"] == "Other"

        await act(author, shown.json()["data"][0]["id"], "archive")
        with pytest.raises(TenantError, match="archived"):
            await registry.publish_rubric(tenant_id, spec)
        held = {each.slug: each for each in await registry.list_rubrics(tenant_id)}
        assert held[spec.slug].is_archived


async def test_versions_cannot_be_changed(partner: Partner, database: Database) -> None:
    made = await create(partner)
    await publish(partner, made["id"])
    for statement in (
        "update rubric_versions set version = 9",
        "delete from rubric_versions",
        "delete from rubric_drafts",
        "update rubrics set slug = 'x'",
        "delete from rubrics",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with tenant_tx(database, partner.tenant.tenant_id) as connection:
                await connection.execute(statement)


async def test_rows_of_other_tenants_do_not_exist(
    partner: Partner, stranger: Partner, database: Database
) -> None:
    await create(partner)
    async with tenant_tx(database, stranger.tenant.tenant_id) as connection:
        rows = await connection.fetch("select tenant_id from rubric_drafts")
    assert partner.tenant.tenant_id not in {row["tenant_id"] for row in rows}

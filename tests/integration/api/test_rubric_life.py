"""A rubric from its first draft to versions that never change."""

import asyncio

import pytest

from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.rubric_author import (
    Json,
    act,
    create,
    faulty_spec,
    new_spec,
    pointers_of,
    publish,
    put,
    score,
    scoring,
    with_skill,
)


class TestLife:
    async def test_from_draft_to_versions(self, partner: Partner) -> None:
        spec = new_spec()
        response = await partner.post("/v1/rubrics", {"spec": spec})
        made = response.json()
        path = f"/v1/rubrics/{made['id']}"
        assert response.status_code == 201
        assert response.headers["location"] == f"{path}/draft"
        assert (made["status"], made["revision"], made["version"]) == ("draft", 1, None)
        assert [each for each in made["findings"] if each["severity"] == "error"] == []
        assert (await partner.get(f"{path}/draft")).json() == made

        first = await publish(partner, made["id"])
        assert first.status_code == 201, first.text
        assert first.headers["location"] == f"{path}/versions/1"
        assert (first.json()["version"], first.json()["origin"]) == (1, "tenant")
        assert first.json()["spec"]["sections"] == spec["sections"]
        assert (await partner.get(first.headers["location"])).json() == first.json()

        changed = spec | {"title": "Calls at night", "target": 70}
        replaced = await put(partner, f"{path}/draft", {"spec": changed, "expected_revision": 1})
        assert (replaced.status_code, replaced.json()["revision"]) == (200, 2)
        assert replaced.json()["status"] == "published"
        shown = (await partner.get(path)).json()
        assert (shown["title"], shown["version"]) == (spec["title"], 1), "a draft is no version"
        second = await publish(partner, made["id"])
        assert (second.status_code, second.json()["version"]) == (201, 2)
        shown = (await partner.get(path)).json()
        assert (shown["title"], shown["version"], shown["status"]) == (
            "Calls at night",
            2,
            "published",
        )
        assert (await partner.get(f"{path}/versions/1")).json() == first.json()
        listed = (await partner.get(f"{path}/versions")).json()
        assert [(each["version"], each["title"], each["target"]) for each in listed["data"]] == [
            (1, spec["title"], spec["target"]),
            (2, "Calls at night", 70),
        ]

    async def test_results_keep_their_version(self, partner: Partner) -> None:
        spec = new_spec()
        made = await create(partner, spec)
        await publish(partner, made["id"])
        first = await scoring(partner, spec["slug"])
        body = {"spec": spec | {"title": "Next"}, "expected_revision": 1}
        await put(partner, f"/v1/rubrics/{made['id']}/draft", body)
        await publish(partner, made["id"])
        second = await scoring(partner, spec["slug"])
        assert (first["rubric"]["version"], second["rubric"]["version"]) == (1, 2)
        kept = (await partner.get(f"/v1/scorings/{first['id']}")).json()
        assert (kept["rubric"]["id"], kept["rubric"]["version"]) == (made["id"], 1)

    async def test_without_a_version_nothing_is_scored(self, partner: Partner) -> None:
        made = await create(partner)
        response = await score(partner, made["slug"])
        assert (response.status_code, pointers_of(response)) == (404, ["/rubric"])
        assert (await partner.get(f"/v1/rubrics/{made['id']}")).status_code == 404
        found = await partner.get("/v1/rubrics", params={"slug": made["slug"]})
        assert found.json()["data"] == []
        versions = await partner.get(f"/v1/rubrics/{made['id']}/versions")
        assert versions.json() == {"data": [], "next_cursor": None}

    async def test_nothing_new_makes_no_version(self, partner: Partner) -> None:
        made = await create(partner)
        first = await publish(partner, made["id"])
        again = await publish(partner, made["id"])
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json() == first.json()

    async def test_many_at_once_make_one_version(self, partner: Partner) -> None:
        made = await create(partner)
        responses = await asyncio.gather(*(publish(partner, made["id"]) for _ in range(10)))
        assert sorted(each.status_code for each in responses) == [200] * 9 + [201]
        assert {each.json()["version"] for each in responses} == {1}

    async def test_faults_keep_it_from_being_published(self, partner: Partner) -> None:
        made = await create(partner, faulty_spec())
        codes = [each["code"] for each in made["findings"]]
        assert {"skill-unknown", "indicator-unknown", "description-missing"} <= set(codes)

        response = await publish(partner, made["id"])

        problem = response.json()
        assert (response.status_code, problem["code"]) == (422, "rubric-has-faults")
        assert [each["code"] for each in problem["errors"]] == codes
        assert pointers_of(response) == [f"/spec{each['path']}" for each in made["findings"]]
        assert "/spec/sections/0/criteria/0/indicators/0/key" in pointers_of(response)
        advice = next(each for each in problem["errors"] if each["code"] == "description-missing")
        assert advice["detail"].startswith("Advice only: ")
        listed = await partner.get(f"/v1/rubrics/{made['id']}/versions")
        assert listed.json()["data"] == []

    @pytest.mark.parametrize("number", ["0", "2", "01", "x", "-1", "9" * 9, "9" * 40])
    async def test_no_such_version(self, partner: Partner, number: str) -> None:
        made = await create(partner)
        await publish(partner, made["id"])
        response = await partner.get(f"/v1/rubrics/{made['id']}/versions/{number}")
        assert (response.status_code, response.json()["code"]) == (404, "not-found")

    async def test_versions_are_paged(self, partner: Partner) -> None:
        spec = new_spec()
        made = await create(partner, spec)
        path = f"/v1/rubrics/{made['id']}"
        for number in range(3):
            body = {"spec": spec | {"title": f"Number {number}"}, "expected_revision": number + 1}
            assert (await put(partner, f"{path}/draft", body)).status_code == 200
            assert (await publish(partner, made["id"])).status_code == 201
        seen, cursor = [], None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await partner.get(f"{path}/versions", params=params)).json()
            seen += [each["version"] for each in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert seen == [1, 2, 3]
        response = await partner.get(f"{path}/versions", params={"cursor": "x"})
        assert (response.status_code, response.json()["code"]) == (400, "cursor-invalid")


class TestDraft:
    async def test_a_slug_is_taken_once(self, partner: Partner) -> None:
        made = await create(partner)
        response = await partner.post("/v1/rubrics", {"spec": new_spec(slug=made["slug"])})
        assert (response.status_code, response.json()["code"]) == (409, "conflict")
        assert made["id"] in response.json()["detail"]

    async def test_a_stale_revision_is_refused(self, partner: Partner) -> None:
        spec = new_spec()
        path = f"/v1/rubrics/{(await create(partner, spec))['id']}/draft"
        for title in ("Second", "Third"):
            response = await put(
                partner, path, {"spec": spec | {"title": title}, "expected_revision": 1}
            )
        assert (response.status_code, response.json()["code"]) == (409, "conflict")
        assert pointers_of(response) == ["/expected_revision"]
        assert "revision 2" in response.json()["detail"]
        assert (await partner.get(path)).json()["spec"]["title"] == "Second"

    async def test_the_same_again_changes_nothing(self, partner: Partner) -> None:
        spec = new_spec()
        path = f"/v1/rubrics/{(await create(partner, spec))['id']}/draft"
        body = {"spec": spec | {"title": "Second"}, "expected_revision": 1}
        first, again = await put(partner, path, body), await put(partner, path, body)
        assert (first.status_code, again.status_code) == (200, 200)
        assert again.json() == first.json()

    async def test_the_slug_stays(self, partner: Partner) -> None:
        made = await create(partner)
        body = {"spec": new_spec(), "expected_revision": 1}
        response = await put(partner, f"/v1/rubrics/{made['id']}/draft", body)
        assert (response.status_code, pointers_of(response)) == (409, ["/spec/slug"])

    async def test_only_one_of_many_writers_wins(self, partner: Partner) -> None:
        spec = new_spec()
        path = f"/v1/rubrics/{(await create(partner, spec))['id']}/draft"
        responses = await asyncio.gather(
            *(
                put(partner, path, {"spec": spec | {"title": f"By {n}"}, "expected_revision": 1})
                for n in range(8)
            )
        )
        assert sorted(each.status_code for each in responses) == [200] + [409] * 7
        assert (await partner.get(path)).json()["revision"] == 2

    @pytest.mark.parametrize(
        ("change", "pointers"),
        [
            ({"color": "red"}, ["/spec/color"]),
            ({"target": 101, "kind": "stars"}, ["/spec/kind", "/spec/target"]),
            ({"sections": []}, ["/spec/sections"]),
            ({"sections": [{"key": "A", "title": "A", "weight": 0, "criteria": []}]}, None),
        ],
    )
    async def test_every_wrong_field_is_named(
        self, partner: Partner, change: Json, pointers: list[str] | None
    ) -> None:
        inside = ["key", "weight", "criteria"]
        for path in ("/v1/rubrics", "/v1/rubrics/lint"):
            response = await partner.post(path, {"spec": new_spec(**change)})
            assert (response.status_code, response.json()["code"]) == (400, "validation-failed")
            wanted = pointers or [f"/spec/sections/0/{name}" for name in inside]
            assert pointers_of(response) == wanted

    async def test_a_body_has_its_limit(self, partner: Partner) -> None:
        criterion = new_spec()["sections"][0]["criteria"][0]
        many = [
            {"key": f"s{n}", "title": "S", "weight": 5, "criteria": [criterion] * 40}
            for n in range(20)
        ]
        for path in ("/v1/rubrics", "/v1/rubrics/lint"):
            assert (await partner.post(path, {"spec": new_spec(sections=many)})).status_code == 413
        large = await partner.post("/v1/rubrics/lint", {"spec": new_spec(sections=many[:4])})
        assert {each["code"] for each in large.json()["findings"]} == {"too-big"}


class TestLint:
    async def test_nothing_is_stored(self, partner: Partner) -> None:
        spec = faulty_spec()
        response = await partner.post("/v1/rubrics/lint", {"spec": spec})
        assert response.status_code == 200
        assert response.json()["publishable"] is False
        first = response.json()["findings"][0]
        assert first["severity"] == "error"
        assert first["message"]
        assert first["advice"]
        good = await partner.post("/v1/rubrics/lint", {"spec": new_spec(slug=spec["slug"])})
        assert good.json()["publishable"] is True
        found = await partner.post("/v1/rubrics", {"spec": new_spec(slug=spec["slug"])})
        assert found.status_code == 201


class TestOwnSkills:
    async def test_a_key_of_the_tenant_may_be_named(
        self, partner: Partner, stranger: Partner
    ) -> None:
        key = f"relate.own_{str(IDS.new())[-12:]}"
        spec = with_skill(new_spec(), key)
        made = await create(partner, spec)
        assert "skill-unknown" in [each["code"] for each in made["findings"]]
        assert (await publish(partner, made["id"])).status_code == 422
        skill = {"name": "Own", "definition": "A skill of our own."}
        assert (await put(partner, f"/v1/skills/{key}", skill)).status_code == 200

        lint = await partner.post("/v1/rubrics/lint", {"spec": spec})
        assert lint.json()["publishable"] is True
        assert (await publish(partner, made["id"])).status_code == 201

        dropped = await partner.http.delete(f"/v1/skills/{key}", headers=partner.headers)
        assert (dropped.status_code, made["slug"] in dropped.text) == (409, True)
        other = await stranger.post("/v1/rubrics/lint", {"spec": spec})
        assert other.json()["publishable"] is False

    async def test_a_key_cannot_go_while_a_rubric_that_names_it_is_published(
        self, partner: Partner
    ) -> None:
        for _ in range(5):
            key = f"relate.own_{str(IDS.new())[-12:]}"
            skill = {"name": "Own", "definition": "A skill of our own."}
            assert (await put(partner, f"/v1/skills/{key}", skill)).status_code == 200
            made = await create(partner, with_skill(new_spec(), key))
            published, dropped = await asyncio.gather(
                publish(partner, made["id"]),
                partner.http.delete(f"/v1/skills/{key}", headers=partner.headers),
            )
            assert (published.status_code, dropped.status_code) in {(201, 409), (422, 200)}


class TestRepeats:
    async def test_making(self, partner: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        made = await create(partner, spec, key=key)
        again = await partner.post("/v1/rubrics", {"spec": spec}, key=key)
        assert (again.status_code, again.json()) == (201, made)
        assert again.headers["idempotent-replayed"] == "true"
        other = await partner.post("/v1/rubrics", {"spec": new_spec()}, key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")

    async def test_making_many_at_once(self, partner: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        responses = await asyncio.gather(
            *(partner.post("/v1/rubrics", {"spec": spec}, key=key) for _ in range(10))
        )
        assert {each.status_code for each in responses} == {201}
        assert len({each.json()["id"] for each in responses}) == 1

    async def test_publishing_answers_with_its_own_version(self, partner: Partner) -> None:
        spec, key = new_spec(), str(IDS.new())
        made = await create(partner, spec)
        first = await publish(partner, made["id"], key=key)
        body = {"spec": spec | {"title": "Next"}, "expected_revision": 1}
        await put(partner, f"/v1/rubrics/{made['id']}/draft", body)
        assert (await publish(partner, made["id"])).json()["version"] == 2
        again = await publish(partner, made["id"], key=key)
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["idempotent-replayed"] == "true"

    async def test_replacing_and_archiving(self, partner: Partner) -> None:
        spec = new_spec()
        made = await create(partner, spec)
        path = f"/v1/rubrics/{made['id']}/draft"
        key = str(IDS.new())
        body = {"spec": spec | {"title": "Second"}, "expected_revision": 1}
        await put(partner, path, body, key=key)
        third = {"spec": spec | {"title": "Third"}, "expected_revision": 2}
        assert (await put(partner, path, third)).json()["revision"] == 3
        again = await put(partner, path, body, key=key)
        assert (again.status_code, again.json()["revision"]) == (200, 3)
        assert again.headers["idempotent-replayed"] == "true"

        key = str(IDS.new())
        assert (await act(partner, made["id"], "archive", key=key)).json()["status"] == "archived"
        assert (await act(partner, made["id"], "restore")).json()["status"] == "draft"
        late = await act(partner, made["id"], "archive", key=key)
        assert (late.json()["status"], late.headers["idempotent-replayed"]) == ("draft", "true")

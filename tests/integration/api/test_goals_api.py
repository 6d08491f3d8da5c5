"""Personal goals: made, changed, listed and deleted by whoever may see the learner."""

from typing import Any

import pytest

from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner

SCORE = {"kind": "score", "skill": "relate.empathy", "target": 80, "due_on": "2027-03-31"}
ATTEMPTS = {"kind": "attempts", "target": 2, "starts_on": "2026-12-01", "due_on": "2026-12-31"}


@pytest.fixture(scope="module")
async def learner(partner: Partner) -> str:
    return await partner.learner()


async def made(partner: Partner, learner: str, **fields: Any) -> dict[str, Any]:
    body = {"learner_id": learner, "starts_on": "2026-11-02", **SCORE, **fields}
    response = await partner.post("/v1/goals", body)
    assert response.status_code == 201, response.text
    goal: dict[str, Any] = response.json()
    return goal


class TestMaking:
    async def test_a_score(self, partner: Partner, learner: str) -> None:
        goal = await made(partner, learner)

        assert goal["learner_id"] == learner
        assert (goal["kind"], goal["skill"], goal["target"]) == ("score", "relate.empathy", 80)
        assert (goal["starts_on"], goal["due_on"]) == ("2026-11-02", "2027-03-31")
        assert (await partner.get(f"/v1/goals/{goal['id']}")).json() == goal

    async def test_it_starts_today(self, partner: Partner, learner: str) -> None:
        body = {"learner_id": learner, **SCORE, "due_on": None}
        response = await partner.post("/v1/goals", {**body, "due_on": "2100-01-01"})

        assert response.status_code == 400  # from today that is too far
        assert response.json()["errors"][0]["pointer"] == "/due_on"

    async def test_a_repeat_makes_nothing(self, partner: Partner, learner: str) -> None:
        body = {"learner_id": learner, "starts_on": "2026-12-01", **ATTEMPTS}
        first = await partner.post("/v1/goals", body, key="goal-once")
        again = await partner.post("/v1/goals", body, key="goal-once")

        assert first.json() == again.json()
        assert again.headers["idempotent-replayed"] == "true"
        assert first.headers["location"] == f"/v1/goals/{first.json()['id']}"

    @pytest.mark.parametrize(
        ("changes", "wrong"),
        [
            ({"skill": None}, {"/skill": "missing"}),
            ({"target": 0}, {"/target": "out-of-range"}),
            ({"target": 101}, {"/target": "out-of-range"}),
            ({"kind": "attempts", "target": 51}, {"/target": "out-of-range"}),
            ({"due_on": "2026-11-01"}, {"/due_on": "out-of-order"}),
            ({"due_on": "2030-01-01"}, {"/due_on": "out-of-range"}),
            ({"due_on": "1999-01-01"}, {"/due_on": "out-of-range"}),
            (
                {"kind": "attempts", "target": 5, "due_on": "2026-11-07"},
                {"/due_on": "out-of-range"},
            ),
            ({"skill": "Nonsense!"}, {"/skill": "format"}),
            ({"kind": "wish"}, {"/kind": "unknown-value"}),
            ({"color": "red"}, {"/color": "unknown-field"}),
            (
                {"kind": "attempts", "target": 99, "starts_on": "1000-01-01"},
                {"/starts_on": "out-of-range", "/target": "out-of-range"},
            ),
        ],
    )
    async def test_what_is_refused(
        self, partner: Partner, learner: str, changes: dict[str, Any], wrong: dict[str, str]
    ) -> None:
        body = {"learner_id": learner, "starts_on": "2026-11-02", **SCORE, **changes}
        response = await partner.post("/v1/goals", body)

        assert response.status_code == 400, response.text
        assert {each["pointer"]: each["code"] for each in response.json()["errors"]} == wrong

    async def test_everything_that_does_not_exist_is_named(self, partner: Partner) -> None:
        body = {"learner_id": f"lrn_{'0' * 26}", **SCORE, "skill": "own.nothing"}
        response = await partner.post("/v1/goals", {**body, "starts_on": "2026-11-02"})

        assert response.status_code == 404
        assert [each["pointer"] for each in response.json()["errors"]] == ["/learner_id", "/skill"]

    async def test_fifty_are_enough(self, partner: Partner) -> None:
        busy = await partner.learner()
        for _ in range(50):
            await made(partner, busy)
        body = {"learner_id": busy, "starts_on": "2026-11-02", **SCORE}
        response = await partner.post("/v1/goals", body)

        assert response.status_code == 409


class TestChanging:
    async def test_target_and_due_day(self, partner: Partner, learner: str) -> None:
        goal = await made(partner, learner)
        path = f"/v1/goals/{goal['id']}"
        body = {"target": 85, "due_on": "2027-04-30"}
        response = await partner.http.patch(path, headers=partner.headers, json=body)

        changed = response.json()
        assert (changed["target"], changed["due_on"]) == (85, "2027-04-30")
        again = await partner.http.patch(path, headers=partner.headers, json=body)
        assert again.json() == changed
        assert (await partner.get(path)).json() == changed

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [({"due_on": "2026-01-01"}, "/due_on"), ({"due_on": "2200-12-31"}, "/due_on"),
         ({"target": 0}, "/target"), ({"skill": "relate.patience"}, "/skill")],
    )  # fmt: skip
    async def test_what_is_refused(
        self, partner: Partner, learner: str, body: dict[str, Any], pointer: str
    ) -> None:
        goal = await made(partner, learner)
        path = f"/v1/goals/{goal['id']}"
        response = await partner.http.patch(path, headers=partner.headers, json=body)

        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == pointer
        assert (await partner.get(path)).json() == goal

    async def test_deleted_is_gone(self, partner: Partner, learner: str) -> None:
        path = f"/v1/goals/{(await made(partner, learner))['id']}"

        assert (await partner.delete(path)).status_code == 200
        assert (await partner.get(path)).status_code == 404
        assert (await partner.delete(path)).status_code == 404


async def test_lists_go_by_learner_and_page(partner: Partner) -> None:
    mine, other = await partner.learner(), await partner.learner()
    goals = [(await made(partner, mine))["id"] for _ in range(3)]
    await made(partner, other)
    query = {"learner_id": mine, "limit": 2}
    first = (await partner.get("/v1/goals", params=query)).json()
    rest = (await partner.get("/v1/goals", params={**query, "cursor": first["next_cursor"]})).json()

    assert [each["id"] for each in first["data"] + rest["data"]] == goals
    assert rest["next_cursor"] is None


async def test_bound_keys_see_their_people_only(
    partner: Partner, stranger: Partner, key_maker: KeyMaker
) -> None:
    team, tenant_id = await partner.team(), partner.tenant.tenant_id
    member = await partner.learner(memberships=[{"team_id": team, "from": "2025-01-06"}])
    outside = await partner.learner()
    theirs, hidden = await made(partner, member), await made(partner, outside)
    team_key = await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[parse_id("team", team)])
    own_key = await key_maker.new(tenant_id, scopes=SCOPES, learner_id=parse_id("lrn", member))
    for key in (team_key, own_key):
        bound = partner.as_key(key)
        assert [each["id"] for each in (await bound.get("/v1/goals")).json()["data"]] == [
            theirs["id"]
        ]
        path = f"/v1/goals/{hidden['id']}"
        assert (await bound.get(path)).status_code == 404
        assert (await bound.delete(path)).status_code == 404
        change = await bound.http.patch(path, headers=bound.headers, json={"target": 1})
        assert change.status_code == 404
        body = {"learner_id": outside, "starts_on": "2026-11-02", **SCORE}
        assert (await bound.post("/v1/goals", body)).status_code == 404
        assert (await made(bound, member))["learner_id"] == member
        await bound.delete(f"/v1/goals/{(await made(bound, member))['id']}")
        listed = (await bound.get("/v1/goals")).json()["data"]
        for each in listed[1:]:
            await bound.delete(f"/v1/goals/{each['id']}")
    assert (await stranger.get(f"/v1/goals/{theirs['id']}")).status_code == 404

"""Users, their roles, their keys: nobody is raised above their maker, one owner stays. [R-C4]"""

import asyncio
from typing import Any

import httpx
import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.roles import scopes_of
from tests.integration.api.conftest import IDS, Partner
from tests.support.tenants import TenantFactory


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every key anew; otherwise an end shows after five seconds."""
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """A tenant of the test's own, without any user."""
    return Partner(http, await tenants.new())


async def _user(partner: Partner, role: str | None = None, **fields: Any) -> str:
    body = {"user_name": f"{IDS.new()}@partner.example", "role": role, **fields}
    response = await partner.post("/v1/users", body)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def _key_of(partner: Partner, user: str, **fields: Any) -> Partner:
    body = {"name": "Own", "scopes": list(SCOPES), "user_id": user, **fields}
    response = await partner.post("/v1/api_keys", body)
    assert response.status_code == 201, response.text
    return partner.as_key(response.json()["text"])


async def _patch(partner: Partner, user: str, **fields: Any) -> httpx.Response:
    return await partner.http.patch(f"/v1/users/{user}", headers=partner.headers, json=fields)


def _code(response: httpx.Response) -> str:
    return "" if response.status_code < 300 else str(response.json()["code"])


async def test_a_user_from_beginning_to_end(partner: Partner, database: Database) -> None:
    team, learner = await partner.team(), await partner.learner()
    body = {
        "user_name": "Rosa@Partner.example",
        "email": "rosa@partner.example",
        "display_name": "Rosa Lind",
        "role": "coach",
        "team_ids": [team],
        "learner_id": learner,
    }
    again = str(IDS.new())
    made = await partner.post("/v1/users", body, key=again)

    assert made.status_code == 201, made.text
    user = made.json()
    assert {name: user[name] for name in body} == body
    assert user["active"] is True
    assert (await partner.post("/v1/users", body, key=again)).json() == user
    path = f"/v1/users/{user['id']}"
    assert (await partner.get(path)).json() == user
    changed = (await _patch(partner, user["id"], role="viewer", team_ids=None, email=None)).json()
    assert (changed["role"], changed["team_ids"], changed["email"]) == ("viewer", None, None)
    assert changed["display_name"] == "Rosa Lind"
    found = await partner.get("/v1/users", params={"user_name": "ROSA@partner.example"})
    assert [each["id"] for each in found.json()["data"]] == [user["id"]]
    assert (await partner.get("/v1/users", params={"role": "coach"})).json()["data"] == []
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        row = await connection.fetchrow(
            "select * from users where tenant_id = $1 and user_id = $2",
            partner.tenant.tenant_id,
            parse_id("usr", user["id"]),
        )
    assert "osa" not in str(row).replace("\\x", "")
    assert (await partner.delete(path)).json() == {"id": user["id"]}
    assert (await partner.get(path)).status_code == 404


async def test_what_is_wrong_is_named(partner: Partner) -> None:
    await _user(partner, user_name="taken@partner.example")
    taken = await partner.post("/v1/users", {"user_name": "Taken@partner.example"})
    assert _code(taken) == "conflict"
    other = await _user(partner)
    assert _code(await _patch(partner, other, user_name="TAKEN@partner.example")) == "conflict"

    wrong = {"user_name": "a b", "email": "nobody", "role": "king"}
    response = await partner.post("/v1/users", wrong)
    assert {each["pointer"] for each in response.json()["errors"]} == {
        "/user_name", "/email", "/role",
    }  # fmt: skip
    nowhere = {"team_ids": [f"team_{'0' * 26}"], "learner_id": f"lrn_{'0' * 26}"}
    response = await _patch(partner, other, **nowhere)
    assert response.status_code == 404
    assert {each["pointer"] for each in response.json()["errors"]} == {"/team_ids/0", "/learner_id"}


async def test_a_persons_key_does_what_the_role_allows(partner: Partner) -> None:
    user = await _user(partner, "viewer")
    viewer = await _key_of(partner, user)

    assert (await viewer.get("/v1/teams")).status_code == 200
    assert _code(await viewer.post("/v1/teams", {"name": "x"})) == "scope-missing"
    narrow = await _key_of(partner, user, scopes=["learners:read"])
    assert _code(await narrow.get("/v1/teams")) == "scope-missing"
    await _patch(partner, user, role="admin")
    assert (await viewer.post("/v1/teams", {"name": "x"})).status_code == 201
    await _patch(partner, user, role=None)
    assert _code(await viewer.get("/v1/teams")) == "scope-missing"


async def test_a_coach_sees_their_teams_and_without_any_nobody(partner: Partner) -> None:
    team, other = await partner.team(), await partner.team()
    memberships = [{"team_id": team, "from": "2025-01-06"}]
    learner = await partner.learner(memberships=memberships)
    await partner.learner(memberships=[{"team_id": other, "from": "2025-01-06"}])
    user = await _user(partner, "coach", team_ids=[team])
    coach = await _key_of(partner, user)

    async def seen(path: str) -> list[str]:
        return [each["id"] for each in (await coach.get(path)).json()["data"]]

    assert await seen("/v1/learners") == [learner]
    assert await seen("/v1/teams") == [team]
    both = await _key_of(partner, user, team_ids=[other])
    assert (await both.get("/v1/learners")).json()["data"] == []
    await _patch(partner, user, team_ids=None)
    assert await seen("/v1/learners") == []


@pytest.mark.parametrize("how", ["inactive", "deleted"])
async def test_a_persons_key_ends_with_the_person(partner: Partner, how: str) -> None:
    user = await _user(partner, "viewer")
    viewer = await _key_of(partner, user)
    assert (await viewer.get("/v1/teams")).status_code == 200

    if how == "inactive":
        assert (await _patch(partner, user, active=False)).status_code == 200
    else:
        assert (await partner.delete(f"/v1/users/{user}")).status_code == 200

    assert _code(await viewer.get("/v1/teams")) == "unauthenticated"


async def test_nobody_raises_anybody_above_themselves(own: Partner) -> None:
    owner = await _key_of(own, await _user(own, "owner"))
    admin_id = await _user(own, "admin")
    admin = await _key_of(own, admin_id)
    viewer = await _user(admin, "viewer")

    assert _code(await admin.post("/v1/users", {"user_name": "x", "role": "owner"})) == (
        "scope-missing"
    )
    assert _code(await _patch(admin, viewer, role="owner")) == "scope-missing"
    assert _code(await _patch(admin, admin_id, role="owner")) == "scope-missing"
    assert _code(await _patch(admin, viewer, role="admin")) == ""
    assert _code(await _patch(owner, viewer, role="owner")) == ""
    assert _code(await _patch(admin, viewer, active=False)) == "scope-missing"
    assert _code(await admin.delete(f"/v1/users/{viewer}")) == "scope-missing"
    weak = await own.post("/v1/api_keys", {"name": "x", "scopes": ["users:write", "teams:read"]})
    program = own.as_key(weak.json()["text"])
    assert _code(await program.post("/v1/users", {"user_name": "y", "role": "viewer"})) == (
        "scope-missing"
    )
    assert _code(await program.post("/v1/users", {"user_name": "y"})) == ""
    # Who signs in as a learner reads their conversations.
    learner = {"user_name": "z", "learner_id": await own.learner()}
    assert _code(await program.post("/v1/users", learner)) == "scope-missing"
    assert _code(await admin.post("/v1/users", learner)) == ""


async def test_a_key_of_somebody_else_takes_the_right_to_change_people(own: Partner) -> None:
    boss = await _user(own, "admin")
    made = await own.post("/v1/api_keys", {"name": "x", "scopes": ["keys:write", "teams:read"]})
    program = own.as_key(made.json()["text"])
    body = {"name": "Theirs", "scopes": ["teams:read"], "user_id": boss}

    assert _code(await program.post("/v1/api_keys", body)) == "scope-missing"
    theirs = (await own.post("/v1/api_keys", body)).json()
    assert _code(await program.post(f"/v1/api_keys/{theirs['id']}/roll", {})) == "scope-missing"
    admin = await _key_of(own, boss, scopes=sorted(scopes_of("admin") - {"users:write"}))
    assert (await admin.post("/v1/api_keys", body)).status_code == 201


async def test_the_last_owner_stays(own: Partner) -> None:
    first = await _user(own, "owner")

    for refused in (
        await _patch(own, first, role="admin"),
        await _patch(own, first, active=False),
        await own.delete(f"/v1/users/{first}"),
    ):
        assert (refused.status_code, _code(refused)) == (409, "last-owner")
    assert _code(await _patch(own, first, display_name="Still here")) == ""
    sleeping = await _user(own, "owner", active=False)
    assert _code(await own.delete(f"/v1/users/{first}")) == "last-owner"
    await _patch(own, sleeping, active=True)
    assert _code(await own.delete(f"/v1/users/{first}")) == ""


async def test_two_owners_cannot_both_go_at_once(own: Partner) -> None:
    for _ in range(3):
        pair = [await _user(own, "owner"), await _user(own, "owner")]
        listed = await own.get("/v1/users", params={"role": "owner", "active": True})
        for each in listed.json()["data"]:
            if each["id"] not in pair:
                await own.delete(f"/v1/users/{each['id']}")

        answers = await asyncio.gather(*(own.delete(f"/v1/users/{each}") for each in pair))

        assert sorted(each.status_code for each in answers) == [200, 409]


async def test_who_is_bound_manages_no_users(partner: Partner) -> None:
    team = await partner.team()
    coach_of_all = await _user(partner, "admin", team_ids=[team])
    bound = await _key_of(partner, coach_of_all)

    assert _code(await bound.get("/v1/users")) == "scope-missing"
    assert _code(await bound.post("/v1/users", {"user_name": "z"})) == "scope-missing"


async def test_what_a_person_does_is_told_as_theirs(own: Partner, database: Database) -> None:
    user = await _user(own, "admin", display_name="Ines Secret")
    admin = await _key_of(own, user)
    made = await _user(admin, "viewer", display_name="Noor Secret")

    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select * from trail where tenant_id = $1 and action = 'user.created' order by at",
            own.tenant.tenant_id,
        )
    assert [row["actor_kind"] for row in rows] == ["key", "user"]
    assert rows[1]["actor_id"] == parse_id("usr", user)
    assert rows[1]["target"] == made
    assert "Secret" not in str(rows)

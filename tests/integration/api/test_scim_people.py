"""SCIM users and groups: learners and teams follow the directory, from the day of a change on."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner
from tests.support.tenants import TenantFactory

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """A provider's client."""

    def __init__(self, partner: Partner) -> None:
        self.partner = partner
        self.http = partner.http
        self.headers = partner.headers

    async def send(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> httpx.Response:
        return await self.http.request(
            method, f"/scim/v2{path}", headers=self.headers, json=body, **options
        )

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        response = await self.send("POST", path, body)
        assert response.status_code == 201, response.text
        assert response.headers["location"] == response.json()["meta"]["location"]
        found: dict[str, Any] = response.json()
        return found

    async def user(self, user_name: str, **fields: Any) -> dict[str, Any]:
        return await self.made("/Users", {"schemas": [USER], "userName": user_name, **fields})

    async def group(self, name: str, *members: str, **fields: Any) -> dict[str, Any]:
        named = [{"value": each} for each in members]
        body = {"schemas": [GROUP], "displayName": name, "members": named, **fields}
        return await self.made("/Groups", body)

    async def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        return await self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    async def find(self, kind: str, text: str) -> list[dict[str, Any]]:
        response = await self.send("GET", f"/{kind}", params={"filter": text})
        assert response.status_code == 200, response.text
        found: list[dict[str, Any]] = response.json()["Resources"]
        return found

    async def learner(self, user_name: str) -> dict[str, Any]:
        response = await self.partner.get("/v1/learners", params={"external_id": user_name})
        found: dict[str, Any] = response.json()["data"][0]
        return found

    async def teams(self, user_name: str) -> list[tuple[str, str, str | None]]:
        memberships = (await self.learner(user_name))["memberships"]
        return [(each["team_id"], each["from"], each["to"]) for each in memberships]


@pytest.fixture
async def directory(http: httpx.AsyncClient, tenants: TenantFactory) -> Directory:
    return Directory(Partner(http, await tenants.new()))


@pytest.fixture
def today() -> str:
    return datetime.now(UTC).date().isoformat()


async def _past(database: Database, directory: Directory, days: int) -> None:
    """Let all memberships of a tenant have begun some days earlier."""
    async with tenant_tx(database, directory.partner.tenant.tenant_id) as connection:
        await connection.execute("update memberships set valid_from = valid_from - $1::int", days)


async def test_a_user_is_a_learner_of_the_same_name(directory: Directory) -> None:
    made = await directory.user(
        "Mia@Acme.example",
        externalId="00u1",
        name={"givenName": "Mia", "familyName": "Sand"},
        emails=[{"value": "mia@acme.example", "type": "work", "primary": True}],
        phoneNumbers=[{"value": "+1 555 0100"}],
    )
    learner = await directory.learner("Mia@Acme.example")

    assert made["active"] is True
    assert "phoneNumbers" not in made
    assert learner["name"] == "Mia Sand"
    assert learner["memberships"] == []
    read = (await directory.send("GET", f"/Users/{made['id']}")).json()
    assert read == made
    user = (await directory.partner.get(f"/v1/users/{made['id']}")).json()
    assert (user["learner_id"], user["role"]) == (learner["id"], None)
    assert user["email"] == "mia@acme.example"


async def test_texts_rest_sealed(directory: Directory, database: Database) -> None:
    await directory.user(
        "Quentin@acme.example",
        displayName="Quentin Quill",
        emails=[{"value": "quentin.private@acme.example"}],
        externalId="external-quentin",
    )
    async with tenant_tx(database, directory.partner.tenant.tenant_id) as connection:
        tables = ("users", "scim_users", "scim_emails", "learners", "trail")
        rows = [
            bytes(
                str([tuple(row) for row in await connection.fetch(f"select * from {table}")]),
                "utf8",
            )
            for table in tables
        ]
    assert all(rows)
    assert b"uentin" not in b"".join(rows)


async def test_the_same_user_twice_is_a_conflict(directory: Directory) -> None:
    await directory.user("mia", externalId="e1")
    for body in (
        {"schemas": [USER], "userName": "MIA"},
        {"schemas": [USER], "userName": "another", "externalId": "e1"},
    ):
        answer = await directory.send("POST", "/Users", body)
        assert answer.status_code == 409
        assert answer.json()["scimType"] == "uniqueness"
        assert answer.json()["status"] == "409"
    assert len(await directory.find("Users", 'userName eq "another"')) == 0


async def test_a_learner_who_was_there_is_taken_over(directory: Directory) -> None:
    before = await directory.partner.learner(external_id="old-hand")
    made = await directory.user("old-hand")
    user = (await directory.partner.get(f"/v1/users/{made['id']}")).json()
    assert user["learner_id"] == before


async def test_users_are_found_by_what_a_provider_knows(directory: Directory) -> None:
    made = await directory.user(
        "Zoe", externalId="x-1", emails=[{"value": "Zoe@Acme.example"}, {"value": "z@b.example"}]
    )
    await directory.user("other")
    for text in (
        'userName eq "zoe"',
        'externalId eq "x-1"',
        f'id eq "{made["id"]}"',
        'emails.value eq "zoe@acme.EXAMPLE"',
        'emails.value eq "z@b.example"',
    ):
        assert [each["id"] for each in await directory.find("Users", text)] == [made["id"]], text
    for text in ('externalId eq "X-1"', 'userName eq "zo"', 'id eq "usr_1"', 'displayName eq "Z"'):
        assert await directory.find("Users", text) == [], text
    refused = await directory.send("GET", "/Users", params={"filter": 'userName sw "z"'})
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidFilter")


async def test_pages(directory: Directory) -> None:
    made = [(await directory.user(f"user-{n}"))["id"] for n in range(5)]
    first = (await directory.send("GET", "/Users", params={"count": 2})).json()
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (5, 1, 2)
    rest = (await directory.send("GET", "/Users", params={"startIndex": 3})).json()
    assert [each["id"] for each in first["Resources"] + rest["Resources"]] == made
    none = (await directory.send("GET", "/Users", params={"count": 0})).json()
    assert (none["totalResults"], none["Resources"]) == (5, [])


async def test_a_group_is_a_team_and_its_members_are_in_it(
    directory: Directory, today: str
) -> None:
    mia = await directory.user("mia")
    group = await directory.group("Night shift", mia["id"], externalId="g-1")
    team = (await directory.partner.get(f"/v1/teams/{group['id']}")).json()

    assert (team["name"], team["external_id"]) == ("Night shift", "g-1")
    assert await directory.teams("mia") == [(group["id"], today, None)]
    assert [
        each["id"] for each in await directory.find("Groups", 'displayName eq "night SHIFT"')
    ] == [group["id"]]
    assert [each["id"] for each in await directory.find("Groups", 'externalId eq "g-1"')] == [
        group["id"]
    ]
    shown = (await directory.send("GET", f"/Users/{mia['id']}")).json()["groups"]
    assert [(each["value"], each["display"]) for each in shown] == [(group["id"], "Night shift")]
    lean = await directory.send(
        "GET", f"/Groups/{group['id']}", params={"excludedAttributes": "members"}
    )
    assert "members" not in lean.json()


async def test_of_several_groups_the_newest_counts(
    directory: Directory, database: Database, today: str
) -> None:
    mia = await directory.user("mia")
    day = await directory.group("Day", mia["id"])
    await _past(database, directory, 10)
    night = await directory.group("Night", mia["id"])
    began = (datetime.fromisoformat(today) - timedelta(10)).date().isoformat()
    assert await directory.teams("mia") == [(day["id"], began, today), (night["id"], today, None)]

    left = await directory.patch(
        f"/Groups/{night['id']}", {"op": "remove", "path": f'members[value eq "{mia["id"]}"]'}
    )
    assert left.status_code == 200
    assert await directory.teams("mia") == [(day["id"], began, None)]


async def test_leaving_a_group_ends_the_membership_today_and_not_before(
    directory: Directory, database: Database, today: str
) -> None:
    mia, leo = await directory.user("mia"), await directory.user("leo")
    group = await directory.group("Day", mia["id"], leo["id"])
    await _past(database, directory, 30)
    began = (datetime.fromisoformat(today) - timedelta(30)).date().isoformat()
    body = {"op": "Remove", "path": "members", "value": [{"value": mia["id"]}]}
    assert (await directory.patch(f"/Groups/{group['id']}", body)).status_code == 200
    assert await directory.teams("mia") == [(group["id"], began, today)]
    assert await directory.teams("leo") == [(group["id"], began, None)]


async def test_the_day_is_the_tenants(http: httpx.AsyncClient, tenants: TenantFactory) -> None:
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        directory = Directory(Partner(http, await tenants.new(zone)))
        mia = await directory.user("mia")
        group = await directory.group("Day", mia["id"])
        there = datetime.now(ZoneInfo(zone)).date().isoformat()
        assert await directory.teams("mia") == [(group["id"], there, None)]


async def test_deactivating_ends_the_membership_and_coming_back_begins_another(
    directory: Directory, database: Database, today: str
) -> None:
    mia = await directory.user("mia")
    group = await directory.group("Day", mia["id"])
    await _past(database, directory, 7)
    began = (datetime.fromisoformat(today) - timedelta(7)).date().isoformat()

    off = await directory.patch(
        f"/Users/{mia['id']}", {"op": "Replace", "path": "active", "value": "False"}
    )
    assert off.json()["active"] is False
    assert await directory.teams("mia") == [(group["id"], began, today)]
    whole = {"schemas": [USER], "userName": "mia"}
    silent = await directory.send("PUT", f"/Users/{mia['id']}", whole)
    assert silent.json()["active"] is False

    on = await directory.patch(f"/Users/{mia['id']}", {"op": "replace", "value": {"active": True}})
    assert on.json()["active"] is True
    assert await directory.teams("mia") == [(group["id"], began, None)]


async def test_a_deleted_user_is_gone_and_the_learner_stays(
    directory: Directory, database: Database, today: str
) -> None:
    mia = await directory.user("mia", externalId="e1")
    group = await directory.group("Day", mia["id"])
    await _past(database, directory, 7)
    learner = await directory.learner("mia")
    for status in (204, 404):
        assert (await directory.send("DELETE", f"/Users/{mia['id']}")).status_code == status
    assert (await directory.send("GET", f"/Users/{mia['id']}")).status_code == 404
    assert (await directory.teams("mia"))[0][2] == today
    assert "members" not in (await directory.send("GET", f"/Groups/{group['id']}")).json()

    again = await directory.user("mia", externalId="e1")
    assert again["id"] != mia["id"]
    user = (await directory.partner.get(f"/v1/users/{again['id']}")).json()
    assert user["learner_id"] == learner["id"]


async def test_a_deleted_group_is_gone_and_its_team_stays(
    directory: Directory, database: Database, today: str
) -> None:
    mia = await directory.user("mia")
    group = await directory.group("Day", mia["id"], externalId="g")
    await _past(database, directory, 7)
    for status in (204, 404):
        assert (await directory.send("DELETE", f"/Groups/{group['id']}")).status_code == status
    assert (await directory.send("GET", f"/Groups/{group['id']}")).status_code == 404
    assert (await directory.partner.get(f"/v1/teams/{group['id']}")).status_code == 200
    assert (await directory.teams("mia"))[0][2] == today
    again = await directory.group("Day", mia["id"], externalId="g")
    assert (await directory.teams("mia"))[-1] == (again["id"], today, None)


async def test_people_with_a_role_are_no_learners(directory: Directory) -> None:
    made = await directory.partner.post(
        "/v1/users", {"user_name": "boss", "role": "admin", "email": "boss@acme.example"}
    )
    user = made.json()["id"]
    assert [each["id"] for each in await directory.find("Users", 'userName eq "boss"')] == [user]
    changed = await directory.patch(
        f"/Users/{user}", {"op": "add", "path": "displayName", "value": "The Boss"}
    )
    assert changed.json()["emails"] == [{"value": "boss@acme.example", "primary": True}]
    await directory.group("Office", user)
    after = (await directory.partner.get(f"/v1/users/{user}")).json()
    assert (after["role"], after["learner_id"], after["display_name"]) == (
        "admin",
        None,
        "The Boss",
    )


async def test_the_last_owner_is_not_removed_by_a_directory(directory: Directory) -> None:
    made = await directory.partner.post("/v1/users", {"user_name": "owner", "role": "owner"})
    path = f"/Users/{made.json()['id']}"
    answer = await directory.send("DELETE", path)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/scim+json")
    off = await directory.patch(path, {"op": "replace", "path": "active", "value": False})
    assert off.status_code == 409


async def test_the_trail_tells_of_it(directory: Directory, database: Database) -> None:
    mia = await directory.user("mia")
    await directory.group("Day", mia["id"])
    await directory.send("DELETE", f"/Users/{mia['id']}")
    async with tenant_tx(database, directory.partner.tenant.tenant_id) as connection:
        rows = await connection.fetch("select action from trail order by number")
    told = [row["action"] for row in rows]
    assert [each for each in told if each.startswith(("user.", "group."))] == [
        "user.created",
        "group.created",
        "user.deleted",
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("GET", "/Users/usr_nothing", None, 404, None),
        ("GET", "/nowhere", None, 404, None),
        ("POST", "/Bulk", {}, 501, None),
        ("GET", "/Me", None, 501, None),
        ("DELETE", "/Users", None, 405, None),
        ("POST", "/Users", {"schemas": [USER]}, 400, "invalidValue"),
        ("POST", "/Users", [], 400, "invalidSyntax"),
        ("POST", "/Users", {"schemas": [USER], "userName": " "}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": "x" * 201}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": "a\x00b"}, 400, "invalidValue"),
        ("POST", "/Users", {"schemas": [USER], "userName": {"a": 1}}, 400, "invalidValue"),
        ("POST", "/Groups", {"schemas": [GROUP]}, 400, "invalidValue"),
        (
            "POST",
            "/Groups",
            {"schemas": [GROUP], "displayName": "x", "members": [{"value": "usr_1"}]},
            400,
            "invalidValue",
        ),
    ],
)
async def test_refusals_are_scims(
    directory: Directory, method: str, path: str, body: Any, status: int, kind: str | None
) -> None:
    answer = await directory.send(method, path, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    said = answer.json()
    assert said["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert said["status"] == str(status)
    if kind is not None:
        assert said["scimType"] == kind


async def test_who_may_provision(
    directory: Directory, key_maker: KeyMaker, partner: Partner
) -> None:
    tenant_id = directory.partner.tenant.tenant_id
    mia = await directory.user("mia")
    less = await key_maker.new(tenant_id, scopes=[s for s in SCOPES if s != "scim:write"])
    bound = await key_maker.new(tenant_id, scopes=["scim:write"], team_ids=[])
    for text, status in (("", 401), ("Bearer nonsense", 401), (f"Bearer {less}", 403)):
        answer = await directory.http.get("/scim/v2/Users", headers={"Authorization": text})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/scim+json"
        assert ("www-authenticate" in answer.headers) == (status == 401)
    own = await directory.http.get("/scim/v2/Users", headers={"Authorization": f"Bearer {bound}"})
    assert own.status_code == 403

    stranger = Directory(partner)
    for method in ("GET", "DELETE"):
        assert (await stranger.send(method, f"/Users/{mia['id']}")).status_code == 404
    assert await stranger.find("Users", f'id eq "{mia["id"]}"') == []
    named = {"schemas": [GROUP], "displayName": "x", "members": [{"value": mia["id"]}]}
    assert (await stranger.send("POST", "/Groups", named)).status_code == 400

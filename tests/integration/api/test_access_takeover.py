"""Ways by which somebody might end up with the rights of an owner, all of them closed. [R-C4]"""

from typing import Any

import httpx
import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.roles import scopes_of
from tests.integration.api.conftest import KeyMaker, Partner
from tests.support.tenants import TenantFactory

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ISSUER = {"issuer": "https://login.mallory.example/t"}
ADMIN = sorted(scopes_of("admin"))


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


async def _user(partner: Partner, name: str, role: str | None) -> str:
    response = await partner.post("/v1/users", {"user_name": name, "role": role})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def _key(partner: Partner, scopes: list[str], **fields: Any) -> httpx.Response:
    return await partner.post("/v1/api_keys", {"name": "K", "scopes": scopes, **fields})


async def _made(partner: Partner, scopes: list[str], **fields: Any) -> Partner:
    response = await _key(partner, scopes, **fields)
    assert response.status_code == 201, response.text
    return partner.as_key(response.json()["text"])


@pytest.fixture
async def admin(own: Partner) -> Partner:
    """The own key of somebody who runs the tenant, but does not reign."""
    return await _made(own, ADMIN, user_id=await _user(own, "admin", "admin"))


async def test_a_key_made_by_an_administrator_does_not_choose_the_provider(
    own: Partner, admin: Partner
) -> None:
    for partner in (admin, await _made(admin, ADMIN)):
        answer = await partner.put("/v1/settings/identity", ISSUER)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")
        assert (await partner.delete("/v1/settings/identity")).status_code == 403


async def test_an_administrator_holds_no_secret_of_an_owner(own: Partner, admin: Partner) -> None:
    boss, aide = await _user(own, "boss", "owner"), await _user(own, "aide", "coach")

    assert (await _key(admin, ["teams:read"], user_id=boss)).status_code == 403
    theirs = (await _key(own, ["teams:read"], user_id=boss)).json()["id"]
    assert (await admin.post(f"/v1/api_keys/{theirs}/roll", {})).status_code == 403
    assert (await _key(admin, ["teams:read"], user_id=aide)).status_code == 201


async def _scim(partner: Partner, method: str, user: str, **fields: Any) -> httpx.Response:
    body = {"schemas": [USER], "userName": "mallory", **fields} if method == "PUT" else None
    path = f"/scim/v2/Users/{user}"
    return await partner.http.request(method, path, headers=partner.headers, json=body)


async def test_a_directory_hands_on_no_role_by_another_name(
    own: Partner, database: Database
) -> None:
    """Who comes first under the name of a user who never signed in is that user."""
    boss, aide = await _user(own, "boss", "owner"), await _user(own, "aide", None)
    directory = await _made(own, ["scim:write"])

    assert (await _scim(directory, "PUT", boss)).status_code == 403
    assert (await own.get(f"/v1/users/{boss}")).json()["user_name"] == "boss"
    same = await _scim(directory, "PUT", boss, userName="BOSS", displayName="The Boss")
    assert same.status_code == 200
    assert (await _scim(directory, "PUT", aide, userName="helper")).status_code == 200
    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        await connection.execute(
            "update users set subject_hash = $3 where tenant_id = $1 and user_id = $2",
            own.tenant.tenant_id,
            parse_id("usr", boss),
            bytes(32),
        )
    assert (await _scim(directory, "PUT", boss)).status_code == 200


async def test_an_administrator_is_none_the_mightier_over_scim(
    own: Partner, admin: Partner
) -> None:
    boss = await _user(own, "boss", "owner")
    await _user(own, "other", "owner")
    aide = await _user(own, "aide", "coach")

    for answer in (
        await _scim(admin, "PUT", boss, userName="boss", active=False),
        await _scim(admin, "PUT", boss),
        await _scim(admin, "DELETE", boss),
    ):
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/scim+json"
    assert (await _scim(admin, "DELETE", aide)).status_code == 204
    directory = await _made(own, ["scim:write"])
    off = await _scim(directory, "PUT", boss, userName="boss", active=False)
    assert (off.status_code, off.json()["active"]) == (200, False)


async def test_a_test_key_changes_nobody(own: Partner, key_maker: KeyMaker) -> None:
    """Users sign in to what is live."""
    text = await key_maker.new(own.tenant.tenant_id, scopes=SCOPES, environment="test")
    tester, user = own.as_key(text), await _user(own, "aide", None)

    assert (await tester.get(f"/v1/users/{user}")).status_code == 200
    path = f"/v1/users/{user}"
    for answer in (
        await tester.post("/v1/users", {"user_name": "mallory", "role": "owner"}),
        await tester.http.patch(path, headers=tester.headers, json={"role": "viewer"}),
        await tester.delete(path),
        await _scim(tester, "PUT", user),
        await _scim(tester, "GET", user),
    ):
        assert answer.status_code == 403

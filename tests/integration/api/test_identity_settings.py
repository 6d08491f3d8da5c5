"""What a tenant sets about its identity provider: who may, what is refused, whose a pair is."""

from typing import Any

import httpx
import pytest

from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner
from tests.support.tenants import TenantFactory

PATH = "/v1/settings/identity"
ISSUER = "https://login.acme.example/t"


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


async def test_settings_from_beginning_to_end(own: Partner, database: Database) -> None:
    audience = f"urn:rapport:{format_id('ten', own.tenant.tenant_id)}"
    nothing = (await own.get(PATH)).json()
    assert (nothing["revision"], nothing["issuer"], nothing["own_audience"]) == (0, None, audience)

    body = {"issuer": ISSUER, "clock_skew_s": 5, "role_claim": "groups", "roles": {"g": "coach"}}
    first = await own.put(PATH, body)
    again = await own.put(PATH, body)
    assert first.status_code == 200
    assert first.json() == again.json() == (await own.get(PATH)).json()
    assert first.json()["audience"] == audience
    assert first.json()["algorithms"] == ["RS256", "PS256", "ES256", "EdDSA"]
    changed = (await own.put(PATH, {"issuer": ISSUER})).json()
    assert (changed["revision"], changed["roles"]) == (2, {})

    for _ in range(2):
        assert (await own.delete(PATH)).json() == {"deleted": True}
    assert (await own.get(PATH)).json() == nothing
    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        told = await connection.fetch("select action from trail where target = 'settings/identity'")
    assert [row["action"] for row in told] == [
        "identity.changed",
        "identity.changed",
        "identity.removed",
    ]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"issuer": "http://login.acme.example"}, "/issuer"),
        ({"issuer": "https://127.0.0.1"}, "/issuer"),
        ({"issuer": "https://169.254.169.254/latest/meta-data"}, "/issuer"),
        ({"issuer": "https://login.acme.example?x=1"}, "/issuer"),
        ({"issuer": "https://user:word@login.acme.example"}, "/issuer"),
        ({"issuer": "ftp://login.acme.example"}, "/issuer"),
        ({"issuer": "https://login.acme.example\n"}, "/issuer"),
        ({"algorithms": ["HS256"]}, "/algorithms/0"),
        ({"algorithms": ["none"]}, "/algorithms/0"),
        ({"algorithms": []}, "/algorithms"),
        ({"algorithms": ["RS256", "RS256"]}, "/algorithms"),
        ({"clock_skew_s": 121}, "/clock_skew_s"),
        ({"clock_skew_s": -1}, "/clock_skew_s"),
        ({"user_claim": "name"}, "/user_claim"),
        ({"roles": {"g": "coach"}}, "/role_claim"),
        ({"role_claim": "g", "roles": {"g": "king"}}, "/roles/g"),
        ({"audience": "urn:rapport:ten_01h2xcejqtf2nbrexx3vqjhp41"}, "/audience"),
        ({"audience": ""}, "/audience"),
        ({"unknown": 1}, "/unknown"),
    ],
)
async def test_what_is_wrong_is_named(own: Partner, changes: dict[str, Any], pointer: str) -> None:
    answer = await own.put(PATH, {"issuer": ISSUER, **changes})
    assert answer.status_code == 400, answer.text
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]
    assert (await own.get(PATH)).json()["revision"] == 0


async def test_no_two_tenants_have_one_pair(own: Partner, stranger: Partner) -> None:
    body = {"issuer": ISSUER, "audience": "client-1"}
    assert (await own.put(PATH, body)).status_code == 200
    taken = await stranger.put(PATH, body)
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    assert (await stranger.put(PATH, {"issuer": ISSUER})).status_code == 200  # one's own is free
    await own.delete(PATH)
    assert (await stranger.put(PATH, body)).status_code == 200


async def test_the_system_role_sees_no_address(own: Partner, database: Database) -> None:
    await own.put(PATH, {"issuer": "https://login.sealed.example", "audience": "client-sealed"})
    async with system_tx(database) as connection:
        rows = await connection.fetch("select tenant_id, pair_hash from identity_settings")
    assert own.tenant.tenant_id in {row["tenant_id"] for row in rows}
    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        row = await connection.fetchrow("select * from identity_settings")
    assert b"sealed" not in row["settings"]


async def test_only_who_could_make_owners_decides(own: Partner, key_maker: KeyMaker) -> None:
    """An issuer decides who is who: an administrator with a trick would else become an owner."""
    tenant_id = own.tenant.tenant_id
    body = {"issuer": ISSUER}
    for scopes, status in (
        (["settings:read"], 403),
        (["settings:write"], 403),
        (["settings:write", "users:write"], 403),
        (SCOPES, 200),
    ):
        partner = own.as_key(await key_maker.new(tenant_id, scopes=scopes))
        assert (await partner.put(PATH, body)).status_code == status
    for columns in ({"team_ids": []}, {"environment": "test"}):
        partner = own.as_key(await key_maker.new(tenant_id, scopes=SCOPES, **columns))
        assert (await partner.put(PATH, body)).status_code == 403
        assert (await partner.delete(PATH)).status_code == 403

    for role, status in (("admin", 403), ("owner", 200)):
        user = (await own.post("/v1/users", {"user_name": role, "role": role})).json()["id"]
        key = {"name": role, "scopes": list(SCOPES), "user_id": user}
        made = await own.post("/v1/api_keys", key)
        partner = own.as_key(made.json()["text"])
        assert (await partner.get(PATH)).status_code == 200
        assert (await partner.put(PATH, body)).status_code == status
        assert (await partner.delete(PATH)).status_code == status

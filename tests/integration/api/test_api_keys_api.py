"""Keys made over the API: shown once, never more than their maker, rolled, bound, ended. [R-C4]"""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar

from infra.tenants import Registry, TenantError
from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.key_uses import KeyUses
from shared.clock import FixedClock
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import SCOPES, hash_key, parse_key
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.tenants import TenantFactory

WISH = {"name": "Nightly reports", "scopes": ["teams:read", "keys:read"]}


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every key anew; otherwise an end shows after five seconds."""
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture(scope="module")
def app(context: ProcessContext, clock: FixedClock) -> Litestar:
    return create_app(dataclasses.replace(context, clock=clock))


@pytest.fixture(scope="module")
async def http(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(app, "198.51.100.7") as client:
        yield client


def _client(app: Litestar, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(address, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://api.test")


async def _make(partner: Partner, **fields: Any) -> dict[str, Any]:
    response = await partner.post("/v1/api_keys", {**WISH, **fields})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def _works(partner: Partner, text: str) -> str | None:
    """Return None when a key is good, else the code of the refusal."""
    response = await partner.as_key(text).get("/v1/teams")
    return None if response.status_code == 200 else str(response.json()["code"])


def _pointers(response: httpx.Response) -> set[str]:
    return {each["pointer"] for each in response.json()["errors"]}


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    partner: Partner, database: Database
) -> None:
    made = await _make(partner)
    text = made.pop("text")

    assert text.startswith("rk_live_")
    assert await _works(partner, text) is None
    read = (await partner.get(f"/v1/api_keys/{made['id']}")).json()
    assert read == made | {"last_used_at": read["last_used_at"]}
    assert (read["status"], read["name"], read["scopes"]) == (
        "active", "Nightly reports", ["keys:read", "teams:read"],
    )  # fmt: skip
    row = await _row(database, partner, made["id"])
    assert row["hash"] == hash_key(text)
    assert b"Nightly" not in row["name"]
    assert text not in str(row)


async def _row(database: Database, partner: Partner, key: str) -> asyncpg.Record:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        row = await connection.fetchrow(
            "select *, xmin::text as written from api_keys where tenant_id = $1 and key_id = $2",
            partner.tenant.tenant_id,
            parse_id("key", key),
        )
    assert row is not None
    return row


async def test_a_repeat_makes_no_other_key_and_shows_no_text(partner: Partner) -> None:
    again = str(IDS.new())
    first = await partner.post("/v1/api_keys", WISH, key=again)
    second = await partner.post("/v1/api_keys", WISH, key=again)

    assert (second.status_code, second.headers["idempotent-replayed"]) == (201, "true")
    assert first.headers["cache-control"] == second.headers["cache-control"] == "no-store"
    assert second.json() == first.json() | {"text": None}
    other = await partner.post("/v1/api_keys", {**WISH, "name": "Other"}, key=again)
    assert other.json()["code"] == "idempotency-key-reused"


async def test_wrong_fields_are_named(partner: Partner) -> None:
    body = {
        "name": "x",
        "scopes": ["teams:read", "teams:rule"],
        "networks": ["203.0.113.0/24", "203.0.113.7/24", "300.0.0.1"],
        "expires_at": "2030-01-01T00:00:00",
    }

    response = await partner.post("/v1/api_keys", body)

    assert response.status_code == 400
    assert _pointers(response) == {"/scopes/1", "/networks/1", "/networks/2", "/expires_at"}
    past = await partner.post("/v1/api_keys", {**WISH, "expires_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, _pointers(past)) == (400, {"/expires_at"})
    ids = {"team_ids": [f"team_{'0' * 26}"], "learner_id": f"lrn_{'0' * 26}"}
    nobody = await partner.post("/v1/api_keys", {**WISH, **ids, "user_id": f"usr_{'0' * 26}"})
    assert (nobody.status_code, _pointers(nobody)) == (
        404, {"/team_ids/0", "/learner_id", "/user_id"},
    )  # fmt: skip


async def test_a_key_hands_on_no_more_than_it_has(
    partner: Partner, key_maker: KeyMaker, clock: FixedClock
) -> None:
    team = await partner.team()
    narrow = partner.as_key(
        await key_maker.new(
            partner.tenant.tenant_id,
            scopes=["keys:read", "keys:write", "teams:read"],
            team_ids=[parse_id("team", team)],
            networks=["198.51.100.0/24"],
            expires_at=clock.at + timedelta(days=1),
        )
    )
    wide = await _make(partner)

    refused = await narrow.post("/v1/api_keys", {**WISH, "scopes": ["keys:read", "users:write"]})

    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    assert _pointers(refused) == {"/scopes/1", "/team_ids", "/networks", "/expires_at"}
    made = await _make(
        narrow,
        scopes=["teams:read"],
        team_ids=[team],
        networks=["198.51.100.7/32"],
        expires_at=(clock.at + timedelta(hours=1)).isoformat(),
    )
    assert await _works(partner, made["text"]) is None
    assert [each["id"] for each in (await narrow.get("/v1/api_keys")).json()["data"]][-1] == (
        made["id"]
    )
    for answer in (
        await narrow.get(f"/v1/api_keys/{wide['id']}"),
        await narrow.post(f"/v1/api_keys/{wide['id']}/roll", {}),
        await narrow.delete(f"/v1/api_keys/{wide['id']}"),
    ):
        assert answer.status_code == 404


async def test_who_rolls_a_key_has_all_that_it_has(partner: Partner, key_maker: KeyMaker) -> None:
    wide = await _make(partner, scopes=["settings:write"])
    narrow = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=["keys:write"]))
    path = f"/v1/api_keys/{wide['id']}"

    rolled = await narrow.post(f"{path}/roll", {})
    assert (rolled.status_code, _pointers(rolled)) == (403, {"/scopes/0"})
    changed = await narrow.http.patch(path, headers=narrow.headers, json={"name": "Mine"})
    assert changed.status_code == 403
    assert (await narrow.delete(path)).json()["status"] == "revoked"


async def test_a_test_key_knows_test_keys_only(partner: Partner, key_maker: KeyMaker) -> None:
    tester = partner.as_key(
        await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, environment="test")
    )
    live = await _make(partner)

    made = await _make(tester)
    assert made["environment"] == "test"
    assert made["text"].startswith("rk_test_")
    refused = await tester.post("/v1/api_keys", {**WISH, "environment": "live"})
    assert (refused.status_code, _pointers(refused)) == (403, {"/environment"})
    assert (await tester.delete(f"/v1/api_keys/{live['id']}")).status_code == 404
    listed = (await tester.get("/v1/api_keys", params={"limit": 200})).json()["data"]
    assert {each["environment"] for each in listed} == {"test"}
    assert (await _make(partner, environment="test"))["environment"] == "test"


async def test_a_key_is_good_from_its_networks_only(partner: Partner, app: Litestar) -> None:
    inside = await _make(partner, networks=["198.51.100.0/24", "2001:db8::/32"])
    outside = await _make(partner, networks=["203.0.113.0/24"])

    assert await _works(partner, inside["text"]) is None
    assert await _works(partner, outside["text"]) == "address-not-allowed"
    forged = {"Authorization": f"Bearer {outside['text']}", "X-Forwarded-For": "203.0.113.5"}
    refused = await partner.http.get("/v1/teams", headers=forged)
    assert (refused.status_code, refused.json()["code"]) == (403, "address-not-allowed")
    async with _client(app, "2001:db8::7") as other:
        assert await _works(Partner(other, partner.tenant), inside["text"]) is None


async def test_behind_a_trusted_proxy_its_word_counts(
    partner: Partner, context: ProcessContext
) -> None:
    made = await _make(partner, networks=["203.0.113.0/24"])
    settings = msgspec.structs.replace(context.settings, trusted_proxies="10.0.0.0/8")
    proxied = create_app(dataclasses.replace(context, settings=settings))
    headers = {"Authorization": f"Bearer {made['text']}"}

    async def status(address: str, said: str) -> int:
        async with _client(proxied, address) as client:
            answer = await client.get("/v1/teams", headers={**headers, "X-Forwarded-For": said})
            return answer.status_code

    assert await status("10.0.0.5", "203.0.113.5") == 200
    assert await status("10.0.0.5", "203.0.113.5, 10.7.7.7") == 200
    assert await status("10.0.0.5", "203.0.113.5, 198.51.100.7") == 403
    assert await status("198.51.100.7", "203.0.113.5") == 403


async def test_a_roll_leaves_two_secrets_for_a_while(partner: Partner, clock: FixedClock) -> None:
    made = await _make(partner)
    path, again = f"/v1/api_keys/{made['id']}/roll", str(IDS.new())

    rolled = await partner.post(path, {"grace_s": 600}, key=again)
    repeat = await partner.post(path, {"grace_s": 600}, key=again)

    assert rolled.status_code == 200, rolled.text
    new = rolled.json()
    assert (new["id"], new["scopes"]) == (made["id"], made["scopes"])
    assert repeat.json() == new | {"text": None, "last_used_at": repeat.json()["last_used_at"]}
    assert await _works(partner, made["text"]) is None
    assert await _works(partner, new["text"]) is None
    clock.at += timedelta(seconds=601)
    assert await _works(partner, made["text"]) == "key-expired"
    assert await _works(partner, new["text"]) is None


async def test_a_second_roll_ends_the_first_secret(partner: Partner) -> None:
    first = await _make(partner)
    path = f"/v1/api_keys/{first['id']}/roll"
    second = (await partner.post(path, {})).json()
    third = (await partner.as_key(partner.tenant.api_key).post(path, {"grace_s": 0})).json()

    assert await _works(partner, first["text"]) == "unauthenticated"
    assert await _works(partner, second["text"]) == "key-expired"
    assert await _works(partner, third["text"]) is None


async def test_a_key_may_roll_itself(partner: Partner) -> None:
    made = await _make(partner, scopes=["keys:write", "teams:read"], networks=["198.51.100.0/24"])
    own = partner.as_key(made["text"])

    rolled = await own.post(f"/v1/api_keys/{made['id']}/roll", {})

    assert await _works(partner, rolled.json()["text"]) is None
    wider = {"networks": None}
    path = f"/v1/api_keys/{made['id']}"
    refused = await own.http.patch(path, headers=own.headers, json=wider)
    assert (refused.status_code, _pointers(refused)) == (403, {"/networks"})


async def test_a_key_ends_sooner_and_never_later(partner: Partner, clock: FixedClock) -> None:
    made = await _make(partner)
    path = f"/v1/api_keys/{made['id']}"

    async def end(at: datetime) -> httpx.Response:
        body = {"expires_at": at.isoformat()}
        return await partner.http.patch(path, headers=partner.headers, json=body)

    soon = clock.at + timedelta(minutes=5)
    assert (await end(soon)).status_code == 200
    assert (await end(soon + timedelta(seconds=1))).status_code == 400
    assert (await end(clock.at)).status_code == 400
    clock.at += timedelta(minutes=5)
    assert await _works(partner, made["text"]) == "key-expired"
    assert (await partner.get(path)).json()["status"] == "expired"
    assert (await partner.post(f"{path}/roll", {})).json()["code"] == "conflict"


async def test_a_revoked_key_stops_with_its_tokens(partner: Partner) -> None:
    made = await _make(partner, scopes=["learner_tokens:write", "simulations:read"])
    learner = await partner.learner()
    token = await partner.as_key(made["text"]).post(
        "/v1/learner_tokens", {"learner_id": learner}, key=None
    )
    bearer = partner.as_key(token.json()["token"])
    assert (await bearer.get("/v1/simulations")).status_code == 200
    path = f"/v1/api_keys/{made['id']}"

    first = await partner.delete(path)
    second = await partner.delete(path)

    assert first.json()["status"] == "revoked"
    assert second.json() == first.json()
    assert await _works(partner, made["text"]) == "unauthenticated"
    assert (await bearer.get("/v1/simulations")).status_code == 401
    assert (await partner.post(f"{path}/roll", {})).status_code == 409
    good = await partner.get("/v1/api_keys", params={"status": "active", "limit": 200})
    assert made["id"] not in {each["id"] for each in good.json()["data"]}


async def test_the_last_use_is_written_once_a_minute(
    partner: Partner, app: Litestar, database: Database, clock: FixedClock
) -> None:
    made = await _make(partner)
    uses: KeyUses = app.state.key_uses
    elsewhere = KeyUses(database)

    async def use() -> asyncpg.Record:
        for _ in range(3):
            assert await _works(partner, made["text"]) is None
        elsewhere.note(parse_id("key", made["id"]), clock.at)
        await uses.flush()
        await elsewhere.flush()
        return await _row(database, partner, made["id"])

    first = await use()
    assert first["last_used_at"] == clock.at
    clock.at += timedelta(seconds=59)
    assert (await use())["written"] == first["written"]
    clock.at += timedelta(seconds=1)
    assert (await use())["last_used_at"] == clock.at
    shown = (await partner.get(f"/v1/api_keys/{made['id']}")).json()["last_used_at"]
    assert datetime.fromisoformat(shown) == clock.at


async def test_a_use_that_cannot_be_written_fails_no_request(
    context: ProcessContext, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ConnectionRefusedError

    database = Database.__new__(Database)
    monkeypatch.setattr(Database, "system", lambda _: broken())
    uses = KeyUses(database)
    uses.note(IDS.new(), clock.at)

    await uses.flush()


async def test_every_change_is_in_the_trail(partner: Partner, database: Database) -> None:
    made = await _make(partner)
    path = f"/v1/api_keys/{made['id']}"
    await partner.http.patch(path, headers=partner.headers, json={"name": "Other"})
    await partner.http.patch(path, headers=partner.headers, json={"name": "Other"})
    await partner.post(f"{path}/roll", {})
    await partner.delete(path)
    await partner.delete(path)

    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select * from trail where tenant_id = $1 and target = $2 order by at, action",
            partner.tenant.tenant_id,
            made["id"],
        )

    assert {row["action"] for row in rows} == {
        "key.created", "key.updated", "key.rolled", "key.revoked",
    }  # fmt: skip
    assert len(rows) == 4
    assert {row["actor_kind"] for row in rows} == {"key"}
    assert all(row["request_id"].startswith("req_") for row in rows)
    assert "Other" not in str(rows)


async def test_the_command_line_binds_keys_and_is_told_of(
    partner: Partner, tenants: TenantFactory, database: Database
) -> None:
    registry, tenant_id = Registry(database, tenants.master), partner.tenant.tenant_id
    text = await registry.create_key(tenant_id, "live", networks=["203.0.113.0/24"])
    key_id = parse_key(text).key_id

    assert await _works(partner, text) == "address-not-allowed"
    with pytest.raises(TenantError, match="a network is for example"):
        await registry.create_key(tenant_id, "live", networks=["203.0.113.7/24"])
    await registry.revoke_key(key_id)
    async with tenant_tx(database, tenant_id) as connection:
        rows = await connection.fetch(
            "select action, actor_kind from trail where tenant_id = $1 and target = $2 order by at",
            tenant_id,
            format_id("key", key_id),
        )
    told = [tuple(row) for row in rows]
    assert told == [("key.created", "operator"), ("key.revoked", "operator")]

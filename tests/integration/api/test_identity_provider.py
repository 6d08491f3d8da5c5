"""Sign-in against a real provider: its tokens open the API, nobody else's do, its keys rotate."""

import asyncio
import base64
import dataclasses
import hmac
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization

from services.api.context import ProcessContext
from services.api.identity.reader import IdentityReader
from shared.config import Settings
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id
from tests.integration.api.conftest import Partner
from tests.support.oidc_provider import Provider, ec_key, free_port, rsa_key
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

PATH = "/v1/settings/identity"
FIRST, SECOND = rsa_key("first"), rsa_key("second")


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    """Providers may be on this machine."""
    return msgspec.structs.replace(settings, identity_allow_private=True)


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at every token and every setting anew; otherwise a change shows after seconds."""
    monkeypatch.setattr("services.api.auth.CACHE_S", 0.0)
    monkeypatch.setattr("services.api.identity.reader.CACHE_S", 0.0)
    monkeypatch.setattr("services.api.identity.keysets.UNKNOWN_REST_S", 0.0)


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Provider]:
    async with Provider(free_port()).running(FIRST) as running:
        yield running


class Office:
    """A tenant with an identity provider."""

    def __init__(self, partner: Partner, provider: Provider) -> None:
        self.partner = partner
        self.provider = provider
        self.audience = f"urn:rapport:{format_id('ten', partner.tenant.tenant_id)}"

    async def trust(self, **changes: Any) -> dict[str, Any]:
        body = {"issuer": self.provider.issuer, "user_claim": "preferred_username", **changes}
        answer = await self.partner.put(PATH, body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def user(self, name: str, role: str | None = "admin", **fields: Any) -> str:
        body = {"user_name": name, "role": role, **fields}
        answer = await self.partner.post("/v1/users", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def token(self, login: str, **options: Any) -> str:
        tokens = await self.provider.sign_in(login, resource=self.audience, **options)
        return str(tokens["access_token"])

    async def get(self, token: str, path: str = "/v1/learners") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.partner.http.get(path, headers=headers)


@pytest.fixture
async def office(http: httpx.AsyncClient, tenants: TenantFactory, provider: Provider) -> Office:
    made = Office(Partner(http, await tenants.new()), provider)
    await made.trust()
    return made


def refused(answer: httpx.Response) -> bool:
    """Say whether it is the refusal that everybody gets, without a hint."""
    said = answer.json()
    assert answer.headers["www-authenticate"] == "Bearer"
    return (answer.status_code, said["code"], said.get("errors")) == (401, "unauthenticated", None)


async def test_a_user_signs_in_with_the_role_that_is_set_here(office: Office) -> None:
    token = await office.token("sub-mia")
    assert refused(await office.get(token))

    await office.user("Mia", "viewer")
    assert (await office.get(token)).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    written = await office.partner.http.post("/v1/teams", headers=headers, json={"name": "x"})
    assert (written.status_code, written.json()["code"]) == (403, "scope-missing")


async def test_from_the_first_sign_in_the_subject_counts(office: Office) -> None:
    user = await office.user("mia")
    assert (await office.get(await office.token("sub-mia"))).status_code == 200
    # A name that the provider gives to somebody else opens nothing.
    assert refused(await office.get(await office.token("mia")))
    # The same person under another name of ours still signs in.
    headers = office.partner.headers
    path = f"/v1/users/{user}"
    await office.partner.http.patch(path, headers=headers, json={"user_name": "mia-2"})
    assert (await office.get(await office.token("sub-mia"))).status_code == 200


async def test_nobody_signs_in_who_was_deactivated(office: Office) -> None:
    user = await office.user("mia")
    token = await office.token("sub-mia")
    assert (await office.get(token)).status_code == 200
    path, headers = f"/v1/users/{user}", office.partner.headers
    await office.partner.http.patch(path, headers=headers, json={"active": False})
    assert refused(await office.get(token))
    await office.partner.http.patch(path, headers=headers, json={"active": True})
    assert (await office.get(token)).status_code == 200
    await office.partner.delete(path)
    assert refused(await office.get(token))


async def test_a_directory_deactivates_within_five_seconds(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything remembered as long as in production."""
    monkeypatch.setattr("services.api.auth.CACHE_S", 5.0)
    made = await office.partner.http.post(
        "/scim/v2/Users",
        headers=office.partner.headers,
        json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "leo"},
    )
    token = await office.token("sub-leo")
    assert (await office.get(token, "/v1/simulations")).status_code == 200
    path = f"/scim/v2/Users/{made.json()['id']}"
    await office.partner.http.delete(path, headers=office.partner.headers)

    async def is_out() -> bool:
        return (await office.get(token, "/v1/simulations")).status_code == 401

    await eventually(is_out, timeout_s=5.5, pause_s=0.2)


async def test_a_learner_sees_nothing_but_their_own(office: Office) -> None:
    learner = await office.partner.learner(external_id="leo")
    other = await office.partner.simulation()
    own = await office.partner.simulation(learner)
    await office.user("leo", None, learner_id=learner)
    token = await office.token("sub-leo")

    listed = (await office.get(token, "/v1/simulations")).json()["data"]
    assert [each["id"] for each in listed] == [own["id"]]
    assert (await office.get(token, f"/v1/simulations/{own['id']}")).status_code == 200
    assert (await office.get(token, f"/v1/simulations/{other['id']}")).status_code == 404
    assert (await office.get(token, "/v1/learners")).status_code == 403


async def test_who_is_neither_a_learner_nor_has_a_role_opens_nothing(office: Office) -> None:
    await office.user("mia", None)
    assert refused(await office.get(await office.token("sub-mia"), "/v1/limits"))


async def test_groups_of_the_provider_give_roles(office: Office) -> None:
    await office.user("mia", "viewer")
    roles = {"everybody": "auditor", "team-sub-mia": "admin", "nobody": "owner"}
    await office.trust(role_claim="groups", roles=roles)
    token = await office.token("sub-mia")
    assert (await office.get(token, "/v1/settings/llm")).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    made = await office.partner.http.post("/v1/teams", headers=headers, json={"name": "x"})
    assert made.status_code == 201


async def test_an_id_token_is_good_for_an_audience_of_ones_own(office: Office) -> None:
    await office.user("mia")
    tokens = await office.provider.sign_in("sub-mia")
    assert refused(await office.get(tokens["id_token"]))
    await office.trust(audience="rapport-web")
    assert (await office.get(tokens["id_token"])).status_code == 200
    await office.partner.delete(PATH)
    assert refused(await office.get(tokens["id_token"]))


async def test_an_address_must_be_verified(office: Office) -> None:
    await office.trust(user_claim="email")
    await office.user("sub-mia@acme.example")
    await office.user("unverified-leo@acme.example")
    assert (await office.get(await office.token("sub-mia"))).status_code == 200
    assert refused(await office.get(await office.token("unverified-leo")))


async def test_only_some_clients(office: Office) -> None:
    await office.user("mia")
    await office.trust(client_ids=["rapport-web"])
    assert (await office.get(await office.token("sub-mia"))).status_code == 200
    assert refused(await office.get(await office.token("sub-mia", client_id="other-app")))


async def test_a_token_opens_one_tenant_only(
    office: Office, http: httpx.AsyncClient, tenants: TenantFactory
) -> None:
    await office.user("mia")
    other = Office(Partner(http, await tenants.new()), office.provider)
    await other.trust()
    await other.user("mia", "owner")
    theirs = await other.partner.team("Of the other tenant")

    token = await office.token("sub-mia")
    seen = (await office.get(token, "/v1/teams")).json()["data"]
    assert theirs not in {each["id"] for each in seen}
    assert (await office.get(token, f"/v1/teams/{theirs}")).status_code == 404


async def test_a_suspended_tenant_is_said_to_be_so(office: Office, context: ProcessContext) -> None:
    await office.user("mia")
    token = await office.token("sub-mia")
    async with system_tx(context.database) as connection:
        await connection.execute(
            "update tenants set status = 'suspended' where tenant_id = $1",
            office.partner.tenant.tenant_id,
        )
    answer = await office.get(token)
    assert (answer.status_code, answer.json()["code"]) == (403, "tenant-suspended")


def _private(key: dict[str, Any]) -> Any:
    return jwt.PyJWK(key, algorithm="RS256").key


def _signed(payload: dict[str, Any], key: Any, algorithm: str = "RS256", **head: Any) -> str:
    headers = {"kid": "first", "typ": "at+jwt", **head}
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def _with_secret(payload: dict[str, Any], secret: bytes) -> str:
    """Sign by hand: the library refuses to take a public key for a secret."""
    parts = ({"alg": "HS256", "typ": "at+jwt", "kid": "first"}, payload)
    text = ".".join(_b64(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_b64(hmac.digest(secret, text.encode(), sha256))}"


def _b64(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


async def test_forged_tokens_are_refused_without_a_hint(office: Office) -> None:
    """From a good token, every lie once; the signature is the provider's own where it can be."""
    await office.user("mia")
    good = await office.token("sub-mia")
    assert (await office.get(good)).status_code == 200
    said: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
    key, evil = _private(FIRST), _private(SECOND)
    assert (await office.get(_signed(said, key))).status_code == 200

    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    stranger = "urn:rapport:ten_00000000000000000000000001"
    now = said["iat"]
    head, body, signature = good.split(".")
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(evil.public_key()))
    forged = {
        "none": jwt.encode(said, None, algorithm="none"),
        "HS256 with the public key": _with_secret(said, public),
        "another key": _signed(said, evil),
        "another key under its own name": _signed(said, evil, kid="second"),
        "another key that the token brings": _signed(said, evil, jwk=own),
        "another key that the token points at": _signed(said, evil, jku="http://127.0.0.1/k"),
        "a path as the key's name": _signed(said, evil, kid="../../dev/null"),
        "a statement as the key's name": _signed(said, evil, kid="x' or '1'='1"),
        "another algorithm of the same key": _signed(said, key, "RS512"),
        "another issuer": _signed({**said, "iss": "http://127.0.0.1:1"}, key),
        "another audience": _signed({**said, "aud": stranger}, key),
        "expired": _signed({**said, "exp": now - 31}, key),
        "not yet": _signed({**said, "nbf": now + 120}, key),
        "from the future": _signed({**said, "iat": now + 120}, key),
        "no end": _signed({name: said[name] for name in said if name != "exp"}, key),
        "another kind": _signed(said, key, typ="logout+jwt"),
        "bound to a key": _signed({**said, "cnf": {"jkt": "x"}}, key),
        "huge": _signed({**said, "junk": "x" * 9000}, key),
        "changed": f"{head}.{body[:-4]}AAAA.{signature}",
        "cut": f"{head}.{body}.",
        "no token": "eyJ.eyJ.eyJ",
    }
    answers = {name: await office.get(text) for name, text in forged.items()}
    assert [name for name, answer in answers.items() if not refused(answer)] == []
    bodies = [{**answer.json(), "request_id": ""} for answer in answers.values()]
    assert all(each == bodies[0] for each in bodies)


async def test_a_planted_fault_lets_a_forged_token_in(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the signature not checked, the test above would fail."""
    await office.user("mia")
    good = await office.token("sub-mia")
    said: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})
    forged = _signed(said, _private(SECOND))
    assert refused(await office.get(forged))
    decode = jwt.decode

    def careless(text: str, *_: Any, **options: Any) -> Any:
        return decode(text, options={**options["options"], "verify_signature": False})

    monkeypatch.setattr(jwt, "decode", careless)
    assert (await office.get(forged)).status_code == 200


async def test_keys_rotate_and_the_old_one_ends(
    http: httpx.AsyncClient, tenants: TenantFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(free_port())
    office = Office(Partner(http, await tenants.new()), provider)
    await office.trust()
    await office.user("mia")
    async with provider.running(FIRST):
        old = await office.token("sub-mia")
        assert (await office.get(old)).status_code == 200
    assert (await office.get(old)).status_code == 200  # the provider is away for a while

    async with provider.running(SECOND, FIRST):
        new = await office.token("sub-mia")
        assert jwt.get_unverified_header(new)["kid"] == "second"
        assert (await office.get(new)).status_code == 200
        assert (await office.get(old)).status_code == 200

    third = ec_key("third")
    async with provider.running(third, algorithm="ES256"):
        newest = await office.token("sub-mia")
        assert jwt.get_unverified_header(newest)["alg"] == "ES256"
        assert (await office.get(newest)).status_code == 200
        monkeypatch.setattr("services.api.identity.keysets.FRESH_S", 0.0)
        assert refused(await office.get(old))
        assert refused(await office.get(new))


async def test_first_sign_ins_are_on_record(office: Office, context: ProcessContext) -> None:
    user = await office.user("mia")
    token = await office.token("sub-mia")
    for _ in range(3):
        assert (await office.get(token)).status_code == 200
    async with tenant_tx(context.database, office.partner.tenant.tenant_id) as connection:
        rows = await connection.fetch("select * from trail where action = 'user.signed_in_first'")
    assert [(row["target"], row["actor_kind"]) for row in rows] == [(user, "user")]


async def test_several_first_requests_at_once_are_all_answered(
    office: Office, context: ProcessContext, api_settings: Settings
) -> None:
    """A client that starts with ten requests must not see nine refusals."""
    await office.user("mia")
    token = await office.token("sub-mia")
    local = dataclasses.replace(context, settings=api_settings)
    readers = [IdentityReader(local) for _ in range(6)]

    found = await asyncio.gather(*(each.read(token) for each in readers))

    assert None not in found
    async with tenant_tx(context.database, office.partner.tenant.tenant_id) as connection:
        rows = await connection.fetch("select * from trail where action = 'user.signed_in_first'")
    assert len(rows) == 1


async def test_nobody_is_known_by_the_name_of_an_issuer_that_is_gone(
    office: Office,
    context: ProcessContext,
    api_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that has not heard of it yet would lock people out of the new one."""
    monkeypatch.setattr("services.api.identity.reader.CACHE_S", 60.0)
    await office.user("mia")
    late = IdentityReader(dataclasses.replace(context, settings=api_settings))
    token = await office.token("sub-mia")
    assert await late.read(await office.token("nobody")) is None  # the settings are remembered

    await office.trust(issuer="http://127.0.0.1:9/new")

    assert await late.read(token) is None
    async with tenant_tx(context.database, office.partner.tenant.tenant_id) as connection:
        assert await connection.fetch("select from users where subject_hash is not null") == []

"""Every operation of the document x everybody who may not call it. [R-C3]

Generated from the document: a new operation is in the matrix without anybody adding it, and fails
it when nobody can say how it is called.
"""

import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import msgspec
import pytest

from services.api.context import ProcessContext
from services.api.learner_tokens.access import OPERATIONS
from services.api.principal import _WIDER
from shared.config import Settings
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import SCOPES, new_secret, parse_key
from tests.integration.api.conftest import IDS, FakeWorker, KeyMaker, Partner
from tests.integration.api.matrix_world import Home, fault_of, open_home, without_limits
from tests.support.openapi_cases import Sample, operations_in
from tests.support.tenants import TenantFactory

PERSONAL = {"team", "lrn", "sim", "op", "scr", "asm", "dsp", "goal", "svy", "rep"}
"""Kinds of ids that are about people: keys bound to others must not find them."""

_ID = re.compile(r"\b([a-z]{2,4})_([0-7][0-9a-hjkmnp-tv-z]{25})\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return without_limits(settings)


@pytest.fixture(scope="module")
async def home(
    partner: Partner, context: ProcessContext, worker: FakeWorker, database_url: str
) -> AsyncIterator[Home]:
    async with open_home(partner, context, database_url) as opened:
        yield opened


def test_every_operation_can_be_called(home: Home) -> None:
    called = {each.operation.name for each in home.samples}

    assert called == {each.name for each in operations_in(home.document)}
    assert len(called) > 80


async def _refused(home: Home, key: str | None, status: int, code: str) -> list[str]:
    wrong = []
    for sample in home.samples:
        fault = fault_of(await home.send(sample, key), status, code)
        if fault is not None:
            wrong.append(f"{sample.operation.name}: {fault}")
    return wrong


class TestNobody:
    @pytest.fixture(autouse=True)
    async def _nothing_is_stored(self, home: Home) -> AsyncIterator[None]:
        before = await home.stored()
        yield
        assert await home.stored() == before

    @pytest.mark.parametrize("key", [None, "rk_live_nonsense", "eyJhbGciOiJub25lIn0.e30."])
    async def test_without_a_key_or_with_none(self, home: Home, key: str | None) -> None:
        assert await _refused(home, key, 401, "unauthenticated") == []

    async def test_with_a_key_that_was_good_once(self, home: Home, key_maker: KeyMaker) -> None:
        past = datetime.now(UTC) - timedelta(minutes=1)
        tenant_id = home.partner.tenant.tenant_id
        revoked = await key_maker.new(tenant_id, scopes=SCOPES, revoked_at=past)
        expired = await key_maker.new(tenant_id, scopes=SCOPES, expires_at=past)

        assert await _refused(home, revoked, 401, "unauthenticated") == []
        assert await _refused(home, expired, 401, "key-expired") == []

    async def test_with_a_secret_that_was_rolled_out(self, home: Home, key_maker: KeyMaker) -> None:
        past = datetime.now(UTC) - timedelta(minutes=1)
        rolled, other = await _rolled(home, key_maker, past)

        assert await _refused(home, rolled, 401, "key-expired") == []
        assert await _refused(home, other, 401, "unauthenticated") == []

    async def test_from_an_address_that_the_key_is_not_good_from(
        self, home: Home, key_maker: KeyMaker
    ) -> None:
        networks = [ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")]
        key = await key_maker.new(home.partner.tenant.tenant_id, scopes=SCOPES, networks=networks)
        wrong = []
        for sample in home.samples:
            answer = await home.send(sample, key, X_Forwarded_For="203.0.113.7")
            if fault := fault_of(answer, 403, "address-not-allowed"):
                wrong.append(f"{sample.operation.name}: {fault}")

        assert wrong == []

    async def test_with_an_operators_key(self, home: Home, tenants: TenantFactory) -> None:
        key = await tenants.registry.create_ops_key()

        assert await _refused(home, key, 401, "unauthenticated") == []

    async def test_with_every_scope_but_the_one(self, home: Home, key_maker: KeyMaker) -> None:
        keys: dict[str, str] = {}
        wrong = []
        for sample in home.samples:
            scope = sample.operation.scope
            if scope not in keys:
                others = [each for each in SCOPES if each not in {scope, _WIDER.get(scope)}]
                keys[scope] = await key_maker.new(home.partner.tenant.tenant_id, scopes=others)
            fault = fault_of(await home.send(sample, keys[scope]), 403, "scope-missing")
            if fault is not None:
                wrong.append(f"{sample.operation.name}: {fault}")

        assert wrong == []

    async def test_of_a_suspended_tenant(
        self, home: Home, tenants: TenantFactory, database: Database
    ) -> None:
        suspended = await tenants.new()
        async with system_tx(database) as connection:
            await connection.execute(
                "update tenants set status = 'suspended' where tenant_id = $1", suspended.tenant_id
            )

        assert await _refused(home, suspended.api_key, 403, "tenant-suspended") == []


class TestSomebodyWhoLeft:
    """Their row is the tenant's, so what is stored is looked at after it was made."""

    async def test_a_key_of_an_inactive_user(self, home: Home, key_maker: KeyMaker) -> None:
        key = await _key_of_user(home, key_maker, role="owner", active=False)
        before = await home.stored()

        assert await _refused(home, key, 401, "unauthenticated") == []
        assert await home.stored() == before

    async def test_a_key_of_a_user_without_a_role(self, home: Home, key_maker: KeyMaker) -> None:
        key = await _key_of_user(home, key_maker, role=None)
        before = await home.stored()

        assert await _refused(home, key, 403, "scope-missing") == []
        assert await home.stored() == before


async def _key_of_user(home: Home, key_maker: KeyMaker, **fields: Any) -> str:
    body = {"user_name": str(IDS.new()), **fields}
    made = await home.partner.post("/v1/users", body)
    assert made.status_code == 201, made.text
    user_id = parse_id("usr", made.json()["id"])
    return await key_maker.new(home.partner.tenant.tenant_id, scopes=SCOPES, user_id=user_id)


async def _rolled(home: Home, key_maker: KeyMaker, until: datetime) -> tuple[str, str]:
    """Return a key's secret before its last roll, good until then, and one that it never had."""
    old = await key_maker.new(home.partner.tenant.tenant_id, scopes=SCOPES)
    key = parse_key(old)
    other, new = (new_secret("live", key.key_id, os.urandom) for _ in range(2))
    async with tenant_tx(key_maker.database, home.partner.tenant.tenant_id) as connection:
        await connection.execute(
            "update api_keys set previous_hash = hash, hash = $3, previous_expires_at = $4"
            " where tenant_id = $1 and key_id = $2",
            home.partner.tenant.tenant_id,
            key.key_id,
            new.hash,
            until,
        )
    return old, other.text


def _strange(sample: Sample) -> Sample:
    """Return the request with ids that never existed in place of all ids."""
    made: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        return made.setdefault(found[0], format_id(found[1], IDS.new()))

    def swap(value: Any) -> Any:
        return msgspec.json.decode(_ID.sub(other, msgspec.json.encode(value).decode()))

    return msgspec.structs.replace(
        sample, path=swap(sample.path), query=swap(sample.query), body=swap(sample.body)
    )


def _names_ids(sample: Sample) -> bool:
    parts = (sample.path, sample.query, sample.body)
    return any(_ID.search(msgspec.json.encode(each).decode()) for each in parts)


def _told(response: httpx.Response) -> tuple[int, str]:
    """Return what an answer tells, apart from the ids and times of what the request itself made."""
    return response.status_code, _TIME.sub("then", _ID.sub("some id", response.text))


def _has_nothing(response: httpx.Response) -> bool:
    """Whether a list or a file is empty, or a batch failed as a whole."""
    if not response.headers["content-type"].endswith(("/json", "+json")):
        return not response.text
    body = response.json()
    return body.get("data") == [] or body.get("operation", {}).get("status") == "failed"


async def test_what_another_tenant_has_does_not_exist(home: Home, stranger: Partner) -> None:
    before, key, wrong, refused = await home.stored(), stranger.tenant.api_key, [], 0
    for sample in filter(_names_ids, home.samples):
        real = await home.send(sample, key)
        unreal = await home.send(_strange(sample), key)
        name = sample.operation.name
        if _told(real) != _told(unreal):
            wrong.append(f"{name}: {_told(real)} differs from {_told(unreal)}")
        if _ids_in(sample.path):
            refused += 1
            if fault := fault_of(real, 404, "not-found"):
                wrong.append(f"{name}: {fault}")
        elif real.status_code < 300 and not _has_nothing(real):
            wrong.append(f"{name}: {real.status_code} {real.text[:200]}")

    assert wrong == []
    assert refused > 50
    assert await home.stored() == before


async def _bound_keys(home: Home, key_maker: KeyMaker) -> dict[str, str]:
    partner, tenant_id = home.partner, home.partner.tenant.tenant_id
    team = parse_id("team", await partner.team("Day shift"))
    learner = parse_id("lrn", await partner.learner())
    return {
        "another team's": await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[team]),
        "no team's": await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[]),
        "another learner's": await key_maker.new(tenant_id, scopes=SCOPES, learner_id=learner),
        "another team's coach": await _key_of_user(
            home, key_maker, role="coach", team_ids=[format_id("team", team)]
        ),
        "a coach without teams": await _key_of_user(home, key_maker, role="coach"),
        "another team's admin": await _key_of_user(
            home, key_maker, role="admin", team_ids=[format_id("team", team)]
        ),
    }


@pytest.fixture(scope="module")
async def bound(home: Home, key_maker: KeyMaker) -> dict[str, str]:
    return await _bound_keys(home, key_maker)


@pytest.mark.parametrize(
    "who",
    [
        "another team's",
        "no team's",
        "another learner's",
        "another team's coach",
        "a coach without teams",
        "another team's admin",
    ],
)
async def test_bound_keys(home: Home, bound: dict[str, str], who: str) -> None:
    before, wrong = await home.stored(), []
    people = {
        value
        for value in home.kept.values()
        if isinstance(value, str) and value.partition("_")[0] in PERSONAL
    }
    for sample in home.samples:
        response = await home.send(sample, bound[who])
        name = sample.operation.name
        about = {*sample.path.values(), *_ids_in(sample.query), *_ids_in(sample.body)} & people
        leaked = people & set(_ids_in(response.text)) - about
        if leaked or response.status_code >= 500:
            wrong.append(f"{name}: {response.status_code} tells {leaked}")
        if people & set(sample.path.values()) and response.status_code not in {403, 404}:
            wrong.append(f"{name}: {response.status_code} {response.text[:200]}")

    assert wrong == []
    assert await home.stored() == before


def _ids_in(value: Any) -> list[str]:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return [found[0] for found in _ID.finditer(text)]


async def test_a_token_of_another_conversation(home: Home) -> None:
    partner = home.partner
    other = await partner.simulation(home.kept["learner"])
    body = {"learner_id": home.kept["learner"], "simulation_id": other["id"]}
    made = await partner.post("/v1/learner_tokens", body)
    assert made.status_code == 201, made.text
    before, wrong = await home.stored(), []
    for sample in home.samples:
        operation = sample.operation
        opens = f"{operation.method} {operation.template}" in OPERATIONS
        status, code = (404, "not-found") if opens else (403, "scope-missing")
        fault = fault_of(await home.send(sample, made.json()["token"]), status, code)
        if fault is not None:
            wrong.append(f"{operation.name}: {fault}")

    assert wrong == []
    assert await home.stored() == before

"""Keys of issuers: rotation, an issuer that is away, forged key ids, documents that lie."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.api.identity.fetching import FetchError, policy_of, refusal
from services.api.identity.keysets import (
    AWAY_REST_S,
    FRESH_S,
    STALE_S,
    UNKNOWN_REST_S,
    KeySets,
)
from services.api.identity.settings import own_audience, pair_hash

ISSUER = "https://login.example/t/"
CONFIGURATION = "https://login.example/t/.well-known/openid-configuration"
JWKS = "https://keys.example/jwks"
ONE, TWO = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def jwk(key: rsa.RSAPrivateKey, key_id: str | None, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    plain.pop("key_ops", None)
    return {**plain, **({} if key_id is None else {"kid": key_id}), **more}


class Provider:
    """Documents by URL, and how often each was asked for."""

    def __init__(self) -> None:
        self.keys: list[Any] = [jwk(ONE, "one")]
        self.issuer: Any = ISSUER
        self.is_away = False
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None
        self.called = asyncio.Event()

    async def fetch(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        self.called.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise FetchError("timeout")
        if url == CONFIGURATION:
            return {"issuer": self.issuer, "jwks_uri": JWKS}
        assert url == JWKS
        return {"keys": self.keys}


class Watch:
    """Monotonic seconds, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def keys(provider: Provider, watch: Watch) -> KeySets:
    return KeySets(provider, watch)


async def test_keys_are_read_once_while_they_are_fresh(keys: KeySets, provider: Provider) -> None:
    for _ in range(5):
        found = await keys.find(ISSUER, "one", "RS256")
        assert found == ONE.public_key()
    assert provider.asked == [CONFIGURATION, JWKS]


async def test_a_new_key_counts_within_seconds(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    await keys.find(ISSUER, "one", "RS256")
    provider.keys = [jwk(ONE, "one"), jwk(TWO, "two")]
    watch.now += UNKNOWN_REST_S
    assert await keys.find(ISSUER, "two", "RS256") == TWO.public_key()


async def test_forged_key_ids_do_not_make_us_call(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    await keys.find(ISSUER, "one", "RS256")
    for number in range(1000):
        watch.now += 0.01
        assert await keys.find(ISSUER, f"forged {number}", "RS256") is None
    assert len(provider.asked) <= 2 * (2 + int(1000 * 0.01 / UNKNOWN_REST_S))


async def test_a_withdrawn_key_is_bad_soon(keys: KeySets, provider: Provider, watch: Watch) -> None:
    await keys.find(ISSUER, "one", "RS256")
    provider.keys = [jwk(TWO, "two")]
    assert await keys.find(ISSUER, "one", "RS256") is not None
    watch.now += FRESH_S
    assert await keys.find(ISSUER, "one", "RS256") is None


async def test_an_issuer_may_be_away_for_hours_but_not_for_ever(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    await keys.find(ISSUER, "one", "RS256")
    provider.is_away = True
    watch.now += STALE_S - 1
    assert await keys.find(ISSUER, "one", "RS256") == ONE.public_key()
    watch.now += 1
    assert await keys.find(ISSUER, "one", "RS256") is None
    provider.is_away = False
    watch.now += UNKNOWN_REST_S
    assert await keys.find(ISSUER, "one", "RS256") == ONE.public_key()


async def test_an_issuer_that_is_away_is_not_asked_by_everybody(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    provider.is_away = True
    for _ in range(50):
        assert await keys.find(ISSUER, "one", "RS256") is None
    assert len(provider.asked) == 1
    watch.now += UNKNOWN_REST_S
    await keys.find(ISSUER, "one", "RS256")
    assert len(provider.asked) == 2


async def test_an_issuer_that_hangs_holds_nobody_up_whose_key_is_known(
    keys: KeySets, provider: Provider, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.identity.keysets.PATIENCE_S", 0.05)
    await keys.find(ISSUER, "one", "RS256")
    provider.gate = asyncio.Event()
    watch.now += FRESH_S
    assert await keys.find(ISSUER, "one", "RS256") == ONE.public_key()
    watch.now += 0.05
    monkeypatch.setattr("services.api.identity.keysets.PATIENCE_S", 0.01)
    for _ in range(100):  # none of them waits: one look is under way
        assert await keys.find(ISSUER, "one", "RS256") == ONE.public_key()
    assert provider.asked == [CONFIGURATION, JWKS, CONFIGURATION]
    provider.keys = [jwk(TWO, "two")]
    provider.gate.set()
    assert await keys.find(ISSUER, "two", "RS256") == TWO.public_key()


async def test_known_keys_are_used_for_a_while_after_a_look_that_failed(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    await keys.find(ISSUER, "one", "RS256")
    provider.is_away = True
    watch.now += FRESH_S
    for _ in range(10):
        watch.now += AWAY_REST_S / 10
        assert await keys.find(ISSUER, "one", "RS256") == ONE.public_key()
    assert provider.asked == [CONFIGURATION, JWKS, CONFIGURATION]
    watch.now += AWAY_REST_S
    await keys.find(ISSUER, "one", "RS256")
    assert len(provider.asked) == 4


async def test_one_reads_for_all_who_wait(keys: KeySets, provider: Provider) -> None:
    provider.gate = asyncio.Event()
    waiting = [asyncio.create_task(keys.find(ISSUER, "one", "RS256")) for _ in range(20)]
    await provider.called.wait()
    provider.gate.set()
    assert all(await asyncio.gather(*waiting))
    assert provider.asked == [CONFIGURATION, JWKS]


async def test_who_gives_up_waiting_stops_nobody_else(keys: KeySets, provider: Provider) -> None:
    provider.gate = asyncio.Event()
    first = asyncio.create_task(keys.find(ISSUER, "one", "RS256"))
    second = asyncio.create_task(keys.find(ISSUER, "one", "RS256"))
    await provider.called.wait()
    first.cancel()
    provider.gate.set()
    assert await second == ONE.public_key()


@pytest.mark.parametrize("issuer", ["https://login.example/t", "https://evil.example", None, 7])
async def test_a_document_of_another_issuer(keys: KeySets, provider: Provider, issuer: Any) -> None:
    provider.issuer = issuer
    assert await keys.find(ISSUER, "one", "RS256") is None


@pytest.mark.parametrize(
    "key",
    [
        jwk(ONE, "one", use="enc"),
        jwk(ONE, "one", alg="RS512"),
        {"kty": "oct", "kid": "one", "k": "c2VjcmV0"},
        {"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "kid": "one"},
        {"kty": "EC", "kid": "one", "crv": "P-999", "x": "AA", "y": "AA"},
        "one",
        None,
    ],
)
async def test_keys_that_check_nothing(keys: KeySets, provider: Provider, key: Any) -> None:
    provider.keys = [key]
    assert await keys.find(ISSUER, "one", "RS256") is None


async def test_without_a_name_there_must_be_no_choice(
    keys: KeySets, provider: Provider, watch: Watch
) -> None:
    curve = json.loads(
        jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    )
    provider.keys = [jwk(ONE, None), curve]
    assert await keys.find(ISSUER, None, "RS256") == ONE.public_key()
    provider.keys = [jwk(ONE, "one"), jwk(TWO, "two")]
    watch.now += FRESH_S
    assert await keys.find(ISSUER, None, "RS256") is None


async def test_two_keys_of_one_name_are_none(keys: KeySets, provider: Provider) -> None:
    provider.keys = [jwk(ONE, "one"), jwk(TWO, "one")]
    assert await keys.find(ISSUER, "one", "RS256") is None


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example",
        "https://127.0.0.1",
        "https://169.254.169.254/latest",
        "https://[::1]",
        "https://login.example:9999",
        "https://user:word@login.example",
        "https://login.example?x=1",
        "https://login.example#x",
        "https://2130706433",
    ],
)
def test_addresses_that_are_never_called(issuer: str) -> None:
    assert refusal(policy_of(allow_private=False), issuer) is not None


def test_public_addresses_are_called() -> None:
    assert refusal(policy_of(allow_private=False), "https://login.example/t/v2.0") is None
    development = policy_of(allow_private=True)
    assert refusal(development, "http://127.0.0.1:4000") is None
    assert refusal(development, "http://169.254.169.254") is not None


def test_pairs_are_not_confused() -> None:
    assert pair_hash("a", "b") != pair_hash("ab", "")
    assert pair_hash("a\0b", "c") == pair_hash("a\0b", "c")
    one, other = own_audience(uuid4()), own_audience(uuid4())
    assert one != other
    assert one.startswith("urn:rapport:ten_")

"""Tokens of identity providers: what a forger may try, and the edges of time."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from services.api.identity.settings import IdentitySettings
from services.api.identity.tokens import (
    ALGORITHMS,
    MAX_CHARACTERS,
    Claims,
    PublicKey,
    TokenRefusedError,
    fits,
    peek,
    recognizes,
    verify,
)
from shared.tokens import KIND

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
SETTINGS = IdentitySettings(
    issuer="https://login.example/tenant", audience="urn:rapport:ten_1", clock_skew_s=30
)


def claims(**changes: Any) -> dict[str, Any]:
    plain = {
        "iss": SETTINGS.issuer,
        "aud": SETTINGS.audience,
        "sub": "00u1",
        "iat": AT - 10,
        "exp": AT + 300,
        **changes,
    }
    return {name: value for name, value in plain.items() if value is not ...}


def token(key: Any = RSA, algorithm: str = "RS256", *, head: Any = None, **changes: Any) -> str:
    headers = {"kid": "k1", **(head or {})}
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def raw(header: dict[str, Any], payload: Any, sign: Callable[[bytes], bytes]) -> str:
    parts = [_b64(json.dumps(each).encode()) for each in (header, payload)]
    signed = ".".join(parts)
    return f"{signed}.{_b64(sign(signed.encode()))}"


def _b64(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def check(text: str, key: PublicKey | None = None, **changes: Any) -> Claims:
    wanted = msgspec.structs.replace(SETTINGS, **changes)
    return verify(text, key or RSA.public_key(), wanted, NOW)


def refused(text: str, why: str = ".", key: PublicKey | None = None, **changes: Any) -> None:
    with pytest.raises(TokenRefusedError, match=why):
        check(text, key, **changes)


def test_a_good_token_says_who_it_is() -> None:
    found = check(token())
    assert (found.subject, found.user, found.roles) == ("00u1", "00u1", ())
    assert found.expires_at.timestamp() == AT + 300 + 30


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "PS256"), (P256, "ES256"), (ED, "EdDSA")],
)
def test_each_common_signature_is_good(key: Any, algorithm: str) -> None:
    assert check(token(key, algorithm), key.public_key()).subject == "00u1"


def test_no_signature_is_none() -> None:
    for name in ("none", "None", "nOnE", ""):
        refused(raw({"alg": name, "typ": "JWT"}, claims(), lambda _: b""), "signature|not a token")


def test_the_public_key_is_no_secret() -> None:
    """HS256 with the text of the public key as its secret: the classic of algorithm confusion."""
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1):
        pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, form)
        forged = raw(
            {"alg": "HS256", "typ": "JWT", "kid": "k1"},
            claims(),
            lambda signed, pem=pem: hmac.digest(pem, signed, sha256),
        )
        refused(forged, "none that is accepted")
    assert not {"HS256", "HS384", "HS512", "none"} & ALGORITHMS


def test_a_signature_must_be_of_that_key_and_allowed() -> None:
    refused(token(OTHER_RSA), "InvalidSignature")
    refused(token(RSA, "RS512"), "none that is accepted here")
    refused(token(P256, "ES256"), "none that is accepted here")
    assert check(token(RSA, "RS512"), algorithms=("RS512",)).subject == "00u1"


def test_a_changed_token_is_no_more() -> None:
    head, body, signature = token().split(".")
    other = _b64(json.dumps(claims(sub="somebody else")).encode())
    refused(f"{head}.{other}.{signature}", "InvalidSignature")
    refused(f"{head}.{body}.", "InvalidSignature")
    refused(f"{head}.{body}.{signature[:-8]}AAAAAAAA", "InvalidSignature")


def test_a_key_must_fit_its_algorithm() -> None:
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to see it refused
    assert not fits(weak.public_key(), "RS256")
    assert fits(RSA.public_key(), "PS512")
    assert not fits(RSA.public_key(), "ES256")
    assert fits(P256.public_key(), "ES256")
    assert not fits(P256.public_key(), "ES384")
    assert fits(P384.public_key(), "ES384")
    assert fits(ED.public_key(), "EdDSA")
    assert not fits(ED.public_key(), "RS256")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.example/another"},
        {"iss": SETTINGS.issuer + "/"},
        {"aud": "urn:rapport:ten_2"},
        {"aud": ["urn:rapport:ten_2", "account"]},
        {"exp": ...},
        {"sub": ...},
        {"aud": ...},
        {"iss": ...},
        {"sub": ""},
        {"sub": "x" * 501},
        {"sub": "line\nbreak"},
        {"aud": []},
        {"aud": [SETTINGS.audience] * 21},
        {"aud": [SETTINGS.audience, ["nested"]]},
        {"cnf": {"jkt": "thumb"}},
    ],
)
def test_what_a_token_must_say(changes: dict[str, Any]) -> None:
    refused(token(**changes))


def test_one_of_several_audiences_is_enough() -> None:
    assert check(token(aud=["account", SETTINGS.audience])).subject == "00u1"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": AT - 29},
        {"exp": AT - 29.5},
        {"nbf": AT + 30},
        {"iat": AT + 30},
        {"iat": ...},
    ],
)
def test_times_just_within_the_clocks_difference(changes: dict[str, Any]) -> None:
    assert check(token(**changes)).subject == "00u1"


@pytest.mark.parametrize(
    "changes", [{"exp": AT - 30}, {"exp": AT - 31}, {"nbf": AT + 31}, {"iat": AT + 31}]
)
def test_times_just_beyond_it(changes: dict[str, Any]) -> None:
    refused(token(**changes), "expired|to come")


def test_the_tenant_decides_about_the_clocks() -> None:
    refused(token(exp=AT), "expired", clock_skew_s=0)
    assert check(token(exp=AT + 1), clock_skew_s=0)
    assert check(token(exp=AT - 119), clock_skew_s=120)


@pytest.mark.parametrize("value", [True, "soon", [1], 1e300, -1e300, float("nan")])
def test_times_are_numbers_of_this_world(value: Any) -> None:
    plain = claims()
    plain["exp"] = value
    header = {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    signer = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    refused(raw(header, plain, lambda signed: signer.sign(signed, RSA)))


def test_a_far_end_is_bounded_and_no_error() -> None:
    assert check(token(exp=253402300799)).expires_at.year >= 9998


@pytest.mark.parametrize(
    "kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", KIND, "JWS-something", 7]
)
def test_tokens_made_for_something_else(kind: Any) -> None:
    refused(token(head={"typ": kind}), "another kind|not a token")


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", "AT+JWT"])
def test_kinds_that_are_meant_to_be_shown(kind: str) -> None:
    assert check(token(head={"typ": kind})).subject == "00u1"


def test_nothing_is_read_from_where_a_token_points() -> None:
    """`jwk`, `jku`, `x5u`, `x5c` of the forger: the signature still has to be the issuer's."""
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(OTHER_RSA.public_key()))
    head = {"jwk": own, "jku": "https://evil.example/k", "x5u": "https://evil.example/x"}
    refused(token(OTHER_RSA, head=head), "InvalidSignature")
    assert check(token(head=head)).subject == "00u1"


def test_what_must_be_understood_and_is_not() -> None:
    header = {"alg": "RS256", "typ": "JWT", "kid": "k1", "crit": ["exp"], "exp": AT}
    refused(raw(header, claims(), lambda _: b"x"), "another kind|not a token")


@pytest.mark.parametrize("key_id", ["", "x" * 501, 7, ["k1"], "a\nb"])
def test_strange_names_of_keys(key_id: Any) -> None:
    header = {"alg": "RS256", "typ": "JWT", "kid": key_id}
    with pytest.raises(TokenRefusedError):
        peek(raw(header, claims(), lambda _: b"x"))


@pytest.mark.parametrize(
    "text",
    ["", "eyJ", "a.b.c", "eyJ.eyJ.", "..", "eyJhbGciOiJSUzI1NiJ9", "eyJ9.e30.x", "\x00.\x00.\x00"],
)
def test_what_is_no_token(text: str) -> None:
    refused(text, "not a token|too long")


def test_a_huge_token_is_not_looked_into() -> None:
    text = token(junk="x" * MAX_CHARACTERS)
    assert recognizes(text)
    refused(text, "too long")


def test_payloads_that_are_no_objects() -> None:
    for payload in ([], "text", 7, None):
        header = {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        refused(raw(header, payload, lambda _: b"x"), "not a token")


def test_deep_payloads_do_no_harm() -> None:
    deep = _b64(b'{"iss":' + b"[" * 2500 + b"]" * 2500 + b"}")
    head = _b64(b'{"alg":"RS256","typ":"JWT"}')
    refused(f"{head}.{deep}.AAAA")


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=200) | st.from_regex(r"eyJ[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
)
def test_no_text_is_more_than_refused(text: str) -> None:
    recognizes(text)
    with pytest.raises(TokenRefusedError):
        check(text)


def test_only_a_tenants_own_clients() -> None:
    allowed = {"client_ids": ("web", "app")}
    for name in ("azp", "client_id", "cid", "appid"):
        assert check(token(**{name: "web"}), **allowed)
        refused(token(**{name: "evil"}), "another client", **allowed)
    refused(token(), "another client", **allowed)
    refused(token(azp="web", client_id="evil"), "another client", **allowed)
    refused(token(azp=["web"]), "another client", **allowed)
    assert check(token(azp="anything"))


def test_the_claim_that_finds_the_user() -> None:
    name = {"user_claim": "preferred_username"}
    assert check(token(preferred_username="mia"), **name).user == "mia"
    refused(token(), "no preferred_username", **name)
    mail = {"user_claim": "email"}
    assert check(token(email="mia@acme.example", email_verified=True), **mail).user.startswith(
        "mia"
    )
    for verified in (False, "false", ...):
        changes = {"email": "mia@acme.example", "email_verified": verified}
        refused(token(**changes), "verified", **mail)


def test_roles_come_from_their_claim_only() -> None:
    assert check(token(groups=["a", "b", 7])).roles == ()
    assert check(token(groups=["a", "b", 7]), role_claim="groups").roles == ("a", "b")
    assert check(token(groups="a"), role_claim="groups").roles == ("a",)
    assert check(token(groups={"a": 1}), role_claim="groups").roles == ()


def test_learner_tokens_are_somebody_elses_matter() -> None:
    ours = jwt.encode({"sub": "lrn"}, "s" * 32, algorithm="HS256", headers={"typ": KIND})
    assert not recognizes(ours)
    assert not recognizes("rk_live_x")
    assert recognizes(token())

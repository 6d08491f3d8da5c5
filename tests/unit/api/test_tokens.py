"""Learner tokens: what a forger may try, and that a token tells nothing about a person."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import format_id
from shared.tokens import (
    ALGORITHM,
    KIND,
    InvalidTokenError,
    LearnerToken,
    TokenSecrets,
    key_of,
    looks_like_token,
    sign,
    verify,
)

SECRETS = TokenSecrets(b"m" * 32)
TENANT, KEY = uuid4(), uuid4()
SECRET = SECRETS.of(TENANT, KEY)
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TOKEN = LearnerToken(
    token_id=uuid4(),
    key_id=KEY,
    learner_id=uuid4(),
    simulation_id=uuid4(),
    scenario=None,
    scopes=frozenset({"simulations:read", "simulations:write"}),
    origin="https://academy.example",
    issued_at=NOW,
    expires_at=NOW + timedelta(seconds=900),
)
CLAIMS: dict[str, Any] = {
    "iss": "rapport",
    "aud": "rapport",
    "sub": format_id("lrn", TOKEN.learner_id),
    "iat": 1,
    "exp": 2,
    "jti": str(TOKEN.token_id),
    "scope": "simulations:read",
}


def forged(
    claims: dict[str, Any] | None = None,
    secret: bytes | str = SECRET,
    algorithm: str = ALGORITHM,
    **header: Any,
) -> str:
    headers = {"kid": format_id("key", KEY), "typ": KIND, **header}
    return jwt.encode(
        CLAIMS if claims is None else claims, secret, algorithm=algorithm, headers=headers
    )


def read(text: str) -> LearnerToken:
    key_id = key_of(text)
    return verify(text, key_id, SECRETS.of(TENANT, key_id))


def test_a_token_says_what_was_signed() -> None:
    text = sign(TOKEN, SECRET)

    assert looks_like_token(text)
    assert key_of(text) == KEY
    assert verify(text, KEY, SECRET) == TOKEN


def test_a_scenario_and_no_bounds_come_back_too() -> None:
    wide = msgspec.structs.replace(
        TOKEN, simulation_id=None, origin=None, scenario=("scn_1", "late-delivery")
    )

    assert verify(sign(wide, SECRET), KEY, SECRET) == wide


def test_a_token_holds_ids_and_times_only() -> None:
    _, middle, _ = sign(TOKEN, SECRET).split(".")
    claims = json.loads(base64.urlsafe_b64decode(middle + "=="))

    assert set(claims) == {"iss", "aud", "sub", "iat", "exp", "jti", "scope", "sim", "org"}
    assert claims["sub"].startswith("lrn_")
    assert claims["sim"].startswith("sim_")


def test_the_forgers_own_base_is_good() -> None:
    assert read(forged()).learner_id == TOKEN.learner_id


@pytest.mark.parametrize(
    "text",
    [
        forged(secret=b"x" * 32),
        forged(secret=SECRETS.of(uuid4(), KEY)),
        forged(secret=SECRETS.of(TENANT, uuid4())),
        forged(secret=TokenSecrets(b"n" * 32).of(TENANT, KEY)),
        forged(algorithm="none", secret=""),
        forged(algorithm="HS512", secret=SECRET * 2),
        forged(kid=format_id("key", uuid4())),
        forged(kid=format_id("sim", KEY)),
        forged(kid=""),
        forged(typ="JWT"),
        forged(crit=["x"]),
        forged({**CLAIMS, "aud": "others"}),
        forged({**CLAIMS, "iss": "others"}),
        forged({**CLAIMS, "sub": format_id("sim", TOKEN.learner_id)}),
        forged({**CLAIMS, "sim": "sim_x"}),
        forged({**CLAIMS, "sim": 7}),
        forged({**CLAIMS, "scn": ["one"]}),
        forged({**CLAIMS, "jti": "x"}),
        forged({**CLAIMS, "scope": 1}),
        forged({**CLAIMS, "exp": 10**30}),
        forged({**CLAIMS, "org": 5}),
        *(forged({k: v for k, v in CLAIMS.items() if k != name}) for name in CLAIMS),
    ],
)
def test_forgeries_are_refused(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        read(text)


def test_a_token_grants_no_scope_that_tokens_do_not_have() -> None:
    token = read(forged({**CLAIMS, "scope": "simulations:read settings:write ops"}))

    assert token.scopes == {"simulations:read"}


@given(position=st.integers(0, 2000), character=st.sampled_from("AZaz09_-."))
def test_no_changed_character_passes(position: int, character: str) -> None:
    text = sign(TOKEN, SECRET)
    position %= len(text)
    changed = text[:position] + character + text[position + 1 :]
    try:
        token = read(changed)
    except InvalidTokenError:
        return
    assert changed == text or token == TOKEN  # the last character has bits that mean nothing


@given(st.text(max_size=300))
def test_any_text_is_refused_and_never_breaks(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        read(text)

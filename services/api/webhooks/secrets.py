"""Rotating an endpoint's secret, and the tenant's public keys."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.trail.recording import note
from services.api.webhooks.records import PublicKey, Rotation
from services.api.webhooks.refusals import SecretsFullError
from services.api.webhooks.repository import EndpointRepository
from services.api.webhooks.service import check_whole
from shared.contracts.webhooks import SECRET_OVERLAP_S
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.ids import format_id
from shared.webhooks.secrets import new_secret, secret_text

MAX_SECRETS: Final = 5
"""That sign at once: each is another signature in every delivery."""


class SecretService:
    """Secrets of endpoints, and what verifies the tenant's signatures."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def rotate(
        self, principal: Principal, claim: Claim | None, endpoint_id: UUID, *, revoke_now: bool
    ) -> tuple[Rotation, bool]:
        """Make a new secret; the one before signs for another 24 hours, unless it is revoked.

        Raises:
            NotFoundError: no such endpoint.
            SecretsFullError: too many earlier ones still sign.
        """
        check_whole(principal)
        context = self._context
        now = context.clock.now()
        secret_id, secret = context.ids.new(), new_secret(context.random)
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            await repository.hold(endpoint_id)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, secret_id, now)
            if earlier is None:
                await repository.forget_secrets(endpoint_id, now, is_all=revoke_now)
                if await repository.count_secrets(endpoint_id) >= MAX_SECRETS:
                    raise SecretsFullError
                until = now + timedelta(seconds=SECRET_OVERLAP_S)
                await repository.expire_secret(endpoint_id, until)
                await repository.insert_secret(endpoint_id, secret_id, secret, now)
                target = format_id("whe", endpoint_id)
                await note(connection, principal, now, "webhook_secret.rotated", target)
            created_at, previous_expires_at = await repository.secret_times(endpoint_id)
        rotation = Rotation(
            secret=secret_text(secret) if earlier is None else None,
            created_at=created_at,
            previous_expires_at=previous_expires_at,
        )
        return rotation, earlier is not None

    async def list_keys(self, principal: Principal) -> tuple[PublicKey, ...]:
        """Return the tenant's public keys, newest first; none before its first endpoint."""
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            return tuple(await repository.list_keys(context.clock.now()))

    async def _repository(self, connection: Connection, tenant_id: UUID) -> EndpointRepository:
        tenant = await self._context.keys.tenant(connection, tenant_id)
        return EndpointRepository(connection, tenant)

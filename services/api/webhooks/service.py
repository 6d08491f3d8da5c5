"""Making, changing and reading webhook endpoints."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.trail.recording import note
from services.api.webhooks.records import WebhookEndpoint, Wish
from services.api.webhooks.refusals import EndpointsFullError
from services.api.webhooks.repository import EndpointRepository
from shared.contracts.webhooks import (
    MAX_ENDPOINTS,
    WAKE_WEBHOOKS,
    EndpointStatus,
)
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.errors import (
    FieldError,
    NotFoundError,
    ScopeMissingError,
    UnavailableError,
    ValidationFailedError,
)
from shared.ids import format_id
from shared.log import get_logger
from shared.webhooks.keys import ensure_signing_pair
from shared.webhooks.outbound import UrlRefusedError, check_url, policy_of
from shared.webhooks.secrets import new_secret, secret_text

log = get_logger()

FAT_SCOPES: Final = ("simulations:read", "scorings:read", "learners:read")
"""What a fat payload carries; nobody has it sent who could not read it."""


class WebhookService:
    """Webhook endpoints of a tenant."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._policy = policy_of(context.settings)

    async def create(
        self, principal: Principal, claim: Claim | None, wish: Wish
    ) -> tuple[WebhookEndpoint, str | None, bool]:
        """Make an endpoint; return it with its secret, and say whether this is a repeat.

        The secret of a repeat is None: it is shown once.

        Raises:
            ScopeMissingError: the key is bound, or may not read what a fat payload carries.
            ValidationFailedError: the URL is not allowed.
            NotFoundError: a team does not exist; all are named.
            EndpointsFullError: there are sixteen.
        """
        check_whole(principal)
        self._check(principal, wish)
        context = self._context
        now = context.clock.now()
        endpoint_id, tenant_id = context.ids.new(), principal.tenant_id
        secret = new_secret(context.random)
        async with tenant_tx(context.database, tenant_id) as connection:
            repository = await self._repository(connection, tenant_id)
            earlier = await claim_or_find(connection, tenant_id, claim, endpoint_id, now)
            if earlier is not None:
                return await repository.get(earlier.resource_id), None, True
            if await repository.count() >= MAX_ENDPOINTS:
                raise EndpointsFullError
            await _check_teams(repository, wish)
            await repository.insert(endpoint_id, wish, now)
            await repository.insert_secret(endpoint_id, context.ids.new(), secret, now)
            await ensure_signing_pair(
                connection,
                tenant_id,
                await context.keys.tenant(connection, tenant_id),
                ids=context.ids,
                random=context.random,
                now=now,
            )
            made = await repository.get(endpoint_id)
            target = format_id("whe", endpoint_id)
            await note(connection, principal, now, "webhook_endpoint.created", target)
        _audit(principal, None, made)
        return made, secret_text(secret), False

    async def get(self, principal: Principal, endpoint_id: UUID) -> WebhookEndpoint:
        """Return an endpoint; raises `NotFoundError`."""
        check_whole(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            return await repository.get(endpoint_id)

    async def list(self, principal: Principal, page: PageRequest) -> list[WebhookEndpoint]:
        """Return one more endpoint than the page holds, in order of creation."""
        check_whole(principal)
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            return await repository.list_page(page)

    async def change(
        self,
        principal: Principal,
        endpoint_id: UUID,
        patch: Callable[[WebhookEndpoint], Wish],
        status: EndpointStatus | None,
    ) -> tuple[WebhookEndpoint, datetime | None]:
        """Change an endpoint; return it, and since when events may be missing if this enabled it.

        Raises:
            NotFoundError: no such endpoint or team.
            ScopeMissingError: the key may not read what a fat payload carries.
            ValidationFailedError: the URL is not allowed.
        """
        check_whole(principal)
        context = self._context
        now = context.clock.now()
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            repository = await self._repository(connection, principal.tenant_id)
            await repository.hold(endpoint_id)
            before = await repository.get(endpoint_id)
            wish = patch(before)
            self._check(principal, wish, before)
            await _check_teams(repository, wish)
            await repository.update(endpoint_id, wish, now)
            if status == "enabled":
                await repository.enable(endpoint_id, now)
            elif status == "disabled":
                await repository.disable(endpoint_id, now)
            after = await repository.get(endpoint_id)
            target, facts = format_id("whe", endpoint_id), {"status": after.status}
            await note(
                connection, principal, now, "webhook_endpoint.changed", target, facts={**facts}
            )
        _audit(principal, before, after)
        if before.status != after.status:
            await context.publisher.tell(WAKE_WEBHOOKS, b"")
        return after, before.recover_since if after.status == "enabled" else after.recover_since

    async def delete(self, principal: Principal, endpoint_id: UUID) -> None:
        """Delete an endpoint with its secrets and its log; raises `NotFoundError`."""
        check_whole(principal)
        for is_last in (False, False, True):
            try:
                async with tenant_tx(self._context.database, principal.tenant_id) as connection:
                    repository = await self._repository(connection, principal.tenant_id)
                    await repository.delete(endpoint_id)
                    target, now = format_id("whe", endpoint_id), self._context.clock.now()
                    await note(connection, principal, now, "webhook_endpoint.deleted", target)
            except asyncpg.DeadlockDetectedError:
                # A sender records a result: the delivery first, then its endpoint.
                if is_last:
                    raise UnavailableError(retry_after_s=1) from None
            else:
                return

    async def _repository(self, connection: Connection, tenant_id: UUID) -> EndpointRepository:
        tenant = await self._context.keys.tenant(connection, tenant_id)
        return EndpointRepository(connection, tenant)

    def _check(self, principal: Principal, wish: Wish, before: Wish | None = None) -> None:
        if wish.payload == "fat" and (before is None or before.payload != "fat"):
            for scope in FAT_SCOPES:
                principal.require(scope)
        if before is None or before.url != wish.url:
            try:
                check_url(self._policy, wish.url)
            except UrlRefusedError as error:
                detail = f"Not allowed: {error}"
                raise ValidationFailedError(
                    errors=(FieldError(pointer="/url", code="not-allowed", detail=detail),)
                ) from None


def check_whole(principal: Principal) -> None:
    """Refuse keys that see only some people: an endpoint tells about everybody.

    Raises:
        ScopeMissingError: the key is bound.
    """
    if principal.team_ids is not None or principal.learner_id is not None:
        raise ScopeMissingError("A key bound to teams or to a learner has no webhooks")


async def _check_teams(repository: EndpointRepository, wish: Wish) -> None:
    team_ids = wish.team_ids or ()
    known = await repository.find_teams(team_ids) if team_ids else frozenset()
    errors = tuple(
        FieldError(pointer=f"/team_ids/{index}", code="not-found", detail="No such team")
        for index, team_id in enumerate(team_ids)
        if team_id not in known
    )
    if errors:
        raise NotFoundError(errors=errors)


def _audit(principal: Principal, before: Wish | None, after: WebhookEndpoint) -> None:
    """Note who chose that more than ids leave the product, or that it ends."""
    was = "thin" if before is None else before.payload
    if was != after.payload:
        log.info(
            "webhook.payload_chosen",
            payload=after.payload,
            endpoint_id=str(after.endpoint_id),
            key_id=str(principal.key_id),
        )

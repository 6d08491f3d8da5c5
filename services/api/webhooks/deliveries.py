"""The log of deliveries; sending one again, and a test."""

from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.webhooks.delivery_repository import DeliveryRepository
from services.api.webhooks.records import Delivery, NewDelivery, WebhookEndpoint
from services.api.webhooks.refusals import EndpointDisabledError
from services.api.webhooks.repository import EndpointRepository
from services.api.webhooks.service import check_whole
from shared.contracts.event_catalog import public_event
from shared.contracts.events import EventType
from shared.contracts.webhooks import WAKE_WEBHOOKS, DeliveryStatus
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.webhooks import sealing


class DeliveryService:
    """Deliveries of a tenant's endpoints."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def get(self, principal: Principal, delivery_id: UUID) -> Delivery:
        """Return a delivery with its body and attempts; raises `NotFoundError`."""
        check_whole(principal)
        context, tenant_id = self._context, principal.tenant_id
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            return (await DeliveryRepository(connection, tenant).get(delivery_id)).delivery

    async def list(
        self,
        principal: Principal,
        endpoint_id: UUID,
        page: PageRequest,
        *,
        status: DeliveryStatus | None,
        event_type: EventType | None,
    ) -> list[Delivery]:
        """Return one more delivery than the page holds, newest first.

        Raises:
            NotFoundError: no such endpoint.
        """
        check_whole(principal)
        context, tenant_id = self._context, principal.tenant_id
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            await EndpointRepository(connection, tenant).get(endpoint_id)
            return await DeliveryRepository(connection, tenant).list_page(
                endpoint_id, page, status, None if event_type is None else event_type.value
            )

    async def test(
        self, principal: Principal, claim: Claim | None, endpoint_id: UUID
    ) -> tuple[Delivery, bool]:
        """Send a `test.ping`; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such endpoint.
            EndpointDisabledError: it gets nothing.
        """
        check_whole(principal)
        context, tenant_id = self._context, principal.tenant_id
        now = context.clock.now()
        delivery_id, event_id = context.ids.new(), context.ids.new()
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            repository = DeliveryRepository(connection, tenant)
            endpoint = await EndpointRepository(connection, tenant).keep(endpoint_id)
            earlier = await claim_or_find(connection, tenant_id, claim, delivery_id, now)
            if earlier is not None:
                return (await repository.get(earlier.resource_id)).delivery, True
            check_enabled(endpoint)
            event = public_event(
                event_id=event_id,
                event_type=EventType.TEST_PING,
                resource_id=endpoint_id,
                sequence=0,  # not part of the feed
                position=0,
                occurred_at=now,
                facts={},
            )
            made = NewDelivery(
                delivery_id=delivery_id,
                endpoint_id=endpoint_id,
                event_id=event_id,
                event_type=EventType.TEST_PING.value,
                position=None,
                trigger="test",
                learner_id=None,
                body=tenant.seal(msgspec.json.encode(event), sealing.BODY, delivery_id.bytes),
            )
            await repository.insert([made], now)
            delivery = (await repository.get(delivery_id)).delivery
        await context.publisher.tell(WAKE_WEBHOOKS, b"")
        return delivery, False

    async def resend(
        self, principal: Principal, claim: Claim | None, delivery_id: UUID
    ) -> tuple[Delivery, bool]:
        """Send the same bytes with the same id once more; say as well whether this is a repeat.

        Raises:
            NotFoundError: no such delivery, or the person it was about was erased.
            EndpointDisabledError: its endpoint gets nothing.
        """
        check_whole(principal)
        context, tenant_id = self._context, principal.tenant_id
        now = context.clock.now()
        new_id = context.ids.new()
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            repository = DeliveryRepository(connection, tenant)
            kept = await repository.get(delivery_id)
            first = kept.delivery
            earlier = await claim_or_find(connection, tenant_id, claim, new_id, now)
            if earlier is not None:
                return (await repository.get(earlier.resource_id)).delivery, True
            check_enabled(await EndpointRepository(connection, tenant).keep(first.endpoint_id))
            learner_id = kept.learner_id
            key = tenant if learner_id is None else await repository.learner_key(learner_id)
            if key is None or first.body is None:
                raise NotFoundError("The person this was about was erased")
            made = NewDelivery(
                delivery_id=new_id,
                endpoint_id=first.endpoint_id,
                event_id=first.event_id,
                event_type=first.event_type,
                position=first.position,
                trigger="resend",
                learner_id=learner_id,
                body=key.seal(first.body, sealing.BODY, new_id.bytes),
            )
            await repository.insert([made], now)
            delivery = (await repository.get(new_id)).delivery
        await context.publisher.tell(WAKE_WEBHOOKS, b"")
        return delivery, False


def check_enabled(endpoint: WebhookEndpoint) -> None:
    """Refuse to send to a disabled endpoint; raises `EndpointDisabledError`."""
    if endpoint.status != "enabled":
        raise EndpointDisabledError

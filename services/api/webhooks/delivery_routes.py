"""HTTP face of deliveries: the log, a test, sending again."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from services.api.webhooks.deliveries import DeliveryService
from services.api.webhooks.delivery_schemas import (
    DeliveryQuery,
    DeliverySummaryView,
    DeliveryView,
    RecoverCreate,
    RecoveredView,
    delivery_view,
    summary_view,
)
from services.api.webhooks.records import Delivery
from services.api.webhooks.recovery import RecoveryService
from services.api.webhooks.refusals import EndpointDisabledError, RecoveredJustNowError
from shared.clock import Clock
from shared.errors import CursorInvalidError, NotFoundError

READ = "webhooks:read"
WRITE = "webhooks:write"


class DeliveryRoutes:
    """`/v1/webhook_deliveries`, and the log of an endpoint."""

    def __init__(
        self, deliveries: DeliveryService, recovery: RecoveryService, clock: Clock
    ) -> None:
        self._deliveries = deliveries
        self._recovery = recovery
        self._clock = clock

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/webhook_endpoints/{endpoint_id:whe}/test",
            scope=WRITE,
            answers={202: DeliveryView},
            idempotency="accepted",
            problems=(NotFoundError, EndpointDisabledError),
        )
    )
    async def test_webhook_endpoint(self, call: Call) -> Answer:
        """Send a `test.ping` to a webhook endpoint, whatever types it wants."""
        delivery, replayed = await self._deliveries.test(
            call.principal, call.claim, call.ids["endpoint_id"]
        )
        return _accepted(delivery, replayed=replayed)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/webhook_endpoints/{endpoint_id:whe}/deliveries",
            scope=READ,
            query=DeliveryQuery,
            answers={200: Page[DeliverySummaryView]},
            problems=(NotFoundError, CursorInvalidError),
        )
    )
    async def list_webhook_deliveries(self, call: Call) -> Answer:
        """List what was delivered to a webhook endpoint, newest first, with every attempt.

        Kept for 30 days.
        """
        query: DeliveryQuery = call.query
        rows = await self._deliveries.list(
            call.principal,
            call.ids["endpoint_id"],
            call.page,
            status=query.status,
            event_type=query.event_type,
        )
        return Answer(body=make_page(rows, call.page, lambda row: row.delivery_id, summary_view))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/webhook_deliveries/{delivery_id:dlv}",
            scope=READ,
            answers={200: DeliveryView},
            problems=(NotFoundError,),
        )
    )
    async def get_webhook_delivery(self, call: Call) -> Answer:
        """Get a delivery: the exact body, and every attempt with the start of its answer."""
        found = await self._deliveries.get(call.principal, call.ids["delivery_id"])
        return Answer(body=delivery_view(found))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/webhook_deliveries/{delivery_id:dlv}/resend",
            scope=WRITE,
            answers={202: DeliveryView},
            idempotency="accepted",
            problems=(NotFoundError, EndpointDisabledError),
        )
    )
    async def resend_webhook_delivery(self, call: Call) -> Answer:
        """Send the same event once more, as a new delivery with the same `webhook-id`."""
        delivery, replayed = await self._deliveries.resend(
            call.principal, call.claim, call.ids["delivery_id"]
        )
        return _accepted(delivery, replayed=replayed)

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/webhook_endpoints/{endpoint_id:whe}/recover",
            scope=WRITE,
            body=RecoverCreate,
            answers={202: RecoveredView},
            idempotency="accepted",
            problems=(NotFoundError, EndpointDisabledError, RecoveredJustNowError),
        )
    )
    async def recover_webhook_events(self, call: Call) -> Answer:
        """Deliver the events of a time range again, those that were never sent included.

        Up to some 5,000 at once, oldest first, and a new range once a minute. While `next_after`
        is not null, send the same range with it as `after`, at once: so everything gets on its way.
        """
        body: RecoverCreate = call.body
        recovered, replayed = await self._recovery.recover(
            call.principal, call.claim, call.ids["endpoint_id"], body.range(self._clock.now())
        )
        return Answer(body=RecoveredView.of(recovered), status=202, replayed=replayed)


def _accepted(delivery: Delivery, *, replayed: bool) -> Answer:
    view = delivery_view(delivery)
    return Answer(
        body=view,
        status=202,
        headers={"Location": f"/v1/webhook_deliveries/{view.id}"},
        replayed=replayed,
    )

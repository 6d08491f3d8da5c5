"""HTTP face of webhook endpoints, their secrets and the public keys."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, PageQuery, make_page
from services.api.webhooks.refusals import EndpointsFullError, SecretsFullError
from services.api.webhooks.schemas import (
    SecretRotate,
    SecretView,
    WebhookEndpointCreate,
    WebhookEndpointCreated,
    WebhookEndpointDeleted,
    WebhookEndpointPatch,
    WebhookEndpointView,
    WebhookKeysView,
    WebhookKeyView,
    created_view,
    endpoint_view,
)
from services.api.webhooks.secrets import SecretService
from services.api.webhooks.service import WebhookService
from shared.errors import CursorInvalidError, NotFoundError
from shared.ids import format_id

READ = "webhooks:read"
WRITE = "webhooks:write"


class WebhookRoutes:
    """`/v1/webhook_endpoints` and `/v1/webhook_keys`."""

    def __init__(self, webhooks: WebhookService, secrets: SecretService) -> None:
        self._webhooks = webhooks
        self._secrets = secrets

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/webhook_endpoints",
            scope=WRITE,
            body=WebhookEndpointCreate,
            answers={201: WebhookEndpointCreated},
            idempotency="accepted",
            problems=(EndpointsFullError, NotFoundError),
        )
    )
    async def create_webhook_endpoint(self, call: Call) -> Answer:
        """Make a webhook endpoint; events from now on are sent to it.

        The answer shows its secret, once: a repeat with the same key answers `secret: null`.
        """
        body: WebhookEndpointCreate = call.body
        made, secret, replayed = await self._webhooks.create(
            call.principal, call.claim, body.wish()
        )
        view = created_view(made, secret)
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/webhook_endpoints/{view.id}", "Cache-Control": "no-store"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/webhook_endpoints",
            scope=READ,
            query=PageQuery,
            answers={200: Page[WebhookEndpointView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_webhook_endpoints(self, call: Call) -> Answer:
        """List webhook endpoints in order of creation."""
        rows = await self._webhooks.list(call.principal, call.page)
        return Answer(body=make_page(rows, call.page, lambda row: row.endpoint_id, endpoint_view))

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/webhook_endpoints/{endpoint_id:whe}",
            scope=READ,
            answers={200: WebhookEndpointView},
            problems=(NotFoundError,),
        )
    )
    async def get_webhook_endpoint(self, call: Call) -> Answer:
        """Get a webhook endpoint and how it fares."""
        found = await self._webhooks.get(call.principal, call.ids["endpoint_id"])
        return Answer(body=endpoint_view(found))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/webhook_endpoints/{endpoint_id:whe}",
            scope=WRITE,
            body=WebhookEndpointPatch,
            answers={200: WebhookEndpointView},
            problems=(NotFoundError,),
        )
    )
    async def update_webhook_endpoint(self, call: Call) -> Answer:
        """Change a webhook endpoint, disable it or enable it again.

        The answer that enables it says in `recover_since` since when events may be missing.
        """
        body: WebhookEndpointPatch = call.body
        after, recover_since = await self._webhooks.change(
            call.principal, call.ids["endpoint_id"], body.apply, body.wanted_status
        )
        return Answer(body=endpoint_view(after, recover_since=recover_since))

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/webhook_endpoints/{endpoint_id:whe}",
            scope=WRITE,
            answers={200: WebhookEndpointDeleted},
            problems=(NotFoundError,),
        )
    )
    async def delete_webhook_endpoint(self, call: Call) -> Answer:
        """Delete a webhook endpoint with its secrets and its log; what waits is not sent."""
        endpoint_id = call.ids["endpoint_id"]
        await self._webhooks.delete(call.principal, endpoint_id)
        return Answer(body=WebhookEndpointDeleted(id=format_id("whe", endpoint_id)))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/webhook_endpoints/{endpoint_id:whe}/rotate_secret",
            scope=WRITE,
            body=SecretRotate,
            answers={200: SecretView},
            idempotency="accepted",
            problems=(NotFoundError, SecretsFullError),
        )
    )
    async def rotate_webhook_secret(self, call: Call) -> Answer:
        """Make a new secret; deliveries carry signatures by the old one too, for 24 hours.

        The answer shows it once: a repeat with the same key answers `secret: null`.
        """
        body: SecretRotate = call.body
        rotation, replayed = await self._secrets.rotate(
            call.principal, call.claim, call.ids["endpoint_id"], revoke_now=body.revoke_now
        )
        return Answer(
            body=SecretView.of(rotation),
            headers={"Cache-Control": "no-store"},
            replayed=replayed,
        )

    @endpoint(
        Endpoint(method="GET", path="/v1/webhook_keys", scope=READ, answers={200: WebhookKeysView})
    )
    async def list_webhook_keys(self, call: Call) -> Answer:
        """List the public keys that verify the signature `v1a`; none before the first endpoint."""
        keys = await self._secrets.list_keys(call.principal)
        return Answer(body=WebhookKeysView(data=[WebhookKeyView.of(each) for each in keys]))

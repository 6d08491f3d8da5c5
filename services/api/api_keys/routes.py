"""HTTP face of API keys."""

from datetime import timedelta

from services.api.api_keys.schemas import (
    ApiKeyCreate,
    ApiKeyPatch,
    ApiKeyQuery,
    ApiKeyRoll,
    ApiKeySecret,
    ApiKeyView,
    key_view,
    secret_view,
)
from services.api.api_keys.service import KeyService
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.paging import Page, make_page
from shared.clock import Clock
from shared.errors import ConflictError, CursorInvalidError, NotFoundError
from shared.ids import parse_id

READ = "keys:read"
WRITE = "keys:write"

_SECRET = {"Cache-Control": "no-store"}


class KeyRoutes:
    """`/v1/api_keys`."""

    def __init__(self, keys: KeyService, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/api_keys",
            scope=WRITE,
            body=ApiKeyCreate,
            answers={201: ApiKeySecret},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def create_api_key(self, call: Call) -> Answer:
        """Make an API key that has no more than yours.

        The answer shows its text, once: a repeat with the same key answers `text: null`.
        """
        body: ApiKeyCreate = call.body
        wish = body.wish(call.principal.environment)
        key, text = await self._keys.create(call.principal, call.claim, wish, call.request_id)
        view = secret_view(key, text, self._clock.now())
        return Answer(
            body=view,
            status=201,
            headers={"Location": f"/v1/api_keys/{view.id}", **_SECRET},
            replayed=text is None,
        )

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/api_keys",
            scope=READ,
            query=ApiKeyQuery,
            answers={200: Page[ApiKeyView]},
            problems=(CursorInvalidError,),
        )
    )
    async def list_api_keys(self, call: Call) -> Answer:
        """List API keys in order of creation, those that have ended included."""
        query: ApiKeyQuery = call.query
        rows = await self._keys.list(
            call.principal,
            call.page,
            user_id=None if query.user_id is None else parse_id("usr", query.user_id),
            is_good=query.status == "active",
        )
        now = self._clock.now()
        page = make_page(rows, call.page, lambda key: key.key_id, lambda key: key_view(key, now))
        return Answer(body=page)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/api_keys/{key_id:key}",
            scope=READ,
            answers={200: ApiKeyView},
            problems=(NotFoundError,),
        )
    )
    async def get_api_key(self, call: Call) -> Answer:
        """Get an API key; its text is stored nowhere."""
        key = await self._keys.get(call.principal, call.ids["key_id"])
        return Answer(body=key_view(key, self._clock.now()))

    @endpoint(
        Endpoint(
            method="PATCH",
            path="/v1/api_keys/{key_id:key}",
            scope=WRITE,
            body=ApiKeyPatch,
            answers={200: ApiKeyView},
            problems=(NotFoundError, ConflictError),
        )
    )
    async def update_api_key(self, call: Call) -> Answer:
        """Change the name or the networks of an API key, or let it end sooner."""
        body: ApiKeyPatch = call.body
        key = await self._keys.change(
            call.principal, call.ids["key_id"], body.apply, call.request_id
        )
        return Answer(body=key_view(key, self._clock.now()))

    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/api_keys/{key_id:key}/roll",
            scope=WRITE,
            body=ApiKeyRoll,
            answers={200: ApiKeySecret},
            idempotency="accepted",
            problems=(NotFoundError, ConflictError),
        )
    )
    async def roll_api_key(self, call: Call) -> Answer:
        """Make a new secret for an API key; the present one stays good for `grace_s`.

        The key keeps its id and everything else. The answer shows the new text, once: a repeat with
        the same key answers `text: null`. A secret from before the last roll ends at once.
        """
        body: ApiKeyRoll = call.body
        key, text = await self._keys.roll(
            call.principal,
            call.claim,
            call.ids["key_id"],
            timedelta(seconds=body.grace_s),
            call.request_id,
        )
        return Answer(
            body=secret_view(key, text, self._clock.now()),
            headers=dict(_SECRET),
            replayed=text is None,
        )

    @endpoint(
        Endpoint(
            method="DELETE",
            path="/v1/api_keys/{key_id:key}",
            scope=WRITE,
            answers={200: ApiKeyView},
            problems=(NotFoundError,),
        )
    )
    async def revoke_api_key(self, call: Call) -> Answer:
        """Revoke an API key: within 5 seconds it and the tokens made with it stop everywhere.

        It stays in the list, so that the audit trail can be read; a second call changes nothing.
        """
        key = await self._keys.revoke(call.principal, call.ids["key_id"], call.request_id)
        return Answer(body=key_view(key, self._clock.now()))

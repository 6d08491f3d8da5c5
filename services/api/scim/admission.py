"""One path for every SCIM request, with the checks that all requests have.

Imported with the first request: the models of SCIM cost half a second of processor time, which an
installation whose tenants provision by hand never spends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from scim2_models import NotImplementedException

from services.api.body import read_body
from services.api.context import ProcessContext
from services.api.endpoint import Desk
from services.api.principal import Principal
from services.api.scim.address import BASE
from services.api.scim.answers import Reply, Service
from services.api.scim.people import Caller
from services.api.scim.refusals import MEDIA_TYPE, refused
from services.api.trail.recording import CURRENT_REQUEST
from services.api.validation import decode_json
from shared.errors import (
    MethodNotAllowedError,
    NotFoundError,
    ScopeMissingError,
    UnsupportedMediaTypeError,
)

SCOPE: Final = "scim:write"

_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json"})

AnyRequest: TypeAlias = Request[Any, Any, Any]


class Door:
    """Admits requests and leads each to what answers it."""

    def __init__(self, context: ProcessContext, desk: Desk) -> None:
        self._context = context
        self._desk = desk
        self._service = Service(context)

    async def serve(self, request: AnyRequest, deadline_s: float) -> ASGIResponse:
        """Answer a request or refuse it, as SCIM says it."""
        try:
            async with asyncio.timeout(deadline_s):
                return await self._answer(request)
        except Exception as error:
            return refused(error, str(request.scope["state"]["request_id"]))

    async def _answer(self, request: AnyRequest) -> ASGIResponse:
        scope = request.scope
        request_id = str(scope["state"]["request_id"])
        CURRENT_REQUEST.set(request_id)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        principal = await self._admit(request, headers)
        caller = Caller(principal=principal, now=self._context.clock.now(), request_id=request_id)
        parts = [part for part in str(scope["path"]).removeprefix(BASE).split("/") if part]
        handler = self._find(str(scope["method"]), parts)
        body = None
        if scope["method"] in {"POST", "PUT", "PATCH"}:
            body = await _body(request, headers)
        return _response(await handler(caller, scope["query_string"], body))

    async def _admit(self, request: AnyRequest, headers: Mapping[bytes, str]) -> Principal:
        desk, scope = self._desk, request.scope
        state = scope["state"]
        principal = await desk.authenticator.principal(
            headers.get(b"authorization"),
            address=lambda: desk.addresses.of(scope["client"], scope["headers"]),
        )
        state["principal"] = principal
        state["tenant_id"] = str(principal.tenant_id)
        is_read = scope["method"] == "GET"
        state["headers"], refusal = await desk.limiter.take(principal.tenant_id, is_read=is_read)
        if refusal is not None:
            raise refusal
        principal.require(SCOPE)
        if principal.is_bound or principal.token is not None:
            raise ScopeMissingError("Who sees only some people provisions nobody")
        if principal.environment == "test":
            raise ScopeMissingError("A test key provisions nobody: people are no test")
        if desk.watch is not None:
            await desk.watch.saw(principal, None, "")
        return principal

    def _find(
        self, method: str, parts: list[str]
    ) -> Callable[[Caller, bytes, Any], Awaitable[Reply]]:
        """Return what answers a method on a path.

        Raises:
            NotFoundError: no such path.
            MethodNotAllowedError: it has other methods.
            NotImplementedException: `Me` and `Bulk`, which there are not.
        """
        if parts in (["Me"], ["Bulk"]):
            raise NotImplementedException(detail=f"{parts[0]} is not supported")
        found = self._service.at(parts)
        if not found:
            raise NotFoundError("No such path")
        if method not in found:
            raise MethodNotAllowedError
        return found[method]


async def _body(request: AnyRequest, headers: Mapping[bytes, str]) -> Any:
    kind = headers.get(b"content-type", "").lower().partition(";")[0].strip()
    if kind not in _MEDIA_TYPES:
        raise UnsupportedMediaTypeError
    return decode_json(await read_body(request.receive, headers.get(b"content-length")))


def _response(reply: Reply) -> ASGIResponse:
    headers = {} if reply.location is None else {"Location": reply.location}
    return ASGIResponse(
        body=b"" if reply.body is None else msgspec.json.encode(reply.body),
        status_code=reply.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )

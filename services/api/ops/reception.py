"""The one path that every operator's request takes: key, scope, path, query, body, audit, handler.

A call is in the audit trail before anything is done; one that was refused has a second entry that
says so. Only calls without a good key leave none: nobody knows who they were.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.answers import Answer, linked, respond
from services.api.body import check_media_type, read_body
from services.api.context import ProcessContext
from services.api.endpoint import DEADLINE_S, Endpoint
from services.api.idempotency import Claim, Claims, read_key
from services.api.ops.access import Operator, find_operator
from services.api.paging import Cursors, PageQuery, PageRequest
from services.api.paths import litestar_path, path_id
from services.api.problems import answer_error
from services.api.validation import decode_json, parse_query, validate
from shared.db.tx import system_tx
from shared.errors import AppError
from shared.ids import format_id
from shared.trail.entries import FLEET, Entry, record_fleet

EVERYTHING: Final = "installation"
"""Target of calls that are about no single thing."""

VERSION: Final = "ops/v1"
"""What the version of the API is to a claim."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpsCall:
    """One request of an operator, checked."""

    operator: Operator
    ids: dict[str, UUID]
    body: Any
    query: Any
    claim: Claim | None
    paging: PageRequest | None
    request_id: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    """Names in lower case."""

    @property
    def page(self) -> PageRequest:
        """Which rows a list returns; of operations whose query is a `PageQuery`."""
        if self.paging is None:
            raise AssertionError("only a PageQuery has pages")
        return self.paging


OpsHandler = Callable[[OpsCall], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True)
class OpsDesk:
    """What every operator's request is checked with."""

    context: ProcessContext
    cursors: Cursors
    claims: Claims
    deadline_s: float = DEADLINE_S


def ops_route_handler(contract: Endpoint, handler: OpsHandler, desk: OpsDesk) -> HTTPRouteHandler:
    """Return the Litestar route that leads through all checks to the handler."""
    reception = _Reception(contract, handler.__name__, desk)

    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        scope = request.scope
        request_id: str = scope["state"]["request_id"]
        headers = dict(scope["headers"])
        now = desk.context.clock.now()
        try:
            operator = await find_operator(
                desk.context.database, _text(headers, b"authorization"), now
            )
        except AppError as error:
            return answer_error(error, request_id)
        try:
            call = await reception.receive(request, operator, headers)
            await reception.audit(call)
            async with asyncio.timeout(desk.deadline_s):
                answer = await handler(call)
        except AppError as error:
            if error.status >= 500:
                raise
            await reception.audit_refusal(operator, request, error)
            return answer_error(error, request_id)
        return respond(linked(answer, scope))

    return HTTPRouteHandler(
        litestar_path(contract.path),
        http_method=contract.method,
        status_code=min(contract.answers),
        name=handler.__name__,
        opt={"ops": contract},
    )(handle)


class _Reception:
    """Makes an `OpsCall` of every request to one operation, and audits it."""

    def __init__(self, contract: Endpoint, name: str, desk: OpsDesk) -> None:
        self._contract = contract
        self._action = f"ops.{name}"
        self._desk = desk
        self._ids = tuple(contract.path_ids.items())

    async def receive(
        self, request: Request[Any, Any, Any], operator: Operator, headers: dict[bytes, bytes]
    ) -> OpsCall:
        """Check a request in the one order; raises the refusal."""
        contract, scope = self._contract, request.scope
        operator.require(contract.scope)
        ids = {name: path_id(scope["path_params"], name, prefix) for name, prefix in self._ids}
        query = contract.query and parse_query(scope["query_string"], contract.query)
        header = _text(headers, b"idempotency-key")
        key = read_key(header) if header and contract.idempotency != "none" else None
        body, raw = None, None
        if contract.body is not None:
            check_media_type(_text(headers, b"content-type"))
            text = await read_body(request.receive, _text(headers, b"content-length"))
            raw = decode_json(text)
            body = validate(raw, contract.body)
        return OpsCall(
            operator=operator,
            ids=ids,
            body=body,
            query=query,
            claim=self._claim(key, scope["path"], raw) if key else None,
            paging=(
                self._desk.cursors.request(FLEET, scope["path"], query)
                if isinstance(query, PageQuery)
                else None
            ),
            request_id=scope["state"]["request_id"],
            headers=headers,
        )

    async def audit(self, call: OpsCall) -> None:
        """Write down who asked for what, before it is done."""
        await self._record(
            Entry(
                tenant_id=None,
                actor=call.operator.actor,
                action=self._action,
                target=self._target(call.ids),
                request_id=call.request_id,
                at=self._desk.context.clock.now(),
            )
        )

    async def audit_refusal(
        self, operator: Operator, request: Request[Any, Any, Any], error: AppError
    ) -> None:
        """Write down that it was not done, and why."""
        await self._record(
            Entry(
                tenant_id=None,
                actor=operator.actor,
                action="ops.refused",
                target=EVERYTHING,
                request_id=request.scope["state"]["request_id"],
                at=self._desk.context.clock.now(),
                facts={
                    "operation": self._action,
                    "status": error.status,
                    "code": error.code,
                },
            )
        )

    async def _record(self, entry: Entry) -> None:
        async with system_tx(self._desk.context.database) as connection:
            await record_fleet(connection, entry)

    def _target(self, ids: dict[str, UUID]) -> str:
        """Return the last id of the path: what the call is about."""
        for name, prefix in reversed(self._ids):
            return format_id(prefix, ids[name])
        return EVERYTHING

    def _claim(self, key: str, path: str, body: Any) -> Claim:
        route = f"{self._contract.method} {self._contract.template}"
        return self._desk.claims.make(
            key, FLEET, route=route, path=path, version=VERSION, body=body
        )


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")

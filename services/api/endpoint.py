"""What an endpoint declares, and the one path that every request takes through it.

Key, rate, version, scope, path ids, query, idempotency key, body, handler: in this order, for every
route, so that no handler can forget one of them. Handlers see typed values and return typed values.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Final, Literal, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope, Method

from services.api.addresses import Address, ClientAddresses
from services.api.answers import Answer, linked, respond
from services.api.auth import Authenticator
from services.api.body import MAX_BODY_BYTES, check_media_type, decode_body, read_body
from services.api.counting import count_answer, count_refusal
from services.api.deprecation import DeprecatedUse, Deprecation, deprecation_headers
from services.api.idempotency import Claim, Claims, read_key
from services.api.learner_tokens.access import TokenGate
from services.api.limits import RequestLimiter
from services.api.paging import Cursors, PageQuery, PageRequest
from services.api.paths import (
    NUMBER,
    TEXT,
    TEXT_PATTERN,
    litestar_path,
    path_id,
    path_number,
    path_text,
    plain_path,
)
from services.api.principal import Principal
from services.api.problems import answer_error
from services.api.trail.recording import CURRENT_REQUEST
from services.api.trail.watch import Watch
from services.api.validation import parse_query
from services.api.versions.changes import CURRENT, VERSIONS
from services.api.versions.service import HEADER, VersionService, asked_version
from services.api.versions.transform import Transformer
from services.api.waiting import wished_wait_s
from shared import failpoints
from shared.errors import AppError, IdempotencyKeyMissingError, UnauthenticatedError
from shared.ids import format_id

__all__ = [
    "NUMBER",
    "TEXT",
    "TEXT_PATTERN",
    "Answer",
    "Call",
    "Desk",
    "Endpoint",
    "Handler",
    "Need",
    "endpoint",
    "endpoints_of",
    "respond",
    "route_handler",
]

Need = Literal["none", "accepted", "required"]

DEADLINE_S: Final = 60.0
"""Seconds a request may take from its key to its answer, where nothing allows for more: a part that
hangs becomes a 503 that can be retried, and no connection stays taken."""

_MARK = "__endpoint__"

_READS: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""

_BASIC: Final = ((b"www-authenticate", b'Basic realm="Rapport", charset="UTF-8"'),)
"""What a refusal says beside `Bearer` where `is_basic_good`."""

_VERSION_HEADERS: Final = {each: (HEADER, each.encode()) for each in VERSIONS}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The contract of one operation; the OpenAPI document is made of these."""

    method: Method
    path: str
    """With ids as `{name:prefix}`, for example `/v1/simulations/{simulation_id:sim}`, and numbers
    from 1 as `{name:#}`, keys as `{name:@}`.
    """
    scope: str
    answers: Mapping[int, Any]
    """Body type by status."""
    body: type[msgspec.Struct] | None = None
    shown_body: type[msgspec.Struct] | None = None
    """What the document shows, where `body` leaves parts to be checked one by one."""
    max_body_bytes: int = MAX_BODY_BYTES
    query: type[msgspec.Struct] | None = None
    idempotency: Need = "none"
    problems: tuple[type[AppError], ...] = ()
    """Refusals of its own, beside those that every endpoint has."""
    is_basic_good: bool = False
    """The key may come as the password of HTTP Basic too: for clients that know nothing else."""
    deprecation: Deprecation | None = None
    """Says that the operation will go away."""
    events: Mapping[str, type[msgspec.Struct]] = field(default_factory=dict)
    """Types of the server-sent events by name, where the operation can answer with a stream."""
    audited: str | None = None
    """Action under which the audit trail tells of who was answered; the first id of the path is
    its target."""

    @property
    def template(self) -> str:
        """The path without prefixes: what logs and documents show."""
        return plain_path(self.path)

    @property
    def path_ids(self) -> dict[str, str]:
        """Prefix of the id by its name in the path."""
        return {name: kind for name, kind in self._path_parts if kind not in {NUMBER, TEXT}}

    @property
    def path_numbers(self) -> tuple[str, ...]:
        """Names of the numbers in the path."""
        return tuple(name for name, kind in self._path_parts if kind == NUMBER)

    @property
    def path_texts(self) -> tuple[str, ...]:
        """Names of the keys in the path."""
        return tuple(name for name, kind in self._path_parts if kind == TEXT)

    @property
    def _path_parts(self) -> list[tuple[str, str]]:
        parts = [part[1:-1] for part in self.path.split("/") if part.startswith("{")]
        return [cast("tuple[str, str]", tuple(part.split(":"))) for part in parts]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, checked."""

    principal: Principal
    ids: dict[str, UUID]
    body: Any
    query: Any
    claim: Claim | None
    numbers: dict[str, int] = field(default_factory=dict)
    """Of the path, from 1."""
    texts: dict[str, str] = field(default_factory=dict)
    """Keys of the path."""
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    """Of the request, names in lower case."""
    paging: PageRequest | None = None
    version: str = CURRENT
    """Of the API, as the answer will be shown; handlers always answer as the newest."""
    request_id: str = ""
    address: Callable[[], Address | None] | None = None
    """Finds the client's; None: it was checked before."""

    @property
    def wait_s(self) -> int:
        """Seconds that the client is willing to wait for work to end (`Prefer: wait=N`)."""
        return wished_wait_s(self.header(b"prefer"))

    @property
    def page(self) -> PageRequest:
        """Which rows a list returns; of operations whose query is a `PageQuery`."""
        if self.paging is None:
            raise AssertionError("only a PageQuery has pages")
        return self.paging

    def header(self, name: bytes) -> str | None:
        """Return a header of the request; `name` is in lower case."""
        return _text(self.headers, name)


Handler = Callable[[Call], Awaitable[Answer]]
HandlerMethod = TypeVar("HandlerMethod", bound=Callable[..., Awaitable[Answer]])


def endpoint(contract: Endpoint) -> Callable[[HandlerMethod], HandlerMethod]:
    """Mark a method as a handler; its name is the operation id, its docstring the public text."""

    def mark(method: HandlerMethod) -> HandlerMethod:
        setattr(method, _MARK, contract)
        return method

    return mark


def endpoints_of(routes: object) -> list[tuple[Endpoint, Handler]]:
    """Return the marked methods of a routes object, in the order of their definition."""
    found = []
    for name, function in vars(type(routes)).items():
        contract = getattr(function, _MARK, None)
        if contract is not None:
            found.append((contract, cast("Handler", getattr(routes, name))))
    return found


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What every request is checked with."""

    authenticator: Authenticator
    cursors: Cursors
    claims: Claims
    versions: VersionService
    limiter: RequestLimiter
    deprecated: DeprecatedUse = field(default_factory=DeprecatedUse)
    addresses: ClientAddresses = field(default_factory=ClientAddresses)
    deadline_s: float = DEADLINE_S
    gate: TokenGate | None = None
    """Without one no learner token opens anything."""
    watch: Watch | None = None
    """Notes who read what; without one nobody is noted."""


def route_handler(contract: Endpoint, handler: Handler, desk: Desk) -> HTTPRouteHandler:
    """Return the Litestar route that leads through all checks to the handler."""
    reception = _Reception(contract, handler.__name__, desk)

    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        scope = request.scope
        CURRENT_REQUEST.set(scope["state"]["request_id"])
        try:
            call = await reception.receive(request)
            if call.claim is not None:
                failpoints.hit("api.before_claim")
            async with asyncio.timeout(desk.deadline_s):
                answer = await handler(call)
            await reception.note(call)
        except AppError as error:
            count_refusal(error)
            if error.status >= 500:
                raise
            return answer_error(error, scope["state"]["request_id"])
        count_answer(answer, call.claim)
        if call.claim is not None:
            failpoints.hit("api.before_response")
        return respond(reception.shown(answer, call.version, scope))

    return HTTPRouteHandler(
        litestar_path(contract.path),
        http_method=contract.method,
        status_code=min(contract.answers),  # else a DELETE could not answer with a body
        name=handler.__name__,
        opt={"endpoint": contract},
    )(handle)


class _Reception:
    """Makes a `Call` of every request to one operation, or refuses it."""

    def __init__(self, contract: Endpoint, name: str, desk: Desk) -> None:
        self._contract = contract
        self._name = name
        self._desk = desk
        self._template = contract.template
        self._is_turn = contract.method == "POST" and contract.path.endswith("/turns")
        self._ids = tuple(contract.path_ids.items())
        self._numbers, self._texts = contract.path_numbers, contract.path_texts
        said = contract.deprecation
        self._fixed = () if said is None else deprecation_headers(said)
        kinds = [kind for kind in contract.answers.values() if kind is not None]
        self._transformer = cache(lambda: Transformer(kinds))  # for who speaks an older version

    async def receive(self, request: Request[Any, Any, Any]) -> Call:
        """Check a request in the one order; raises the refusal."""
        contract, desk, scope = self._contract, self._desk, request.scope
        headers = dict(scope["headers"])  # cheaper than the framework's mapping
        if contract.is_basic_good:
            scope["state"]["headers"] = _BASIC
        address = partial(desk.addresses.of, scope["client"], scope["headers"])
        principal = await desk.authenticator.principal(
            _text(headers, b"authorization"),
            is_basic_good=contract.is_basic_good,
            address=address,
        )
        scope["state"]["principal"] = principal  # who answers a browser needs to know
        version = await self._admit(principal.tenant_id, headers, scope["state"])
        principal.require(contract.scope)
        values = scope["path_params"]
        ids = {name: path_id(values, name, prefix) for name, prefix in self._ids}
        numbers = {name: path_number(values, name) for name in self._numbers}
        texts = {name: path_text(values, name) for name in self._texts}
        if principal.token is not None:
            await self._admit_token(principal, ids, _text(headers, b"origin"))
        query = contract.query and parse_query(scope["query_string"], contract.query)
        key = _key(contract, _text(headers, b"idempotency-key"))
        body, raw = None, None
        if contract.body is not None:
            check_media_type(_text(headers, b"content-type"))
            text = await read_body(
                request.receive, _text(headers, b"content-length"), contract.max_body_bytes
            )
            raw, body = await decode_body(text, contract.body)
        return Call(
            principal=principal,
            ids=ids,
            body=body,
            query=query,
            claim=self._claim(key, principal, version, scope["path"], raw) if key else None,
            numbers=numbers,
            texts=texts,
            headers=headers,
            paging=(
                desk.cursors.request(principal.tenant_id, scope["path"], query)
                if isinstance(query, PageQuery)
                else None
            ),
            version=version,
            request_id=scope["state"]["request_id"],
            address=address,
        )

    async def note(self, call: Call) -> None:
        """Note for the audit trail that somebody was answered."""
        watch, action = self._desk.watch, self._contract.audited
        if watch is None:
            return
        target = "" if action is None else self._target(call)
        await watch.saw(call.principal, action, target)

    def _target(self, call: Call) -> str:
        """Return the first id of the path; where it has none, the path after its version."""
        for name, prefix in self._ids:
            return format_id(prefix, call.ids[name])
        return self._template.removeprefix("/v1/")

    async def _admit_token(
        self, principal: Principal, ids: dict[str, UUID], origin: str | None
    ) -> None:
        if self._desk.gate is None:
            raise UnauthenticatedError
        operation = f"{self._contract.method} {self._template}"
        await self._desk.gate.admit(principal, operation, ids, origin)

    async def _admit(
        self, tenant_id: UUID, headers: Mapping[bytes, bytes], state: dict[str, Any]
    ) -> str:
        """Count the request and find its version; note what every answer to it says."""
        desk = self._desk
        state["tenant_id"] = str(tenant_id)
        is_read = self._contract.method in _READS
        limits, refusal = await desk.limiter.take(tenant_id, is_read=is_read, is_turn=self._is_turn)
        state["headers"] = limits + self._fixed
        if refusal is not None:
            raise refusal
        if self._fixed:
            desk.deprecated.note(tenant_id, self._name)
        pinned = desk.versions.known(tenant_id) or await desk.versions.pinned(tenant_id)
        asked = headers.get(HEADER)
        version = pinned if asked is None else asked_version(asked.decode("latin-1"))
        state["headers"] = (*limits, *self._fixed, _VERSION_HEADERS[version])
        return version

    def _claim(self, key: str, principal: Principal, version: str, path: str, body: Any) -> Claim:
        route = f"{self._contract.method} {self._template}"
        return self._desk.claims.make(
            key, principal.tenant_id, route=route, path=path, version=version, body=body
        )

    def shown(self, answer: Answer, version: str, scope: HTTPScope) -> Answer:
        """Return the answer in its version, with the link to its next page (RFC 8288)."""
        answer = linked(answer, scope)
        if version == CURRENT or answer.stream is not None:
            return answer
        return dataclasses.replace(answer, body=self._transformer().older(answer.body, version))


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _key(contract: Endpoint, header: str | None) -> str | None:
    if contract.idempotency == "none":
        return None
    if header is None:
        if contract.idempotency == "required":
            raise IdempotencyKeyMissingError
        return None
    return read_key(header)

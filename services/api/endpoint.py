"""What an endpoint declares, and the one path that every request takes through it.

Key, scope, path ids, query, idempotency key, body, handler: in this order, for every route, so that
no handler can forget one of them. Handlers see typed values and return typed values.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import HTTPScope, Method

from services.api.auth import Authenticator
from services.api.body import MAX_BODY_BYTES, check_media_type, read_body
from services.api.idempotency import Claim, make_claim, read_key
from services.api.principal import Principal
from services.api.problems import answer_error
from services.api.validation import decode_json, parse_query, validate
from shared.errors import AppError, IdempotencyKeyMissingError, NotFoundError
from shared.ids import InvalidIdError, parse_id

Need = Literal["none", "accepted", "required"]

NUMBER = "#"
"""Stands in a path where an id has its prefix."""

TEXT = "@"
"""Likewise, for a key of the caller's own choice."""

_MARK = "__endpoint__"

_NUMBER_SHAPE = re.compile("[1-9][0-9]{0,8}")

TEXT_PATTERN = "[a-z][a-z0-9_.-]{0,79}"
"""What a key in a path looks like."""

_TEXT_SHAPE = re.compile(TEXT_PATTERN)


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

    @property
    def template(self) -> str:
        """The path without prefixes: what logs and documents show."""
        return _plain(self.path)

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a handler answers."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False
    """An earlier request with the same key did the work."""


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


def route_handler(
    contract: Endpoint, handler: Handler, authenticator: Authenticator
) -> HTTPRouteHandler:
    """Return the Litestar route that leads through all checks to the handler."""
    prefixes, numbered, keyed = contract.path_ids, contract.path_numbers, contract.path_texts
    template = contract.template

    async def handle(request: Request[Any, Any, Any]) -> ASGIResponse:
        scope = request.scope
        try:
            headers = dict(scope["headers"])  # cheaper than the framework's mapping
            principal = await authenticator.principal(_text(headers, b"authorization"))
            scope["state"]["tenant_id"] = str(principal.tenant_id)
            principal.require(contract.scope)
            ids = {name: _path_id(scope, name, prefix) for name, prefix in prefixes.items()}
            numbers = {name: _path_number(scope, name) for name in numbered}
            texts = {name: _path_text(scope, name) for name in keyed}
            query = contract.query and parse_query(scope["query_string"], contract.query)
            key = _key(contract, _text(headers, b"idempotency-key"))
            body, raw = None, None
            if contract.body is not None:
                check_media_type(_text(headers, b"content-type"))
                text = await read_body(
                    request.receive, _text(headers, b"content-length"), contract.max_body_bytes
                )
                raw, body = await _read(text, contract.body)
            claim = key and make_claim(key, contract.method, template, scope["path"], raw)
            answer = await handler(
                Call(
                    principal=principal,
                    ids=ids,
                    body=body,
                    query=query,
                    claim=claim or None,
                    numbers=numbers,
                    texts=texts,
                )
            )
        except AppError as error:
            if error.status >= 500:
                raise
            return answer_error(error, scope["state"]["request_id"])
        return respond(answer)

    return HTTPRouteHandler(
        _litestar_path(contract.path),
        http_method=contract.method,
        status_code=min(contract.answers),  # else a DELETE could not answer with a body
        name=handler.__name__,
        opt={"endpoint": contract},
    )(handle)


def respond(answer: Answer) -> ASGIResponse:
    """Return the HTTP form of an answer."""
    headers = answer.headers
    if answer.replayed:
        headers = {**headers, "Idempotent-Replayed": "true"}
    return ASGIResponse(
        body=msgspec.json.encode(answer.body), status_code=answer.status, headers=headers
    )


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


async def _read(text: bytes, kind: type[msgspec.Struct]) -> tuple[Any, msgspec.Struct]:
    """Return a body as plain values and as its type; a big one is read beside the event loop."""
    if len(text) > MAX_BODY_BYTES:
        return await asyncio.to_thread(_decode, text, kind)
    return _decode(text, kind)


def _decode(text: bytes, kind: type[msgspec.Struct]) -> tuple[Any, msgspec.Struct]:
    raw = decode_json(text)
    return raw, validate(raw, kind)


def _key(contract: Endpoint, header: str | None) -> str | None:
    if contract.idempotency == "none":
        return None
    if header is None:
        if contract.idempotency == "required":
            raise IdempotencyKeyMissingError
        return None
    return read_key(header)


def _path_id(scope: HTTPScope, name: str, prefix: str) -> UUID:
    try:
        return parse_id(prefix, str(scope["path_params"][name]))
    except InvalidIdError:
        raise NotFoundError from None


def _path_number(scope: HTTPScope, name: str) -> int:
    text = str(scope["path_params"][name])
    if _NUMBER_SHAPE.fullmatch(text) is None:
        raise NotFoundError
    return int(text)


def _path_text(scope: HTTPScope, name: str) -> str:
    text = str(scope["path_params"][name])
    if _TEXT_SHAPE.fullmatch(text) is None:
        raise NotFoundError
    return text


def _plain(path: str) -> str:
    return "/".join(
        part.split(":")[0] + "}" if part.startswith("{") else part for part in path.split("/")
    )


def _litestar_path(path: str) -> str:
    return "/".join(
        part.split(":")[0] + ":str}" if part.startswith("{") else part for part in path.split("/")
    )

"""`/openapi.json`, made from the endpoints' own contracts: what is checked is documented."""

import inspect
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, get_type_hints

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.endpoint import TEXT_PATTERN, Endpoint, Handler
from services.api.problems import MEDIA_TYPE, Problem
from shared.errors import (
    AppError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    KeyExpiredError,
    MalformedJsonError,
    NotFoundError,
    PayloadTooLargeError,
    ScopeMissingError,
    TenantSuspendedError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from shared.keys import SCOPES

API_VERSION: Final = "1.0"

_REF: Final = "#/components/schemas/{name}"

_EVERY: Final[tuple[type[AppError], ...]] = (
    UnauthenticatedError,
    KeyExpiredError,
    ScopeMissingError,
    TenantSuspendedError,
    AppError,
    UnavailableError,
)
_WITH_BODY: Final[tuple[type[AppError], ...]] = (
    MalformedJsonError,
    ValidationFailedError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)

Json = dict[str, Any]


def build_document(endpoints: Sequence[tuple[Endpoint, Handler]]) -> Json:
    """Return the OpenAPI 3.1 document."""
    contracts = [contract for contract, _ in endpoints]
    types = [
        *(kind for contract in contracts for kind in contract.answers.values()),
        *(body for contract in contracts if (body := _body(contract)) is not None),
        Problem,
    ]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    references = dict(zip(map(id, types), schemas, strict=True))
    paths: Json = {}
    for contract, handler in endpoints:
        operation = _operation(contract, handler, references)
        paths.setdefault(contract.template, {})[contract.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport",
            "version": API_VERSION,
            "summary": "Practice hard conversations, score them with evidence, see skills move.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"api_key": []}],
        "tags": [{"name": name} for name in sorted({_tag(each) for each in contracts})],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security()},
    }


def openapi_handlers(endpoints: Sequence[tuple[Endpoint, Handler]]) -> list[HTTPRouteHandler]:
    """Return the route of the document."""
    document = msgspec.json.format(msgspec.json.encode(build_document(endpoints)), indent=2)

    @get("/openapi.json")
    async def openapi() -> ASGIResponse:
        return ASGIResponse(body=document)

    return [openapi]


def _operation(contract: Endpoint, handler: Handler, references: Mapping[int, Json]) -> Json:
    text = inspect.getdoc(handler) or ""
    summary, _, description = text.partition("\n\n")
    operation: Json = {
        "operationId": handler.__name__,
        "summary": summary.replace("\n", " "),
        "description": (description or summary).replace("\n", " "),
        "tags": [_tag(contract)],
        "security": [{"api_key": [contract.scope]}],
        "parameters": list(_parameters(contract)),
        "responses": _responses(contract, references),
    }
    shown = _body(contract)
    if shown is not None:
        schema = references[id(shown)]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _body(contract: Endpoint) -> type[msgspec.Struct] | None:
    return contract.shown_body or contract.body


def _parameters(contract: Endpoint) -> list[Json]:
    found: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{prefix}_[0-9a-hjkmnp-tv-z]{{26}}$"},
        }
        for name, prefix in contract.path_ids.items()
    ]
    found.extend(
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        }
        for name in contract.path_numbers
    )
    found.extend(
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{TEXT_PATTERN}$"},
        }
        for name in contract.path_texts
    )
    if contract.query is not None:
        found.extend(_query_parameters(contract.query))
    if contract.idempotency != "none":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": contract.idempotency == "required",
                "description": "1 to 255 printable ASCII characters; kept 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 257},
            }
        )
    return found


def _query_parameters(kind: type[msgspec.Struct]) -> list[Json]:
    hints = get_type_hints(kind, include_extras=True)
    parameters = []
    for field in msgspec.structs.fields(kind):
        schema = msgspec.json.schema(hints[field.name])
        if "anyOf" in schema:  # a parameter is absent or a value, never null
            schema = {**schema, **schema.pop("anyOf")[0]}
        parameters.append(
            {"name": field.encode_name, "in": "query", "required": False, "schema": schema}
        )
    return parameters


def _responses(contract: Endpoint, references: Mapping[int, Json]) -> Json:
    request_id = {
        "Request-Id": {"description": "Quote it when you ask us.", "schema": {"type": "string"}}
    }
    responses: Json = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": request_id,
            "content": {"application/json": {"schema": references[id(kind)]}},
        }
        for status, kind in contract.answers.items()
    }
    by_status: dict[int, list[str]] = {}
    for problem in _problems(contract):
        codes = by_status.setdefault(problem.status, [])
        if problem.code not in codes:
            codes.append(problem.code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": "`" + "`, `".join(codes) + "`",
            "headers": request_id,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
    return responses


def _problems(contract: Endpoint) -> tuple[type[AppError], ...]:
    found = (*contract.problems, *_EVERY)
    if contract.body is not None:
        found += _WITH_BODY
    elif contract.query is not None or contract.idempotency != "none":
        found += (ValidationFailedError,)
    if contract.idempotency == "required":
        found += (IdempotencyKeyMissingError,)
    if contract.idempotency != "none":
        found += (IdempotencyKeyReusedError,)
    if contract.path_ids or contract.path_texts:
        found += (NotFoundError,)
    return found


def _security() -> Json:
    scopes = ", ".join(f"`{scope}`" for scope in SCOPES)
    return {
        "api_key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rk_live_...",
            "description": f"An API key. Its scopes decide what it may do: {scopes}. "
            "A revocation takes effect within 5 seconds.",
        }
    }


def _tag(contract: Endpoint) -> str:
    return contract.path.split("/")[2]

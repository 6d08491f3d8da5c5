"""`/ops/v1/openapi.json`: the operators' API as an OpenAPI 3.1 document, made from contracts."""

import inspect
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.endpoint import Endpoint
from services.api.openapi.limits import ID_PATTERN
from services.api.openapi.meanings import plain
from services.api.openapi.schemas import Schemas
from services.api.ops.reception import OpsHandler
from services.api.problems import MEDIA_TYPE, Problem
from shared.ops_keys import OPS_SCOPES

Json = dict[str, Any]

VERSION: Final = "1"
"""Of this document; what only adds keeps it."""


def ops_document(endpoints: Sequence[tuple[Endpoint, OpsHandler]]) -> Json:
    """Return the OpenAPI 3.1 document of the operators' API."""
    contracts = [contract for contract, _ in endpoints]
    sent = [body for each in contracts for body in (each.body, each.query) if body is not None]
    told = [kind for each in contracts for kind in each.answers.values() if kind is not str]
    schemas = Schemas(sent=sent, told=[*told, Problem])
    paths: Json = {}
    for contract, handler in endpoints:
        operation = _operation(contract, handler, schemas)
        paths.setdefault(contract.template, {})[contract.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rapport for operators",
            "version": VERSION,
            "description": "Every tenant's load, cost and backlog, and what to do about them. "
            "Ids, numbers, codes and times; never a word of anybody. Every call is audited.",
        },
        "servers": [{"url": "/"}],
        "security": [{"ops_key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "ops_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "rk_ops_...",
                    "description": f"An operator's key; scopes: {', '.join(OPS_SCOPES)}.",
                }
            },
        },
    }


def ops_document_handler(endpoints: Sequence[tuple[Endpoint, OpsHandler]]) -> HTTPRouteHandler:
    """Return the route of the document, which is built at the first request; it needs no key."""

    @cache
    def text() -> bytes:
        return msgspec.json.format(msgspec.json.encode(ops_document(endpoints)), indent=2)

    @get("/ops/v1/openapi.json", sync_to_thread=True)
    def ops_openapi() -> ASGIResponse:
        return ASGIResponse(body=text())

    return ops_openapi


def _operation(contract: Endpoint, handler: OpsHandler, schemas: Schemas) -> Json:
    summary, _, description = (inspect.getdoc(handler) or "").partition("\n\n")
    operation: Json = {
        "operationId": handler.__name__,
        "summary": plain(summary),
        "description": plain(description or summary),
        "security": [{"ops_key": [contract.scope]}],
        "parameters": [*_path(contract), *_query(contract, schemas), *_headers(contract)],
        "responses": _answers(contract, schemas),
    }
    if contract.body is not None:
        content = {"application/json": {"schema": schemas.of(contract.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path(contract: Endpoint) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{prefix}_{ID_PATTERN}$", "maxLength": 40},
        }
        for name, prefix in contract.path_ids.items()
    ]


def _query(contract: Endpoint, schemas: Schemas) -> list[Json]:
    if contract.query is None:
        return []
    properties = schemas.resolved(schemas.of(contract.query))["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


def _headers(contract: Endpoint) -> list[Json]:
    if contract.idempotency == "none":
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 255}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}]


def _answers(contract: Endpoint, schemas: Schemas) -> Json:
    answers: Json = {}
    for status, kind in contract.answers.items():
        media = "text/csv" if kind is str else "application/json"
        schema = {"type": "string"} if kind is str else schemas.of(kind)
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {media: {"schema": schema}},
        }
    problem = {"description": "Refused", "content": {MEDIA_TYPE: {"schema": schemas.of(Problem)}}}
    return answers | {"default": problem}

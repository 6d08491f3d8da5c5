"""`/openapi.json`: the parts of the document put together."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from services.api.endpoint import Endpoint, Handler
from services.api.openapi.access import security_schemes
from services.api.openapi.events import event_types, webhooks
from services.api.openapi.examples import read_examples
from services.api.openapi.headers import Headers
from services.api.openapi.links import Links
from services.api.openapi.operations import Operations, shown_body, tag_of
from services.api.openapi.parameters import VERSION_SCHEMA
from services.api.openapi.refusals import Refusals
from services.api.openapi.schemas import Schemas
from services.api.problems import Problem
from services.api.versions.changes import CURRENT
from shared.yaml_files import read_yaml

API_VERSION: Final = CURRENT
"""What only adds keeps the date; what could break a client needs the next one."""

Json = dict[str, Any]


def build_document(endpoints: Sequence[tuple[Endpoint, Handler]]) -> Json:
    """Return the OpenAPI 3.1 document of these endpoints."""
    contracts = [contract for contract, _ in endpoints]
    sent = [body for each in contracts if (body := shown_body(each)) is not None]
    told = [kind for each in contracts for kind in each.answers.values() if kind is not None]
    streamed = [kind for each in contracts for kind in each.events.values()]
    schemas = Schemas(sent=sent, told=[*told, *streamed, Problem, *event_types()])
    headers = Headers()
    refusals = Refusals(schemas.of(Problem), headers)
    links = Links(endpoints, schemas)
    operations = Operations(schemas, headers, refusals, read_examples(), links)
    paths: Json = {}
    for contract, handler in endpoints:
        operation = operations.describe(contract, handler)
        paths.setdefault(contract.template, {})[contract.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [
            {
                "url": "/",
                "description": "The installation this came from: production, staging or local.",
                "x-internal": False,
            }
        ],
        "security": [{"api_key": []}],
        "tags": _tags(sorted({tag_of(each) for each in contracts})),
        "paths": paths,
        "webhooks": webhooks(schemas),
        "components": {
            "schemas": {**schemas.components, "ApiVersion": VERSION_SCHEMA},
            "responses": dict(sorted(refusals.responses.items())),
            "headers": dict(sorted(headers.components.items())),
            "examples": refusals.examples(),
            "securitySchemes": security_schemes(),
        },
    }


def openapi_handlers(
    endpoints: Sequence[tuple[Endpoint, Handler]],
    *,
    page: Callable[[Json], tuple[bytes, dict[str, str]]] | None = None,
) -> list[HTTPRouteHandler]:
    """Return the routes of the document and, with `page`, of its rendered form under `/docs`.

    Both are built at the first request, so that no start waits for them.
    """

    @cache
    def document() -> Json:
        return build_document(endpoints)

    @cache
    def text() -> bytes:
        return document_text(document())

    @get("/openapi.json", sync_to_thread=True)
    def openapi() -> ASGIResponse:
        return ASGIResponse(body=text())

    if page is None:
        return [openapi]

    @cache
    def rendered() -> tuple[bytes, dict[str, str]]:
        return page(document())

    @get("/docs", sync_to_thread=True)
    def docs() -> ASGIResponse:
        body, headers = rendered()
        return ASGIResponse(body=body, media_type="text/html", headers=headers)

    return [openapi, docs]


def document_text(document: Json) -> bytes:
    """Return the document as it is served and committed."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


@cache
def _prose() -> Json:
    prose: Json = read_yaml(files("services.api.openapi").joinpath("prose.yaml"))
    return prose


def _info() -> Json:
    return {
        "title": "Rapport",
        "version": API_VERSION,
        "summary": "Practice hard conversations, score them with evidence, see skills move.",
        "description": _prose()["description"],
        "contact": {"name": "Whoever runs this installation"},
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _tags(names: Sequence[str]) -> list[Json]:
    told = _prose()["tags"]
    return [{"name": name, "description": told.get(name, f"`/v1/{name}`.")} for name in names]

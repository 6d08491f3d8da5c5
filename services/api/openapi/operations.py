"""One operation of the document: texts, parameters, body, answers."""

import inspect
from http import HTTPStatus
from typing import Any

import msgspec

from services.api.endpoint import Endpoint, Handler
from services.api.openapi.access import security
from services.api.openapi.examples import Examples
from services.api.openapi.headers import Headers
from services.api.openapi.links import Links
from services.api.openapi.meanings import plain
from services.api.openapi.media import ALSO, FILES, MAX_STREAM, files
from services.api.openapi.parameters import parameters
from services.api.openapi.refusals import Refusals
from services.api.openapi.schemas import Schemas
from services.api.streams.sse import MEDIA_TYPE as STREAM

Json = dict[str, Any]


def shown_body(contract: Endpoint) -> type[msgspec.Struct] | None:
    """Return the type of body that the document shows."""
    return contract.shown_body or contract.body


def tag_of(contract: Endpoint) -> str:
    """Return the tag of an operation: the first word of its path."""
    return contract.path.split("/")[2]


class Operations:
    """Describes operations with what the whole document knows."""

    def __init__(
        self,
        schemas: Schemas,
        headers: Headers,
        refusals: Refusals,
        examples: Examples,
        links: Links,
    ) -> None:
        self._schemas = schemas
        self._headers = headers
        self._refusals = refusals
        self._examples = examples
        self._links = links

    def describe(self, contract: Endpoint, handler: Handler) -> Json:
        """Return the operation object."""
        name = handler.__name__
        summary, _, description = (inspect.getdoc(handler) or "").partition("\n\n")
        operation: Json = {
            "operationId": name,
            "summary": plain(summary),
            "description": plain(description or summary),
            "tags": [tag_of(contract)],
            "security": security(contract),
            "parameters": self._parameters(contract, name),
            "responses": self._answers(contract, name) | self._refusals.of(contract),
        }
        if contract.deprecation is not None:
            operation["deprecated"] = True
        body = shown_body(contract)
        if body is not None:
            content = {"schema": self._schemas.of(body)}
            if examples := self._examples.sent(name):
                content["examples"] = examples
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": content},
            }
        return operation

    def _answers(self, contract: Endpoint, name: str) -> Json:
        answers: Json = {}
        for status, kind in contract.answers.items():
            answer: Json = {"description": HTTPStatus(status).phrase}
            schema = None if kind is None else self._schemas.of(kind)
            is_page = schema is not None and schema.get("$ref", "").endswith("Page")
            answer["headers"] = self._headers.of_success(contract, name, status, is_page=is_page)
            if content := self._content(contract, name, status, schema):
                answer["content"] = content
            if links := self._links.of(name, status):
                answer["links"] = links
            answers[str(status)] = answer
        return answers

    def _content(self, contract: Endpoint, name: str, status: int, schema: Json | None) -> Json:
        """Return what an answer with this status may hold, by media type."""
        examples = self._examples.told(name, status)
        shown: Json = {} if schema is None else {"schema": schema}
        if shown and examples:
            shown["examples"] = examples
        is_stream = contract.answers[status] is str and bool(contract.events)
        content: Json = {}
        if contract.answers[status] is str and not is_stream:
            content = files(FILES.get(name, ("text/plain",)), examples)
        elif shown and not is_stream:
            content = {"application/json": shown}
        if status == min(contract.answers):
            content |= files(ALSO.get(name, ()), {})
        if contract.events and status == min(contract.answers):
            content[STREAM] = self._stream(contract) | ({"examples": examples} if is_stream else {})
        return content

    def _stream(self, contract: Endpoint) -> Json:
        """Return a stream of events, whose types OpenAPI 3.1 has no words for."""
        return {
            "schema": {
                "type": "string",
                "maxLength": MAX_STREAM,
                "description": "Server-sent events: `event` and `data`, and `id` where a stream "
                "can go on after the event.",
                "contentMediaType": STREAM,
                "contentSchema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "properties": {
                                "event": {"type": "string", "const": event},
                                "data": self._schemas.of(kind),
                            },
                            "required": ["event", "data"],
                        }
                        for event, kind in contract.events.items()
                    ]
                },
            },
        }

    def _parameters(self, contract: Endpoint, name: str) -> list[Json]:
        found = parameters(contract, name)
        for each in found:
            example = self._examples.parameter(name, each["in"], each["name"])
            if example is not None:
                each["example"] = example
        return found

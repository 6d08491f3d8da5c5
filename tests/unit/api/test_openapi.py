from typing import Any

import msgspec
import pytest

from services.api.endpoint import Answer, Call, Endpoint, endpoint, endpoints_of
from services.api.openapi import build_document
from services.api.paging import Page, PageQuery
from shared.errors import ConflictError


class ThingCreate(msgspec.Struct, forbid_unknown_fields=True):
    """Make a thing."""

    name: str


class ThingView(msgspec.Struct):
    """A thing."""

    id: str


class ThingRoutes:
    @endpoint(
        Endpoint(
            method="POST",
            path="/v1/things/{thing_id:sim}/parts",
            scope="things:write",
            body=ThingCreate,
            answers={201: ThingView},
            idempotency="required",
            problems=(ConflictError,),
        )
    )
    async def create_part(self, call: Call) -> Answer:
        """Make a part.

        Parts are parts.
        """
        return Answer(body=None)

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/things/{number:#}/list",
            scope="things:read",
            query=PageQuery,
            answers={200: Page[ThingView]},
        )
    )
    async def list_things(self, call: Call) -> Answer:
        """List things."""
        return Answer(body=None)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document(endpoints_of(ThingRoutes()))


def test_a_handler_documents_itself(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/things/{thing_id}/parts"]["post"]

    assert operation["operationId"] == "create_part"
    assert operation["summary"] == "Make a part."
    assert operation["description"] == "Parts are parts."
    assert operation["security"] == [{"api_key": ["things:write"]}]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ThingCreate"}


def test_refusals_are_documented(document: dict[str, Any]) -> None:
    operation = document["paths"]["/v1/things/{thing_id}/parts"]["post"]
    responses = operation["responses"]

    assert {"201", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503"} <= set(
        responses
    )
    assert "idempotency-key-missing" in responses["400"]["description"]
    key = next(each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
    assert key["required"] is True


def test_query_parameters_are_never_null(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/things/{number}/list"]["get"]["parameters"]

    assert [each["name"] for each in parameters] == ["number", "limit", "cursor"]
    assert parameters[0]["schema"] == {"type": "integer", "minimum": 1, "maximum": 999_999_999}
    assert parameters[2]["schema"]["type"] == "string"
    assert "413" not in document["paths"]["/v1/things/{number}/list"]["get"]["responses"]

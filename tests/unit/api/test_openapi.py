from datetime import datetime
from typing import Annotated, Any

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
    """A thing [R-A15]."""

    id: str
    thing_id: str
    """Of the thing,
    in two lines.
    """
    made_at: datetime
    note: Annotated[str | None, msgspec.Meta(description="By hand.")]
    """Not shown: the other one stands in the type."""
    parts: list[int]


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

    assert {"201", "400", "401", "403", "404", "408", "409", "413", "415", "422"} <= set(responses)
    assert {"429", "500", "503"} <= set(responses)
    shared = responses["400"]["$ref"].rsplit("/", 1)[1]
    response = document["components"]["responses"][shared]
    assert "idempotency-key-missing" in response["description"]
    for code, example in response["content"]["application/problem+json"]["examples"].items():
        named = document["components"]["examples"][example["$ref"].rsplit("/", 1)[1]]
        assert named["value"]["code"] == code
        assert named["value"]["status"] == 400
    key = next(each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
    assert key["required"] is True


def test_query_parameters_are_never_null(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/things/{number}/list"]["get"]["parameters"]

    assert [each["name"] for each in parameters] == ["number", "limit", "cursor", "Api-Version"]
    assert parameters[0]["schema"] == {
        "type": "integer",
        "format": "int32",
        "minimum": 1,
        "maximum": 999_999_999,
    }
    assert parameters[2]["schema"]["type"] == "string"
    assert "413" not in document["paths"]["/v1/things/{number}/list"]["get"]["responses"]


def test_schemas_have_names_for_people(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert "ThingViewPage" in schemas
    assert {"ApiVersion", "Problem", "FieldError", "PublicEvent"} <= set(schemas)
    assert all(each["title"] == name for name, each in schemas.items())
    assert not any("." in name or name.endswith("_") for name in schemas)


def test_fields_say_what_the_code_says_below_them(document: dict[str, Any]) -> None:
    thing = document["components"]["schemas"]["ThingView"]

    assert thing["description"] == "A thing."
    assert thing["properties"]["note"]["description"] == "By hand."
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["description"] == (
        "Stable; what a program should look at."
    )


def test_what_types_leave_open_is_bounded(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["ThingView"]["properties"]

    assert fields["made_at"] == {"type": "string", "format": "date-time", "maxLength": 35}
    assert fields["thing_id"]["maxLength"] == 31
    assert fields["thing_id"]["pattern"].startswith("^[a-z]{2,4}_")
    assert fields["note"]["anyOf"][0]["maxLength"] == 65_536
    assert fields["parts"]["maxItems"] == 10_000
    assert fields["parts"]["items"]["format"] == "int32"
    page = document["components"]["schemas"]["ThingViewPage"]["properties"]
    assert page["data"]["maxItems"] == 100
    assert document["components"]["schemas"]["ThingCreate"]["properties"]["name"]["maxLength"] == (
        1_048_576
    )


def test_answers_have_headers(document: dict[str, Any]) -> None:
    made = document["paths"]["/v1/things/{thing_id}/parts"]["post"]["responses"]["201"]["headers"]
    listed = document["paths"]["/v1/things/{number}/list"]["get"]["responses"]["200"]["headers"]

    assert {"Request-Id", "Location", "Idempotent-Replayed", "RateLimit"} <= set(made)
    assert "Link" in listed
    assert "Location" not in listed
    assert set(made) | set(listed) <= set(document["components"]["headers"])


def test_the_document_lists_events(document: dict[str, Any]) -> None:
    delivery = document["webhooks"]["simulation.ended"]["post"]
    schema = delivery["requestBody"]["content"]["application/json"]["schema"]

    assert delivery["operationId"] == "on_simulation_ended"
    assert schema["properties"]["type"]["const"] == "simulation.ended"
    assert schema["properties"]["data"] == {"$ref": "#/components/schemas/SimulationEnded"}
    assert {each["name"] for each in delivery["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }

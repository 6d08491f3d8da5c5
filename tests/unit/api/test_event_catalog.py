"""The catalogue of events: schemas, examples and the page say the same, for every type."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from services.api.events.catalog import DIALECT, event_example, event_schema, meaning
from shared.contracts.event_catalog import CATALOG, PREFIXES, resource_path
from shared.contracts.events import EventType
from tests.support.event_docs import PAGE, catalogue, page_with


def test_every_type_has_a_kind() -> None:
    assert list(CATALOG) == list(EventType)


@pytest.mark.parametrize("event_type", list(EventType))
class TestEachType:
    def test_its_example_fits_its_schema(self, event_type: EventType) -> None:
        validator = jsonschema_rs.Draft202012Validator(event_schema(event_type))
        validator.validate(_example(event_type))

    def test_its_schema_refuses_what_lacks_something(self, event_type: EventType) -> None:
        schema = event_schema(event_type)
        validator = jsonschema_rs.Draft202012Validator(schema)
        for broken in _broken(_example(event_type), schema):
            assert not validator.is_valid(broken), broken

    def test_its_schema_may_grow(self, event_type: EventType) -> None:
        example = _example(event_type)
        example["data"]["new_fact"] = example["new_field"] = 1
        validator = jsonschema_rs.Draft202012Validator(event_schema(event_type))
        assert validator.is_valid(example)

    def test_its_data_fits_its_struct(self, event_type: EventType) -> None:
        data = msgspec.convert(_example(event_type)["data"], CATALOG[event_type].data, strict=False)
        assert data.id.startswith(PREFIXES[CATALOG[event_type].resource] + "_")
        assert data.url == f"/v1/{resource_path(CATALOG[event_type].resource)}/{data.id}"

    def test_it_is_explained(self, event_type: EventType) -> None:
        assert meaning(event_type).endswith(".")
        assert event_schema(event_type)["$schema"] == DIALECT


def test_the_page_is_made_from_the_catalogue() -> None:
    written = PAGE.read_text("utf-8")
    assert written == page_with(catalogue()), "run: python -m tests.support.event_docs"


def _example(event_type: EventType) -> dict[str, Any]:
    example: dict[str, Any] = msgspec.to_builtins(event_example(event_type))
    return example


def _broken(example: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the example without each required field in turn, and of another type."""
    data = example["data"]
    without = [
        {name: value for name, value in example.items() if name != gone}
        for gone in schema["required"]
    ]
    without += [
        example | {"data": {name: value for name, value in data.items() if name != gone}}
        for gone in schema["properties"]["data"]["required"]
    ]
    return [*without, example | {"type": "other.type"}]

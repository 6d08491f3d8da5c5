"""What the catalogue of events looks like from outside: a JSON Schema and an example per type."""

import inspect
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.contracts.event_catalog import CATALOG, PublicEvent, public_event
from shared.contracts.events import EventType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_RESOURCE: Final = UUID("01936b2e-7a1c-7cc0-8f2a-3d5e6f708190")
_EVENT: Final = UUID("01936b2e-7a1d-7f3b-9c4e-5a6b7c8d9e0f")
_MOMENT: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
"""Of every example."""


def meaning(event_type: EventType) -> str:
    """Return in one sentence what a type of event says."""
    return (inspect.getdoc(CATALOG[event_type].data) or "").replace("\n", " ")


def event_schema(event_type: EventType) -> dict[str, Any]:
    """Return the JSON Schema of an event of this type, as the feed and webhooks carry it."""
    envelope = _object(PublicEvent)
    envelope["properties"] |= {
        "type": {"const": event_type.value},
        "data": _object(CATALOG[event_type].data),
    }
    envelope["properties"]["data"]["properties"]["resource"] = {
        "const": CATALOG[event_type].resource
    }
    return {"$schema": DIALECT, "title": event_type.value, **envelope}


def event_example(event_type: EventType) -> PublicEvent:
    """Return an event of this type; a test has no place in the feed."""
    place = 0 if event_type is EventType.TEST_PING else 1
    return public_event(
        event_id=_EVENT,
        event_type=event_type,
        resource_id=_RESOURCE,
        sequence=place,
        position=place,
        occurred_at=_MOMENT,
        facts=CATALOG[event_type].example,
    )


def _object(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of a Struct of plain values; consumers must tolerate further fields."""
    _, components = msgspec.json.schema_components([kind])
    schema = dict(components[kind.__name__])
    return {
        "type": "object",
        "description": schema.get("description", ""),
        "properties": dict(schema["properties"]),
        "required": list(schema["required"]),
    }

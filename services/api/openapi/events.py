"""The `webhooks` section: one entry per type of event of the catalogue."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from services.api.openapi.meanings import plain
from services.api.openapi.schemas import Schemas
from shared.contracts.event_catalog import CATALOG, Kind, PublicEvent, public_event
from shared.contracts.events import EventType

Json = dict[str, Any]

_EVENT_ID: Final = UUID("019a7a48-97e8-7000-8f60-1a2b3c4d5e6f")
_RESOURCE_ID: Final = UUID("019a7a48-5c10-7000-9a3b-7f6e5d4c3b2a")
_MOMENT: Final = datetime(2026, 11, 19, 9, 30, 12, 250_000, tzinfo=UTC)

_HEADERS: Final = (
    (
        "webhook-id",
        "The id of the event, the same on every retry: drop what you have already had.",
        {"type": "string", "maxLength": 30, "pattern": "^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$"},
        "evt_01k9x4h5z8e00rytga5cy4wqkf",
    ),
    (
        "webhook-timestamp",
        "When this attempt was made, seconds since 1970. Refuse what is older than 5 minutes.",
        {"type": "string", "maxLength": 20, "pattern": "^[0-9]+$"},
        "1795080612",
    ),
    (
        "webhook-signature",
        (
            "Signatures of `id.timestamp.body`, separated by spaces: `v1,` HMAC-SHA256 by the "
            "endpoint's secret, `v1a,` Ed25519 by the tenant's key (Standard Webhooks). One that "
            "fits is enough."
        ),
        {"type": "string", "maxLength": 2000, "pattern": "^v1a?,"},
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
)


def event_types() -> list[Any]:
    """Return the types that the section refers to."""
    return [PublicEvent, *{kind.data: None for kind in CATALOG.values()}]


def webhooks(schemas: Schemas) -> Json:
    """Return the section."""
    return {each.value: {"post": _delivery(each, kind, schemas)} for each, kind in CATALOG.items()}


def _delivery(event_type: EventType, kind: Kind, schemas: Schemas) -> Json:
    meaning = plain(kind.data.__doc__ or "")
    name = event_type.value.replace(".", "_")
    return {
        "operationId": f"on_{name}",
        "summary": meaning,
        "description": f"{meaning}\n\nSent to every enabled endpoint that wants "
        f"`{event_type.value}`. Delivered at least once, in no promised order: `sequence` orders "
        "the events of a resource. Answer within 15 seconds; what you answer is not read beyond "
        "its status.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": schema,
                "example": example,
            }
            for header, text, schema, example in _HEADERS
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": event_schema(event_type, kind, schemas),
                    "examples": {
                        name: {
                            "summary": meaning,
                            "value": msgspec.to_builtins(event_example(event_type)),
                        }
                    },
                }
            },
        },
        "responses": {
            "2XX": {"description": "Received. Everything else is tried again."},
            "4XX": {"description": "`410`: the endpoint is switched off. Others are tried again."},
        },
    }


def event_schema(event_type: EventType, kind: Kind, schemas: Schemas) -> Json:
    """Return the schema of the events of one type."""
    shape = schemas.resolved(schemas.of(PublicEvent))
    narrowed = {
        "type": {"type": "string", "const": event_type.value},
        "data": schemas.of(kind.data),
    }
    return {
        "type": "object",
        "properties": {**shape["properties"], **narrowed},
        "required": shape["required"],
    }


def event_example(event_type: EventType) -> PublicEvent:
    """Return an event of this type."""
    return public_event(
        event_id=_EVENT_ID,
        event_type=event_type,
        resource_id=_RESOURCE_ID,
        sequence=3,
        position=1841,
        occurred_at=_MOMENT,
        facts=CATALOG[event_type].example,
    )

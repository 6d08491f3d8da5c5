"""Requests and answers of `/v1/events` and `/v1/event_types`."""

from typing import Annotated, Any, Final

import msgspec

from services.api.events.catalog import event_example, event_schema, meaning
from services.api.events.service import Slice
from services.api.paging import MOST_ASKED
from shared.contracts.event_catalog import CATALOG, PREFIXES, PublicEvent
from shared.contracts.events import EventType

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500

MAX_POSITION: Final = 2**53 - 1
"""What every JSON reader takes for the same integer."""

_ID_BODY: Final = "[0-7][0-9a-hjkmnp-tv-z]{25}"

EventResourceId = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^({'|'.join(PREFIXES.values())})_{_ID_BODY}$",
        max_length=30,
        description="Only events of this resource.",
    ),
]


class FeedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to go on, and filters."""

    after: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=MAX_POSITION,
            description="The `next_after` of the answer before; 0 for the oldest that are kept.",
        ),
    ] = 0
    limit: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=MOST_ASKED, description="How many to return; more than 500 means 500."
        ),
    ] = DEFAULT_LIMIT
    type: EventType | None = None
    resource_id: EventResourceId | None = None


class FeedView(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the feed, in order of `position`."""

    data: list[PublicEvent]
    """May be empty while `has_more`: filters and bounds leave out what was looked at."""
    next_after: int
    """Where to go on: the next `after`. It moves past what was left out, too."""
    has_more: bool
    """False when you are at the end for now."""
    skipped: int
    """How many positions right after `after` are older than 30 days and not here any more."""

    @classmethod
    def of(cls, found: Slice) -> "FeedView":
        """Return the public form."""
        return cls(
            data=found.events,
            next_after=found.next_after,
            has_more=found.has_more,
            skipped=found.skipped,
        )


class EventTypeView(msgspec.Struct, frozen=True, kw_only=True):
    """A type of event."""

    type: str
    resource: str
    """What it is about."""
    description: str
    json_schema: dict[str, Any]
    """JSON Schema (2020-12) of a whole event; fields may be added, never changed."""
    example: PublicEvent

    @classmethod
    def of(cls, event_type: EventType) -> "EventTypeView":
        """Return the public form."""
        return cls(
            type=event_type.value,
            resource=CATALOG[event_type].resource,
            description=meaning(event_type),
            json_schema=event_schema(event_type),
            example=event_example(event_type),
        )


class EventTypesView(msgspec.Struct, frozen=True, kw_only=True):
    """Every type of event."""

    data: list[EventTypeView]

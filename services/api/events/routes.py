"""HTTP face of the feed of events."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.events.schemas import (
    MAX_LIMIT,
    EventTypesView,
    EventTypeView,
    FeedQuery,
    FeedView,
)
from services.api.events.service import About, EventService, Wanted, resource_of
from services.api.waiting import applied, wait_until
from shared.contracts.event_catalog import CATALOG
from shared.ids import parse_id

READ = "events:read"


class EventRoutes:
    """`/v1/events` and `/v1/event_types`."""

    def __init__(self, events: EventService) -> None:
        self._events = events
        self._types = EventTypesView(data=[EventTypeView.of(each) for each in CATALOG])

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/events",
            scope=READ,
            query=FeedQuery,
            answers={200: FeedView},
        )
    )
    async def list_events(self, call: Call) -> Answer:
        """Read events in order, each exactly once, from any position of the last 30 days.

        Go on with `after` = `next_after`. A key without bounds sees every position, without gaps;
        a bound key and filters leave some out, and `next_after` moves past them. At the end of the
        feed, `Prefer: wait=N` waits for what comes next.
        """
        query: FeedQuery = call.query
        wanted = Wanted(
            after=query.after,
            limit=min(query.limit, MAX_LIMIT),
            event_type=query.type,
            about=None if query.resource_id is None else _about(query.resource_id),
        )
        found = await wait_until(
            lambda: self._events.feed(call.principal, wanted),
            lambda seen: bool(seen.events) or seen.has_more,
            call.wait_s,
        )
        return Answer(body=FeedView.of(found), headers=applied(call.wait_s))

    @endpoint(
        Endpoint(method="GET", path="/v1/event_types", scope=READ, answers={200: EventTypesView})
    )
    async def list_event_types(self, call: Call) -> Answer:
        """List every type of event with its JSON Schema and an example."""
        return Answer(body=self._types)


def _about(text: str) -> About:
    prefix = text.partition("_")[0]
    return About(resource=resource_of(prefix), resource_id=parse_id(prefix, text))

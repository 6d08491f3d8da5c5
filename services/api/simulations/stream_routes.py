"""HTTP face of the stream of a simulation."""

from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.simulations.stream_schemas import EVENTS, StreamQuery
from services.api.simulations.stream_service import OBSERVE, StreamService
from services.api.streams.position import read_position
from shared.errors import NotFoundError, ValidationFailedError
from shared.telemetry import catalog


class StreamRoutes:
    """`/v1/simulations/{simulation_id}/events`."""

    def __init__(self, streams: StreamService) -> None:
        self._streams = streams

    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/simulations/{simulation_id:sim}/events",
            scope=OBSERVE,
            query=StreamQuery,
            answers={200: str, 204: None},
            events=EVENTS,
            problems=(NotFoundError, ValidationFailedError),
            audited="transcript.read",
        )
    )
    async def stream_simulation(self, call: Call) -> Answer:
        """Follow a conversation as it happens, until it is scored.

        Server-sent events. Go on where you were with `Last-Event-ID` or `after`; 204 says that
        nothing will follow what you have.
        """
        query: StreamQuery = call.query
        after = read_position(call.header(b"last-event-id"), query.after)
        stream = await self._streams.follow(call, call.ids["simulation_id"], after)
        catalog.STREAM_RESUMES.add("over" if stream is None else "resumed" if after else "new")
        if stream is None:
            return Answer(body=None, status=204)
        return Answer(body=None, stream=stream)

"""What handlers answer, and how it becomes HTTP."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import HTTPScope, Receive, Scope, Send
from typing_extensions import override

from services.api.paging import Page


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a handler answers."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    replayed: bool = False
    """An earlier request with the same key did the work."""
    stream: AsyncIterator[bytes] | None = None
    """Server-sent events, already encoded, in place of the body. The iterator is closed when the
    client leaves.
    """
    media_type: str = "text/event-stream"
    """Of the stream."""


_JSON: Final = (b"content-type", b"application/json")

_STREAM: Final = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    # It may end because its process ends: who reads must not come back on the same connection.
    "Connection": "close",
}

NO_CONTENT: Final = 204
"""The one status of ours that has no body."""


class JsonResponse(ASGIResponse):
    """A JSON answer, sent without the framework's general machinery: every request pays for it."""

    def __init__(self, body: Any, status: int, headers: Mapping[str, str]) -> None:
        self.status_code = status
        said = [(name.lower().encode(), text.encode("latin-1")) for name, text in headers.items()]
        if status == NO_CONTENT:
            self.body = b""
        else:
            self.body = msgspec.json.encode(body)
            said += (_JSON, (b"content-length", b"%d" % len(self.body)))
        self._said = said

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": self.status_code, "headers": self._said}
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def respond(answer: Answer) -> ASGIResponse:
    """Return the HTTP form of an answer."""
    headers = answer.headers
    if answer.replayed:
        headers = {**headers, "Idempotent-Replayed": "true"}
    if answer.stream is not None:
        return ASGIStreamingResponse(
            iterator=answer.stream,
            status_code=answer.status,
            media_type=answer.media_type,
            headers={**headers, **_STREAM},
        )
    return JsonResponse(answer.body, answer.status, headers)


def linked(answer: Answer, scope: HTTPScope) -> Answer:
    """Return the answer with the link to its next page (RFC 8288), where there is one."""
    if not isinstance(answer.body, Page) or answer.body.next_cursor is None:
        return answer
    asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    asked = [(name, value) for name, value in asked if name != "cursor"]
    following = urlencode([*asked, ("cursor", answer.body.next_cursor)])
    link = f'<{scope["path"]}?{following}>; rel="next"'
    return dataclasses.replace(answer, headers={**answer.headers, "Link": link})

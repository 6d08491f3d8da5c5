"""Server-sent events as bytes (WHATWG, "Server-sent events")."""

from typing import Final

import msgspec

MEDIA_TYPE: Final = "text/event-stream"

RETRY_MS: Final = 1000
"""Milliseconds until a client that lost the stream connects again."""

OPENING: Final = f"retry: {RETRY_MS}\n\n".encode()
"""The first bytes of every stream."""

HEARTBEAT: Final = b": still here\n\n"
"""A comment: clients ignore it, proxies see that the connection lives."""


class Nothing(msgspec.Struct, frozen=True):
    """Data of an event whose name says it all."""


def encode_event(name: str, data: msgspec.Struct, event_id: str | None = None) -> bytes:
    """Return an event; one with an id is where a client can go on later.

    JSON text has no line breaks of its own, so the data is one line.
    """
    head = b"" if event_id is None else b"id: " + event_id.encode() + b"\n"
    return head + b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def accepts_stream(accept: str | None) -> bool:
    """Say whether an `Accept` header asks for server-sent events."""
    offered = (accept or "").split(",")
    return any(each.partition(";")[0].strip().lower() == MEDIA_TYPE for each in offered)

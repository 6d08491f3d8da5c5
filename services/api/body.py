"""Reading a request's body within the limits of size and time."""

import asyncio
from typing import Any, Final

import msgspec
from litestar.types import Receive

from services.api.validation import decode_json, validate
from shared.errors import PayloadTooLargeError, RequestTimeoutError, UnsupportedMediaTypeError

MAX_BODY_BYTES: Final = 1024 * 1024
"""Largest body where the endpoint says nothing else, 1 MiB: a transcript of 500 long turns fits."""

BODY_WAIT_S: Final = 30
"""Seconds until the whole body is here: who sends slower than that holds us up."""


def check_media_type(content_type: str | None) -> None:
    """Check that a body is JSON by its own header.

    Raises:
        UnsupportedMediaTypeError: no header, another type, or a charset other than UTF-8.
    """
    media_type, _, parameters = (content_type or "").lower().partition(";")
    charset = parameters.replace(" ", "").removeprefix("charset=").strip('"')
    if media_type.strip() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise UnsupportedMediaTypeError


async def read_body(
    receive: Receive, content_length: str | None, limit: int = MAX_BODY_BYTES
) -> bytes:
    """Return the whole body, of `limit` bytes at most.

    Raises:
        PayloadTooLargeError: over the limit, by its header or while it streams in.
        RequestTimeoutError: it took longer than `BODY_WAIT_S` to arrive.
    """
    if content_length is not None and content_length.isdigit():
        _check(int(content_length), limit)
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            return await _collect(receive, limit)
    except TimeoutError:
        raise RequestTimeoutError from None


async def _collect(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client left: whatever came is all there is
            break
        part = message.get("body", b"")
        size += len(part)
        _check(size, limit)
        parts.append(part)
        if not message.get("more_body", False):
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise PayloadTooLargeError(f"A body may have {limit} bytes")


async def decode_body(text: bytes, kind: type[msgspec.Struct]) -> tuple[Any, msgspec.Struct]:
    """Return a body as plain values and as its type; a big one is read beside the event loop."""
    if len(text) > MAX_BODY_BYTES:
        return await asyncio.to_thread(_decode, text, kind)
    return _decode(text, kind)


def _decode(text: bytes, kind: type[msgspec.Struct]) -> tuple[Any, msgspec.Struct]:
    raw = decode_json(text)
    return raw, validate(raw, kind)

"""How an answer goes over the wire: its pieces, their pace, and how it all ends."""

import zlib
from typing import Final, Literal

import msgspec

from infra.llm_fake import bodies
from infra.llm_fake.answering import Reply
from infra.llm_fake.asking import Ask
from infra.llm_fake.script import Answer, Fault, Oddity, Script

Framing = Literal["length", "chunked", "until_close"]
Ending = Literal["keep", "close", "reset", "silent"]

JSON: Final = "Content-Type: application/json"
EVENTS: Final = "Content-Type: text/event-stream; charset=utf-8"

SPLITS: Final = (1, 2, 3, 5, 7)
"""Sizes in bytes of pieces that tear everything apart, in turn."""

_BROKEN: Final = b'{"id":"chatcmpl-broken","choices":[{"index":0,"delta":{"content":"half'


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An answer ready to be sent."""

    status: int
    headers: tuple[str, ...]
    """Lines without their ends."""
    pieces: tuple[bytes, ...]
    framing: Framing = "length"
    length: int | None = None
    """What the head claims; default: the truth."""
    ending: Ending = "keep"
    latency_s: float = 0
    gap_s: float = 0
    """Between pieces."""
    is_whole: bool = True
    """False: each piece is written apart from the others."""
    is_raw: bool = False
    """True: there is no head, only the pieces."""


def refusal(status: int, body: bytes, *headers: str) -> Delivery:
    """Return an answer that no rule had a part in."""
    return Delivery(status=status, headers=(JSON, *headers), pieces=(body,))


def delivery(
    ask: Ask, reply: Reply, answer: Answer, ids: tuple[str, str], script: Script
) -> Delivery:
    """Return the answer as the rule wants it sent."""
    latency_ms = script.latency_ms if answer.latency_ms is None else answer.latency_ms
    is_stream = ask.is_stream and Oddity.NO_STREAM not in answer.oddities
    is_stream = is_stream or Oddity.AS_STREAM in answer.oddities
    if answer.status >= 300:
        sent = _error(answer)
    elif is_stream and answer.body is None:
        sent = _stream(ask, reply, answer, ids)
    else:
        sent = _plain(bodies.plain(ask, reply, answer, ids), answer)
    delta_ms = script.delta_ms if answer.delta_ms is None else answer.delta_ms
    gap_s = delta_ms / 1000 if is_stream else 0.0
    headers = tuple(f"{name}: {value}" for name, value in answer.headers.items())
    sent = msgspec.structs.replace(
        sent,
        headers=(*sent.headers, f"x-request-id: req-{ids[0][9:]}", *headers),
        latency_s=latency_ms / 1000,
        gap_s=gap_s,
        is_whole=sent.is_whole and gap_s == 0,
    )
    return _slowed(_broken(sent, answer), answer)


def _error(answer: Answer) -> Delivery:
    wait = () if answer.retry_after is None else (f"Retry-After: {_seconds(answer.retry_after)}",)
    body = answer.body.encode() if answer.body is not None else None
    if body is None:
        body = bodies.error(answer.status, answer.error)
    if answer.fault is Fault.MALFORMED:
        body = b"<html><body><h1>upstream error</h1>"
    return Delivery(status=answer.status, headers=(JSON, *wait), pieces=(body,))


def _seconds(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _plain(body: bytes, answer: Answer) -> Delivery:
    headers: tuple[str, ...] = (JSON,)
    if answer.fault is Fault.BOMB:
        body, headers = _squeezed(body), (JSON, "Content-Encoding: gzip")
    size = len(body)
    framing: Framing = "length"
    if Oddity.CHUNKED in answer.oddities:
        framing = "chunked"
    elif Oddity.UNTIL_CLOSE in answer.oddities:
        framing = "until_close"
    is_torn = Oddity.SPLIT in answer.oddities
    return Delivery(
        status=answer.status,
        headers=headers,
        pieces=tuple(_torn(body)) if is_torn else (body,),
        framing=framing,
        length=size,
        is_whole=not is_torn,
    )


def _stream(ask: Ask, reply: Reply, answer: Answer, ids: tuple[str, str]) -> Delivery:
    said = bodies.events(ask, reply, answer, ids)
    point = bodies.cut_point(ask, answer, len(said))
    if answer.fault is Fault.MALFORMED:
        said[point] = _BROKEN
    if answer.fault is Fault.ERROR_EVENT:
        said = [*said[:point], bodies.error(500, answer.error)]
    if answer.fault in {Fault.CUT, Fault.RESET_AFTER, Fault.SILENT}:
        said = said[:point]
    pieces = _written(said, set(answer.oddities))
    headers: tuple[str, ...] = (EVENTS, "Cache-Control: no-cache")
    if answer.fault is Fault.BOMB:
        pieces, headers = [_squeezed(b"".join(pieces))], (*headers, "Content-Encoding: gzip")
    is_until_close = Oddity.UNTIL_CLOSE in answer.oddities
    return Delivery(
        status=answer.status,
        headers=headers,
        pieces=tuple(pieces),
        framing="until_close" if is_until_close else "chunked",
        is_whole=Oddity.SPLIT not in answer.oddities,
    )


def _written(said: list[bytes], oddities: set[Oddity]) -> list[bytes]:
    """Return the pieces that a stream of events is sent in."""
    prefix = b"data:" if Oddity.NO_SPACE in oddities else b"data: "
    if Oddity.FIELDS in oddities:
        prefix = b"event: message\nid: 1\nretry: 1000\n" + prefix
    if Oddity.COMMENTS in oddities:
        prefix = b": keep-alive\n\n:\n" + prefix
    pieces = [prefix + each + b"\n\n" for each in said]
    if Oddity.CRLF in oddities:
        pieces = [each.replace(b"\n", b"\r\n") for each in pieces]
    if Oddity.PACKED in oddities:
        pieces = [b"".join(pieces[at : at + 3]) for at in range(0, len(pieces), 3)]
    if Oddity.SPLIT in oddities:
        pieces = _torn(b"".join(pieces))
    return pieces


def _torn(body: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(body):
        size = SPLITS[len(found) % len(SPLITS)]
        found.append(body[at : at + size])
        at += size
    return found


def _squeezed(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(body) + packer.flush()


def _broken(sent: Delivery, answer: Answer) -> Delivery:
    """Return the delivery with the connection's part of a fault."""
    is_stream = sent.framing == "chunked"
    match answer.fault:
        case Fault.NOT_HTTP:
            garbage = b"\x16\x03\x01 what is HTTP?\r\n\r\n"
            return msgspec.structs.replace(sent, pieces=(garbage,), is_raw=True, ending="close")
        case Fault.HALF_OPEN:
            return msgspec.structs.replace(sent, pieces=(), is_raw=True, ending="silent")
        case Fault.RESET_BEFORE:
            return msgspec.structs.replace(sent, pieces=(), is_raw=True, ending="reset")
        case Fault.CUT:
            whole = b"".join(sent.pieces)
            kept = sent.pieces if is_stream else (whole[: len(whole) // 2],)
            return msgspec.structs.replace(sent, pieces=kept, length=len(whole), ending="close")
        case Fault.RESET_AFTER | Fault.SILENT:
            ending: Ending = "reset" if answer.fault is Fault.RESET_AFTER else "silent"
            size = sum(map(len, sent.pieces))
            kept = sent.pieces if is_stream else ()
            return msgspec.structs.replace(sent, pieces=kept, length=size, ending=ending)
        case _:
            ending = "close" if sent.framing == "until_close" else "keep"
            return msgspec.structs.replace(sent, ending=ending)


def _slowed(sent: Delivery, answer: Answer) -> Delivery:
    if answer.byte_ms is None:
        return sent
    whole = b"".join(sent.pieces)
    return msgspec.structs.replace(
        sent,
        pieces=tuple(whole[at : at + 1] for at in range(len(whole))),
        length=sent.length or len(whole),
        gap_s=answer.byte_ms / 1000,
        is_whole=False,
    )

"""Server-sent events as bytes, read back whole and in any pieces."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.streams.position import read_position
from services.api.streams.sse import HEARTBEAT, OPENING, Nothing, accepts_stream, encode_event
from shared.errors import ValidationFailedError
from tests.support.sse_client import SseEvent, SseReader


class Said(msgspec.Struct, frozen=True):
    text: str


def test_an_event_in_bytes() -> None:
    assert encode_event("turn.delta", Said("Hi"), "7") == (
        b'id: 7\nevent: turn.delta\ndata: {"text":"Hi"}\n\n'
    )
    assert encode_event("done", Nothing()) == b"event: done\ndata: {}\n\n"


@given(st.lists(st.tuples(st.text(), st.booleans()), max_size=8), st.lists(st.integers(1, 9)))
def test_any_text_survives_any_pieces(said: list[tuple[str, bool]], sizes: list[int]) -> None:
    """Line breaks of every kind, separators, quotes, emoji."""
    stream = OPENING + HEARTBEAT
    for number, (text, is_durable) in enumerate(said):
        stream += encode_event("said", Said(text), str(number) if is_durable else None) + HEARTBEAT
    reader, found = SseReader(), []
    for size in [*sizes, len(stream)]:
        found += reader.feed(stream[:size])
        stream = stream[size:]

    assert found == [
        SseEvent("said", {"text": text}, str(number) if is_durable else None)
        for number, (text, is_durable) in enumerate(said)
    ]
    assert reader.retry_ms == 1000
    assert reader.comments == len(said) + 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("text/event-stream", True),
        ("application/json;q=0.5, Text/Event-Stream ; q=1", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        (None, False),
    ],
)
def test_who_asks_for_a_stream(accept: str | None, *, expected: bool) -> None:
    assert accepts_stream(accept) is expected


def test_the_header_is_newer_than_the_address() -> None:
    assert read_position(None, None) == 0
    assert read_position(None, "12") == 12
    assert read_position(" 7 ", "12") == 7


@pytest.mark.parametrize("text", ["", "-1", "1.5", "01", "seven", "1" * 10, "\u0661"])
def test_other_positions_are_refused(text: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        read_position(text, None)
    assert refused.value.errors[0].pointer == "header:Last-Event-ID"

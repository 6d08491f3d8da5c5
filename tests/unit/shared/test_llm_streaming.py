"""Streams: however the bytes are cut, the same is heard."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.llm import WhyEmbedded
from shared.llm.failures import CallFailedError
from shared.llm.ports import StopListening
from shared.llm.streaming import LINE_MOST_BYTES, EventLines, StreamReader
from shared.llm.wire import Heard

TEXT = "Grüß Gott, 😀 it costs 5 €."


def event(**choice: object) -> bytes:
    return b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\r\n\r\n"


def whole_stream() -> bytes:
    words = [event(delta={"content": word + " "}) for word in TEXT.split()]
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}\n\n'
    head = b": hello\n\nevent: x\nid: 1\n" + event(delta={"role": "assistant", "content": ""})
    end = event(delta={}, finish_reason="stop")
    return head + b"".join(words) + end + usage + b"data: [DONE]\n\n"


async def pieces_of(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        yield data[start:end]


def read(data: bytes, cuts: list[int] | None = None, most: int = 99) -> tuple[Heard, list[str]]:
    said: list[str] = []

    async def hear(piece: str) -> None:
        said.append(piece)
        if len(said) >= most:
            raise StopListening

    async def work() -> Heard:
        reader = StreamReader(hear, asyncio.get_running_loop().time(), most_tokens=100)
        return await reader.read(pieces_of(data, cuts or []))

    return asyncio.run(work()), said


@given(st.lists(st.integers(0, 5000), max_size=60))
def test_any_cut_gives_the_same_lines(cuts: list[int]):
    data = whole_stream()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    lines, found = EventLines(), []
    for start, end in itertools.pairwise(places):
        found += lines.feed(data[start:end])
    assert [*found, *lines.end()] == list(EventLines().feed(data))
    assert len(found) == len(TEXT.split()) + 4


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_what_is_heard(size: int):
    data = whole_stream()
    heard, said = read(data, [*range(0, len(data), size)])
    assert heard.text == TEXT + " "
    assert "".join(said) == heard.text
    assert heard.finish_reason == "stop"
    assert heard.usage is not None
    assert (heard.usage.input_tokens, heard.usage.output_tokens) == (9, 4)
    assert heard.first_delta_s is not None
    assert not heard.is_cut


def test_a_listener_that_has_heard_enough_ends_it():
    heard, said = read(whole_stream(), most=2)
    assert heard.is_cut
    assert heard.text == "".join(said) == "Grüß Gott, "


@pytest.mark.parametrize("missing", [b"data: [DONE]\n\n", b'"finish_reason":"stop"'])
def test_one_sign_of_the_end_is_enough(missing: bytes):
    heard, _ = read(
        whole_stream().replace(missing, b'"finish_reason":null' if b"fin" in missing else b"")
    )
    assert heard.text == TEXT + " "


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (event(delta={"content": "a"}), WhyEmbedded.UNREACHABLE),
        (b"", WhyEmbedded.UNREACHABLE),
        (b"data: {oops\n\n", WhyEmbedded.MALFORMED),
        (b"data: \xff\xfe\n\n", WhyEmbedded.MALFORMED),
        (b'data: {"choices":[{"delta":{"content":5}}]}\n\n', WhyEmbedded.MALFORMED),
        (b"data: " + b"x" * (LINE_MOST_BYTES + 10), WhyEmbedded.MALFORMED),
        (event(delta={"content": "x" * 5000}), WhyEmbedded.MALFORMED),
        (b'data: {"error":{"message":"overloaded"}}\n\n', WhyEmbedded.SERVER_ERROR),
    ],
)
def test_streams_that_are_none(data: bytes, why: WhyEmbedded):
    with pytest.raises(CallFailedError) as failed:
        read(data)
    assert failed.value.why is why
    assert failed.value.is_spent


def test_a_refusal_in_pieces_is_one():
    heard, said = read(
        event(delta={"refusal": "I ca"}) + event(delta={"refusal": "n't"}, finish_reason="stop")
    )
    assert heard.is_refused
    assert heard.failure is WhyEmbedded.REFUSED
    assert said == []


def test_a_last_line_without_a_break_counts():
    heard, _ = read(event(delta={"content": "hi"}) + b"data: [DONE]")
    assert heard.text == "hi"


def test_usage_that_cannot_be_true_is_not_believed():
    lie = b'data: {"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":4}}\n\n'
    heard, _ = read(event(delta={"content": "hi"}, finish_reason="stop") + lie)
    assert heard.usage is None

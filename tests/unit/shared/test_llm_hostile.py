"""Endpoints that answer what no client expects: there is a reason, or an answer, and never a crash."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from shared.contracts.llm import WhyEmbedded
from shared.llm.gateway import Gateway
from shared.llm.ports import ModelFailedError
from shared.llm.structured import Reading
from shared.llm.wire import OTHER
from tests.support.llm import Answer, Fault, answering, endpoint
from tests.support.llm_gateway import MemoryLedger, asking, in_memory, tenant_model

GOOD = b'{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}'
DEEP = b"[" * 100_000 + b"]" * 100_000


@asynccontextmanager
async def says(
    status: int, kind: bytes, body: bytes
) -> AsyncIterator[tuple[Gateway, MemoryLedger]]:
    """A gateway to a server that sends the same bytes to everybody."""
    head = b"HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        length = int(request.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(head % (status, kind, len(body)) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ledger = MemoryLedger()
    model = in_memory(tenant_model(f"http://127.0.0.1:{port}/v1"), ledger)
    try:
        yield model, ledger
    finally:
        await model.close()
        server.close()
        await server.wait_closed()


async def hear(piece: str) -> None:
    """Listen to nothing."""


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind", "body", "why"),
    [
        (200, "application/json; x=é".encode(), GOOD, None),
        (200, b"application/json; x=\xff", GOOD, None),
        (200, b"application/json; charset=zip", GOOD, None),
        (400, b"text/plain; charset=zip", b"no", WhyEmbedded.REJECTED),
        (500, "text/plain; x=é".encode(), b"no", WhyEmbedded.SERVER_ERROR),
        (200, b"application/json", b'{"choices":[],"x":' + DEEP + b"}", WhyEmbedded.MALFORMED),
        (200, b"text/event-stream", b'data: {"error":' + DEEP + b"}\n\n", WhyEmbedded.MALFORMED),
        (422, b"application/json", DEEP, WhyEmbedded.REJECTED),
    ],
    ids=[
        "letters",
        "bytes",
        "alphabet",
        "bad alphabet",
        "bad letters",
        "deep",
        "event",
        "bad deep",
    ],
)
async def test_there_is_an_answer_or_a_reason(
    status: int,
    kind: bytes,
    body: bytes,
    why: WhyEmbedded | None,
    is_stream: bool,  # noqa: FBT001
):
    async with says(status, kind, body) as (model, ledger):
        found: str | WhyEmbedded
        try:
            found = (await model.chat(asking(), hear if is_stream else None)).text
        except ModelFailedError as failed:
            found = failed.why
        assert found == (why or "Hello.")
        assert [outcome.failure for outcome in ledger.outcomes] == [why]


class Point(msgspec.Struct, frozen=True):
    x: int


async def test_an_answer_too_deep_to_read_is_of_the_wrong_form():
    async with endpoint(answering(text='{"x": 1, "y": ' + DEEP.decode() + "}")) as fake:
        model = in_memory(tenant_model(fake.url))
        with pytest.raises(ModelFailedError) as failed:
            await model.structured(asking(), Point)
        await model.close()
    assert failed.value.why is WhyEmbedded.MALFORMED


@pytest.mark.parametrize(
    ("said", "kept"),
    [("end_turn", "end_turn"), ("\0", OTHER), ("x" * 1000, OTHER), ("sto p", OTHER), ("", "")],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_finish_reason_is_a_word(said: str, kept: str, is_stream: bool):  # noqa: FBT001
    choice = {"message": {"content": "Hi."}, "delta": {"content": "Hi."}, "finish_reason": said}
    body = msgspec.json.encode({"choices": [choice]})
    kind = b"application/json"
    if is_stream:
        kind, body = b"text/event-stream", b"data: " + body + b"\n\ndata: [DONE]\n\n"
    async with says(200, kind, body) as (model, ledger):
        answer = await model.chat(asking(), hear if is_stream else None)
        assert answer.call.finish_reason == ledger.outcomes[0].finish_reason == kept


async def test_a_listener_that_waits_less_than_the_deadline_lets_a_silent_endpoint_rest():
    loop = asyncio.get_running_loop()
    whys = []
    async with endpoint(answering(Answer(fault=Fault.HALF_OPEN))) as fake:
        model = in_memory(tenant_model(fake.url))
        for _ in range(6):
            ends_at = loop.time() + 0.2
            with pytest.raises(ModelFailedError) as failed:
                await model.chat(asking(until=lambda at=ends_at: at), hear)
            whys.append(failed.value.why)
        await model.close()
    assert whys == [WhyEmbedded.TIMEOUT] * 5 + [WhyEmbedded.BREAKER_OPEN]


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ('```json\n{"x": 1}\n```', True),
        ('```\n\n{"x": 1}```', True),
        ('```json {"x": 1}```', False),
        ('``` {"x": 1} ```', False),
        ('```python\n{"x": 1}\n```', False),
        ("```", False),
        ("``````", False),
        ("```\na" + " " * 100_000 + "x```", False),
    ],
    ids=["json", "plain", "one line", "bare", "another", "one", "empty", "blanks"],
)
def test_one_fence_is_taken_off_in_no_time(text: str, is_read: bool):  # noqa: FBT001
    started = time.process_time()
    assert (Reading(Point).check(text) is None) is is_read
    assert time.process_time() - started < 2


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_plain_answer_is_bounded_as_a_stream_is(is_stream: bool):  # noqa: FBT001
    body = GOOD.replace(b"Hello.", b"x" * 4001)  # a hundred tokens were allowed
    async with says(200, b"application/json", body) as (model, _):
        with pytest.raises(ModelFailedError) as failed:
            await model.chat(asking(), hear if is_stream else None)
    assert failed.value.why is WhyEmbedded.MALFORMED

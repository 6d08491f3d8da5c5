"""The scripted endpoint's faults and oddities, as a client sees them."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.llm import FakeLlm, Fault, Oddity, answering, endpoint

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
STREAM: dict[str, Any] = {**ASK, "stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint() as started:
        yield started


@pytest.fixture
async def http(fake: FakeLlm) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fake.url, trust_env=False, timeout=5) as client:
        yield client


async def chat(http: httpx.AsyncClient, body: dict[str, Any] = ASK) -> httpx.Response:
    return await http.post("/chat/completions", json=body)


def data_of(text: str) -> list[str]:
    return [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]


def heard(text: str) -> str:
    chunks = [msgspec.json.decode(data) for data in data_of(text) if data != "[DONE]"]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


async def test_refusal_and_filter(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(answering(refusal="I cannot help with that."))
    message = (await chat(http)).json()["choices"][0]["message"]
    streamed = (await chat(http, STREAM)).text

    assert message["content"] is None
    assert message["refusal"] == "I cannot help with that."
    assert '"refusal":"I "' in streamed
    fake.play(answering(text="", finish="content_filter"))
    assert (await chat(http)).json()["choices"][0]["finish_reason"] == "content_filter"


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET_AFTER])
@pytest.mark.parametrize("body", [ASK, STREAM])
async def test_broken_in_the_middle(
    fake: FakeLlm, http: httpx.AsyncClient, fault: Fault, body: dict[str, Any]
) -> None:
    fake.play(answering(text="one two three four", fault=fault))

    got: list[bytes] = []
    with pytest.raises(httpx.TransportError):
        await _hear(http, body, got)

    if body is STREAM and fault is Fault.CUT:
        assert heard(b"".join(got).decode()) == "one two "
    assert b"[DONE]" not in b"".join(got)


async def _hear(http: httpx.AsyncClient, body: dict[str, Any], got: list[bytes]) -> None:
    async with http.stream("POST", "/chat/completions", json=body) as answer:
        async for piece in answer.aiter_raw():
            got += [piece]


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.NOT_HTTP])
async def test_no_answer_at_all(fake: FakeLlm, http: httpx.AsyncClient, fault: Fault) -> None:
    fake.play(answering(fault=fault))

    with pytest.raises(httpx.TransportError):
        await chat(http)


@pytest.mark.parametrize("fault", [Fault.HALF_OPEN, Fault.SILENT])
@pytest.mark.parametrize("body", [ASK, STREAM])
async def test_silence_until_the_client_hangs_up(
    fake: FakeLlm, http: httpx.AsyncClient, fault: Fault, body: dict[str, Any]
) -> None:
    fake.play(answering(text="one two three", fault=fault))
    ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    fake.on_asked = lambda asked: ended.set_result(asked.is_heard)

    with pytest.raises(httpx.ReadTimeout):
        await http.post("/chat/completions", json=body, timeout=0.1)

    assert await asyncio.wait_for(ended, 5) is False
    assert fake.in_flight == 0


@pytest.mark.parametrize("body", [ASK, STREAM])
async def test_malformed(fake: FakeLlm, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    fake.play(answering(text="one two three four", fault=Fault.MALFORMED))

    answer = await chat(http, body)

    events = data_of(answer.text) if body is STREAM else [answer.text]
    broken = [each for each in events if each != "[DONE]" and not _is_json(each)]
    assert len(broken) == 1


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


async def test_endings_of_streams(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(answering(text="one two three", fault=Fault.NO_END))
    no_end = (await chat(http, STREAM)).text
    fake.play(answering(text="one two three", fault=Fault.ERROR_EVENT, after_deltas=1))
    error = (await chat(http, STREAM)).text

    assert heard(no_end) == "one two three"
    assert "[DONE]" not in no_end
    assert '"finish_reason":"stop"' not in no_end
    *before, last = data_of(error)
    assert msgspec.json.decode(last)["error"]["type"] == "server_error"
    assert "one " in before[-1]


async def test_huge_and_squeezed(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(answering(fault=Fault.HUGE))
    assert len((await chat(http)).content) > 10_000_000
    assert len((await chat(http, STREAM)).content) > 10_000_000
    fake.play(answering(fault=Fault.BOMB, size_bytes=1_000_000))
    async with http.stream("POST", "/chat/completions", json=ASK) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])

    assert len(raw) < 5000
    assert len(gzip.decompress(raw)) > 1_000_000


@pytest.mark.parametrize("oddity", Oddity)
@pytest.mark.parametrize("body", [ASK, STREAM])
async def test_oddities_change_nothing(
    fake: FakeLlm, http: httpx.AsyncClient, oddity: Oddity, body: dict[str, Any]
) -> None:
    fake.play(answering(text="Grüße aus Köln, 5 €", oddities=(oddity,)))

    answer = await chat(http, body)

    is_stream = (body is STREAM or oddity is Oddity.AS_STREAM) and oddity is not Oddity.NO_STREAM
    text = heard(answer.text) if is_stream else ""
    said = text or answer.json()["choices"][0]["message"]["content"]
    assert said == "Grüße aus Köln, 5 €"


async def test_pieces_that_are_torn_arrive_apart(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(answering(text="öäü", delta="whole", oddities=(Oddity.SPLIT,)))
    async with http.stream("POST", "/chat/completions", json=STREAM) as answer:
        sizes = [len(piece) async for piece in answer.aiter_raw()]

    assert len(sizes) > 20

"""The scripted endpoint over a socket: protocol, keys, counting, faults of the connection."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import openai
import pytest

from tests.support.llm import (
    Answer,
    FakeLlm,
    Match,
    Rule,
    Script,
    answering,
    endpoint,
    process,
    threaded,
)

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


async def test_a_plain_answer(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    answer = await chat(http)

    body = answer.json()
    assert answer.status_code == 200
    assert body["object"] == "chat.completion"
    assert "Where is it?" in body["choices"][0]["message"]["content"]
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == (
        body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    )
    assert body["system_fingerprint"].startswith("fp_")
    assert fake.asked[0].json() == ASK
    assert (fake.count, fake.in_flight, fake.by_rule) == (1, 0, {"auto": 1})


async def test_a_stream_says_the_same_with_usage_at_the_end(
    fake: FakeLlm, http: httpx.AsyncClient
) -> None:
    fake.play(answering(text="It is on its way."))

    answer = await chat(http, STREAM)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert heard(answer.text) == "It is on its way."
    *_, usage, done = data_of(answer.text)
    assert done == "[DONE]"
    assert msgspec.json.decode(usage)["usage"]["completion_tokens"] > 0
    assert msgspec.json.decode(usage)["choices"] == []


async def test_no_usage_in_a_stream_unless_asked(http: httpx.AsyncClient) -> None:
    answer = await chat(http, {**ASK, "stream": True})

    assert "usage" not in answer.text


async def test_the_openai_client_understands_it(fake: FakeLlm) -> None:
    fake.play(answering(text="Fünf Tage, I think."))
    async with openai.AsyncOpenAI(base_url=fake.url, api_key="k", max_retries=0) as client:
        whole = await client.chat.completions.create(**ASK)
        stream = await client.chat.completions.create(**ASK, stream=True)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        names = [model.id async for model in client.models.list()]

    assert whole.choices[0].message.content == "".join(pieces) == "Fünf Tage, I think."
    assert names == ["fake-1"]


async def test_the_azure_client_understands_it(fake: FakeLlm) -> None:
    fake.play(Script(key="azure-key", rules=(Rule(answer=Answer(text="Hello.")),)))
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=fake.azure_url, api_key="azure-key", api_version="2024-10-21", max_retries=0
    ) as client:
        whole = await client.chat.completions.create(**{**ASK, "model": "my-deployment"})

    assert whole.choices[0].message.content == "Hello."
    assert fake.asked[0].path == "/openai/deployments/my-deployment/chat/completions"


async def test_azure_wants_its_version(fake: FakeLlm) -> None:
    async with httpx.AsyncClient(base_url=fake.azure_url, trust_env=False) as http:
        answer = await http.post("/openai/deployments/d/chat/completions", json=ASK)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer right"}, 200),
        ({"api-key": "right"}, 200),
    ],
)
async def test_a_key(
    fake: FakeLlm, http: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    fake.play(Script(key="right"))

    answer = await http.post("/chat/completions", json=ASK, headers=headers)

    assert answer.status_code == status
    assert (await http.get("/models", headers=headers)).status_code == status


async def test_models_that_are_not_listed(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(Script(models=("small",), is_strict=True))

    answer = await chat(http)

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "parse"),
        (b"\xff", "parse"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":[]}', "empty"),
        (b'{"messages":[{"role":"user","content":"x"}]}', "model"),
        (msgspec.json.encode({**ASK, "temperature": 3}), "temperature"),
        (msgspec.json.encode({**ASK, "n": 2}), "one choice"),
        (msgspec.json.encode({**ASK, "stream_options": {"include_usage": True}}), "stream"),
        (msgspec.json.encode({**ASK, "response_format": {"type": "json_object"}}), "'json'"),
        (msgspec.json.encode({**ASK, "max_tokens": 0}), "at least 1"),
    ],
)
async def test_wrong_requests(http: httpx.AsyncClient, body: bytes, says: str) -> None:
    answer = await http.post("/chat/completions", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert says in answer.json()["error"]["message"]


async def test_unknown_addresses_and_methods(http: httpx.AsyncClient) -> None:
    assert (await http.get("/nothing")).status_code == 404
    assert (await http.get("/chat/completions")).status_code == 405
    assert (await http.post("/models")).status_code == 405


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [ASK, STREAM])
async def test_every_status(
    fake: FakeLlm, http: httpx.AsyncClient, status: int, body: dict[str, Any]
) -> None:
    fake.play(answering(status=status, retry_after=7 if status == 429 else None))

    answer = await chat(http, body)

    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)


async def test_the_same_seed_script_and_requests_give_the_same_bytes() -> None:
    script = Script(seed=5, rules=(Rule(match=Match(chance=0.5), answer=Answer(status=503)),))

    async def play() -> list[bytes]:
        async with (
            endpoint(script) as fake,
            httpx.AsyncClient(base_url=fake.url, trust_env=False) as http,
        ):
            bodies = [{**ASK, "user": str(n % 7)} for n in range(30)]
            return [(await chat(http, body)).content for body in bodies]

    first, second = await play(), await play()
    assert first == second
    failed = sum(b'"error"' in body for body in first)
    assert 5 <= failed <= 25


async def test_a_seed_repeats_and_none_varies(http: httpx.AsyncClient) -> None:
    async def said(body: dict[str, Any]) -> set[str]:
        answers = [await chat(http, body) for _ in range(12)]
        return {each.json()["choices"][0]["message"]["content"] for each in answers}

    assert len(await said({**ASK, "seed": 3})) == 1
    assert len(await said(ASK)) > 1


async def test_a_limit_on_tokens_cuts(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    fake.play(answering(text="one two three four five six seven"))

    answer = await chat(http, {**ASK, "max_completion_tokens": 2})

    choice = answer.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("one two ", "length")


async def test_pace(fake: FakeLlm, http: httpx.AsyncClient) -> None:
    loop = asyncio.get_running_loop()
    fake.play(answering(text="a b c d", latency_ms=40, delta_ms=10))
    started = loop.time()
    times: list[float] = []
    async with http.stream("POST", "/chat/completions", json=STREAM) as answer:
        times = [loop.time() async for _ in answer.aiter_raw()]
    fake.play(answering(body="{}", byte_ms=10))
    before = loop.time()
    await chat(http)

    assert times[0] - started >= 0.039
    assert times[-1] - times[0] >= 0.05
    assert loop.time() - before >= 0.009


async def test_connections_are_kept_and_counted(fake: FakeLlm) -> None:
    fake.play(Script(latency_ms=30))
    limits = httpx.Limits(max_connections=5)
    async with httpx.AsyncClient(base_url=fake.url, trust_env=False, limits=limits) as http:
        await asyncio.gather(*(chat(http, {**ASK, "user": str(n)}) for n in range(20)))
        connections = fake.connections

    assert fake.count == 20
    assert fake.most_in_flight == 5
    assert connections <= 5


async def test_requests_in_one_packet_are_answered_in_order(fake: FakeLlm) -> None:
    body = msgspec.json.encode(ASK)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    fake.play(Script(rules=(Rule(answer=Answer(text="{number}", latency_ms=10)),)))
    reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
    writer.write((head + body) * 3)

    said = []
    for _ in range(3):
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        parsed = msgspec.json.decode(await reader.readexactly(length))
        said.append(parsed["choices"][0]["message"]["content"])
    writer.close()
    await writer.wait_closed()

    assert said == ["1", "2", "3"]


async def test_what_is_no_http_is_turned_away(fake: FakeLlm) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
    writer.write(b"\x16\x03\x01\r\n\r\n")

    assert (await reader.read()).startswith(b"HTTP/1.1 400")
    writer.close()
    await writer.wait_closed()


async def test_the_addresses_for_tests_in_other_processes(
    fake: FakeLlm, http: httpx.AsyncClient
) -> None:
    control = fake.azure_url
    script = msgspec.json.encode(answering(text="scripted"))
    assert (await http.put(f"{control}/fake/script", content=script)).status_code == 200
    await http.post("/chat/completions", json=ASK, headers={"Authorization": "Bearer secret"})

    counts = (await http.get(f"{control}/fake/counts")).json()
    requests = (await http.get(f"{control}/fake/requests")).text
    wrong = await http.put(f"{control}/fake/script", content=b"rules: 3")
    await http.delete(f"{control}/fake/requests")

    assert counts["requests"] == 1
    assert counts["rules"] == {"rule 1": 1}
    assert "scripted" in requests
    assert "secret" not in requests
    assert wrong.status_code == 422
    assert fake.count == 0
    assert (await http.get(f"{control}/fake/nothing")).status_code == 404


def test_in_a_thread() -> None:
    with threaded(answering(text="from a thread")) as fake:
        answers = [
            httpx.post(f"{fake.url}/chat/completions", json=ASK, trust_env=False).json()
            for _ in itertools.repeat(None, 2)
        ]

    assert fake.count == 2
    assert {each["choices"][0]["message"]["content"] for each in answers} == {"from a thread"}


def test_as_a_process(tmp_path: Path) -> None:
    with process(tmp_path, answering(text="first"), "--quiet") as fake:
        said = [_said(fake.url)]
        fake.play(answering(text="second"))
        said.append(_said(fake.url))
        counts, requests = fake.counts(), fake.requests()
        fake.clear()
        after = fake.counts()

    assert said == ["first", "second"]
    assert counts["requests"] == len(requests) == 2
    assert after["requests"] == 0


def _said(url: str) -> str:
    answer = httpx.post(f"{url}/chat/completions", json=ASK, trust_env=False).json()
    text: str = answer["choices"][0]["message"]["content"]
    return text

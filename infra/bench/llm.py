"""Group `llm`: what a call to a model costs this side of the wire, and what streaming adds."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import openai
import uvloop

from infra.bench.endpoint import scripted_endpoint
from infra.bench.http import Connection, HttpError
from infra.bench.product import ProductError, running
from infra.bench.resting import new_learner, settled
from infra.bench.rows import Report, percentile
from infra.bench.turns import LINES, SCENARIO
from infra.supervisor import UpFile
from shared.clock import SystemClock
from shared.config import Secret
from shared.contracts.llm import Message, ModelPolicy, Prompt, Task, Usage
from shared.db.sealed import SealKey
from shared.ids import Uuid7Maker
from shared.llm.endpoint import Endpoint
from shared.llm.gateway import Gateway
from shared.llm.ports import ChatRequest, Purpose
from shared.llm.records import Bounds, CallDraft, CallOutcome, Reserved, TenantModel
from shared.redaction.redacted import Redacted

CALLS: Final = 300
IN_FLIGHT: Final = 50
ROUNDS: Final = 3

LATENCY_MS: Final = 150
"""Until the endpoint's first piece; the answer comes whole, so nothing is held back."""

READERS: Final = 5
TURNS: Final = 6

SCRIPT: Final = """\
rules:
  - match: {{stream: false}}
    answer: {{text: "I have been waiting for three weeks now, and nobody calls me back."}}
  - answer: {{{pieces}}}
"""

WORD_MS: Final = 20
"""Between two words of an answer that comes bit by bit, as from a hosted model."""

WHOLE: Final = "delta: whole"
WORDS: Final = f"delta: word, delta_ms: {WORD_MS}"

MESSAGES: Final = (
    Message(role="system", content="You are a customer who is annoyed. " * 20),
    *(
        Message(role="user" if number % 2 else "assistant", content="What about my order? " * 8)
        for number in range(1, 12)
    ),
)
"""About a conversation's middle."""

TENANT: Final = UUID(int=1)


class _Free:
    """A price book of nothing, and settings that lead to one endpoint."""

    is_known = True
    listed_as = "other"

    def __init__(self, url: str) -> None:
        self._model = TenantModel(
            endpoint=Endpoint(base_url=url, key=Secret("sk-bench")),
            is_own=False,
            policy=ModelPolicy(is_redacted=False),
            fallback_model="fake-1",
            bounds=Bounds(
                monthly_microusd=None,
                installation_microusd=None,
                simulation_microusd=None,
                scoring_microusd=None,
                max_in_flight=IN_FLIGHT,
            ),
            prices=self,
        )

    async def find(self, _tenant_id: UUID) -> TenantModel:
        return self._model

    def price(self, _model: str, _host: str, _when: datetime) -> "_Free":
        return self

    def cost_microusd(self, _usage: Usage) -> int:
        return 0

    def most_microusd(self, _input_tokens: int, _max_output_tokens: int) -> int:
        return 0


class _NoMoney:
    """A ledger that costs nothing: money is measured with the batch."""

    async def reserve(self, draft: CallDraft) -> Reserved:
        return Reserved(draft=draft)

    async def settle(self, reserved: Reserved, outcome: CallOutcome, answer: bytes | None) -> None:
        """Keep nothing."""

    async def close(self) -> None:
        """Nothing is pending."""

    def redact(
        self, texts: Sequence[str], *, names: Sequence[str] = (), kept: Sequence[str] = ()
    ) -> Redacted:
        """Mark nothing; never asked."""
        return Redacted(texts=tuple(texts), marks={})


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    whole, words = _script(data_dir, WHOLE), _script(data_dir, WORDS)
    with scripted_endpoint(0, whole) as endpoint:
        uvloop.run(_client(report, endpoint.url))
    with _product(data_dir / "whole", whole) as (up, url):
        uvloop.run(_stream(report, up, url))
    with _product(data_dir / "words", words) as (up, _):
        uvloop.run(_held(report, up))


def _script(data_dir: Path, pieces: str) -> Path:
    """Write how the endpoint answers."""
    path = data_dir / f"script-{pieces.split()[1].rstrip(',')}.yaml"
    path.write_text(SCRIPT.format(pieces=pieces))
    return path


@contextlib.contextmanager
def _product(data_dir: Path, script: Path) -> Iterator[tuple[UpFile, str]]:
    """Run the product on an endpoint of its own; yield both."""
    with scripted_endpoint(LATENCY_MS, script) as endpoint:
        environment = {**endpoint.environment(), "RAPPORT_LOG_LEVEL": "warning"}
        with running(data_dir, environment) as (up, _):
            yield up, endpoint.url


async def _client(report: Report, url: str) -> None:
    """Compare the processor time of a call with that of the package's ordinary call."""
    free, none = _Free(url), _NoMoney()
    model = Gateway(free, none, none, clock=SystemClock(), ids=Uuid7Maker(), random=lambda: 0.0)
    ordinary = openai.AsyncOpenAI(api_key="sk-bench", base_url=url, max_retries=0)
    request = ChatRequest(
        purpose=Purpose(tenant_id=TENANT, task=Task.WORDING, environment="live"),
        prompt=Prompt(messages=MESSAGES, version="0" * 12),
        key=SealKey(TENANT, bytes(32)),
        max_output_tokens=200,
        deadline_s=60.0,
    )
    # Its TypedDicts are these at run time.
    typed: Any = [{"role": each.role, "content": each.content} for each in MESSAGES]

    async def ours() -> None:
        await model.chat(request)

    async def theirs() -> None:
        await ordinary.chat.completions.create(
            model="fake-1",
            messages=typed,
            max_tokens=200,
        )

    # The first round only warms up.
    both = [(await _cpu_ms(ours), await _cpu_ms(theirs)) for _ in range(ROUNDS + 1)]
    own, other = (percentile([each[side] for each in both[1:]], 0.5) for side in (0, 1))
    report.add("llm.client_cpu_ms", own, "ms")
    report.add("llm.client_cpu_ratio", own / other, "x", 0.4)
    await model.close()
    await ordinary.close()


async def _cpu_ms(call: Callable[[], Awaitable[None]]) -> float:
    """Return this process's milliseconds per call, many in flight."""
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with places:
            await call()

    started = time.process_time()
    await asyncio.gather(*(one() for _ in range(CALLS)))
    return 1000 * (time.process_time() - started) / CALLS


async def _stream(report: Report, up: UpFile, url: str) -> None:
    """Read along over HTTP; whatever is beyond the endpoint's own first piece is ours."""
    learner = await new_learner(up)
    added: list[float] = []
    for _ in range(2):  # the first round only warms up
        talks = [await _simulation(up, learner, seed) for seed in range(READERS)]
        await settled(up)
        own, *rounds = await asyncio.gather(
            _bare(url), *(_read_along(up, one, number) for number, one in enumerate(talks))
        )
        first = percentile(own, 0.5)
        added = [1000 * (one - first) for each in rounds for one in each]
    report.add("llm.stream_added_p50_ms", percentile(added, 0.5), "ms")
    report.add("llm.stream_added_p95_ms", percentile(added, 0.95), "ms", 40)


async def _held(report: Report, up: UpFile) -> None:
    """Report what the first sentence waits for its end, a word every `WORD_MS`."""
    learner = await new_learner(up)
    talk = await _simulation(up, learner, 1)
    await _read_along(up, talk, 0)
    connection = await Connection.open(up.api_url, up.api_key)
    _, page = await connection.request("GET", f"/v1/simulations/{talk}/turns")
    notes = [turn["wording"] for turn in page["data"]]
    held = [note["held_ms"] for note in notes if note and note["held_ms"] is not None]
    if not held:
        raise ProductError("no reply was worded by the model")
    report.add("llm.stream_held_p50_ms", percentile(held, 0.5), "ms")


async def _read_along(up: UpFile, talk: str, number: int) -> list[float]:
    """Talk; return the seconds to each first piece."""
    await asyncio.sleep(number * LATENCY_MS / 1000 / READERS)
    took = []
    for turn in range(TURNS):
        first_s, heard = await _speak(up, talk, 2 * turn)
        took.append(first_s)
        if b"event: simulation.ended" in heard:
            break
    return took


async def _bare(url: str) -> list[float]:
    """Ask the endpoint itself, meanwhile; return the seconds to each first piece."""
    host, _, path = url.removeprefix("http://").partition("/")
    messages = [{"role": each.role, "content": each.content} for each in MESSAGES]
    body = msgspec.json.encode({"model": "fake-1", "messages": messages, "stream": True})
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\n"
    took = []
    for _ in range(TURNS):
        first_s, _ = await _first(host, head, body, b'"content":', b"[DONE]")
        took.append(first_s)
    return took


async def _simulation(up: UpFile, learner: str, seed: int) -> str:
    connection = await Connection.open(up.api_url, up.api_key)
    body = {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive", "seed": seed}
    made: str = (await connection.post("/v1/simulations", body, 201))["id"]
    return made


async def _speak(up: UpFile, talk: str, seq: int) -> tuple[float, bytes]:
    """Say a line; return the seconds to the first piece of the reply, and all that came."""
    host = up.api_url.removeprefix("http://")
    body = msgspec.json.encode({"text": LINES[seq // 2 % len(LINES)], "expected_seq": seq})
    head = (
        f"POST /v1/simulations/{talk}/turns HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {up.api_key}\r\nAccept: text/event-stream\r\n"
        f"Idempotency-Key: {uuid.uuid4()}\r\n"
    )
    return await _first(host, head, body, b"event: turn.delta", b"event: done")


async def _first(
    host: str, head: str, body: bytes, wanted: bytes, end: bytes
) -> tuple[float, bytes]:
    """Send a request; return the seconds until `wanted` was seen, and all up to `end`."""
    name, port = host.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(name, int(port))
    started = time.perf_counter()
    tail = f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    writer.write(f"{head}{tail}\r\n\r\n".encode() + body)
    heard, took_s = b"", 0.0
    while end not in heard:
        piece = await reader.read(65536)
        if not piece:
            raise HttpError(f"the stream ended early: {heard[-300:]!r}")
        heard += piece
        if not took_s and wanted in heard:
            took_s = time.perf_counter() - started
    writer.close()
    return took_s, heard

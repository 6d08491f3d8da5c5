"""The gateway against an independent implementation of chat completions, the LiteLLM proxy: with its
own mock answers, and as somebody's gateway in front of our scripted endpoint.

Its own virtual environment, from pinned hashes, because it wants other versions than the product.
"""

import asyncio
import json
import os
import platform
import subprocess
import sys
import venv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from infra.devstack.ports import choose_port
from shared.clock import SystemClock
from shared.config import Secret, Settings
from shared.contracts.llm import Message, Prompt, Task, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import Uuid7Maker
from shared.llm.gateway import Gateway, gateway
from shared.llm.ports import ChatRequest, ModelFailedError, Purpose
from tests.support.llm import Answer, FakeLlm, Fault, answering, endpoint, with_endpoint
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

HERE = (platform.system(), platform.machine(), sys.version_info[:2])
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        HERE != ("Linux", "x86_64", (3, 11)), reason="its requirements are pinned for one platform"
    ),
]

REQUIREMENTS = Path(__file__).parents[1] / "support" / "litellm-requirements.txt"
KEY = "sk-litellm"
TEXT = "Grüße aus Köln, one two three."
POINT = '{"x": 1, "label": "a"}'

MOCKS = {
    "says-text": TEXT,
    "says-json": POINT,
    "says-prose": "x is 1",
    "rate-limited": "litellm.RateLimitError",
    "broken": "litellm.InternalServerError",
    "too-long": "litellm.ContextWindowExceededError",
}
"""Models of the proxy, and what its mock does."""


class Point(msgspec.Struct, frozen=True):
    """A form to ask for."""

    x: int
    label: str


class Proxy:
    """The proxy as a process of its own."""

    def __init__(self, python: Path, directory: Path, behind: FakeLlm) -> None:
        self._python, self._directory, self._behind = python, directory, behind
        self._port = choose_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def _config(self) -> dict[str, Any]:
        own = {"model": "openai/gpt-4o-mini", "api_key": "none"}
        models: list[dict[str, Any]] = [
            {"model_name": name, "litellm_params": {**own, "mock_response": said}}
            for name, said in MOCKS.items()
        ]
        through = {"model": "openai/fake-1", "api_key": "none", "api_base": self._behind.url}
        return {
            "model_list": [*models, {"model_name": "through", "litellm_params": through}],
            "general_settings": {"master_key": KEY},
            "litellm_settings": {"num_retries": 0, "telemetry": False},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        }

    def launch(self) -> None:
        # JSON is YAML.
        (self._directory / "config.yaml").write_text(json.dumps(self._config()), "utf-8")
        place = ["--host", "127.0.0.1", "--port", str(self._port)]
        command = [self._python.with_name("litellm"), "--config", "config.yaml", *place]
        with (self._directory / "out").open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--telemetry", "False"],
                cwd=self._directory,
                env={
                    **os.environ,
                    "PATH": f"{self._python.parent}{os.pathsep}{os.environ['PATH']}",
                    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                    "LITELLM_LOG": "ERROR",
                },
                stdout=output,
                stderr=output,
            )

    async def start(self) -> None:
        await asyncio.to_thread(self.launch)

        async def is_up() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, (self._directory / "out").read_text()
            try:
                async with httpx.AsyncClient(trust_env=False) as client:
                    answer = await client.get(f"{self.url[:-3]}/health/liveliness")
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        await eventually(is_up, timeout_s=180)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)


@pytest.fixture(scope="module")
async def behind() -> AsyncIterator[FakeLlm]:
    async with endpoint() as fake:
        yield fake


@pytest.fixture(scope="module")
async def proxy(tmp_path_factory: pytest.TempPathFactory, behind: FakeLlm) -> AsyncIterator[Proxy]:
    room = tmp_path_factory.mktemp("litellm")
    await asyncio.to_thread(venv.create, room / "venv", with_pip=True)
    python = room / "venv" / "bin" / "python"
    arguments = ["install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS]
    await asyncio.to_thread(
        subprocess.run, [python, "-m", "pip", *arguments], check=True, timeout=600
    )
    started = Proxy(python, room, behind)
    try:
        await started.start()
        yield started
    finally:
        started.stop()


class World:
    """A process with the gateway, and a tenant."""

    def __init__(self, model: Gateway, request: ChatRequest) -> None:
        self.model = model
        self.request = request
        self.heard: list[str] = []

    async def hear(self, piece: str) -> None:
        self.heard.append(piece)

    async def why(self, *, is_stream: bool = False) -> WhyEmbedded | None:
        try:
            await self.model.chat(self.request, self.hear if is_stream else None)
        except ModelFailedError as failed:
            return failed.why
        return None


@pytest.fixture
async def make(
    proxy: Proxy, settings: Settings, database: Database, keys: KeyRing, tenants: TenantFactory
) -> AsyncIterator[Any]:
    made: list[Gateway] = []

    async def world(name: str, key: str = KEY) -> World:
        at_proxy = with_endpoint(settings, proxy.url, llm_model=name, llm_api_key=Secret(key))
        clock, ids = SystemClock(), Uuid7Maker()
        made.append(gateway(at_proxy, database, keys, clock=clock, ids=ids))
        tenant_id = (await tenants.new()).tenant_id
        request = ChatRequest(
            purpose=Purpose(tenant_id=tenant_id, task=Task.JUDGING, environment="live"),
            prompt=Prompt(
                messages=(Message(role="user", content="Answer in json."),), version="0" * 12
            ),
            key=await keys.warm(database, tenant_id),
            max_output_tokens=100,
            deadline_s=20,
            temperature=0.0,
            seed=7,
        )
        return World(made[-1], request)

    yield world
    for each in made:
        await each.close()


@pytest.mark.parametrize("name", ["says-text", "through"])
async def test_plain_and_streamed_answers(make: Any, behind: FakeLlm, name: str) -> None:
    behind.play(answering(text=TEXT))
    world = await make(name)

    plain = await world.model.chat(world.request)
    streamed = await world.model.chat(world.request, world.hear)

    assert plain.text == streamed.text == "".join(world.heard) == TEXT
    assert len(world.heard) > 1
    for answer in (plain, streamed):
        assert answer.call.input_tokens > 0
        assert answer.call.output_tokens > 0
        assert answer.call.finish_reason == "stop"
    assert streamed.call.first_delta_ms is not None


@pytest.mark.parametrize("name", ["says-json", "through"])
async def test_answers_of_a_form(make: Any, behind: FakeLlm, name: str) -> None:
    behind.play(answering(text=POINT))
    behind.clear()
    world = await make(name)

    found = await world.model.structured(world.request, Point)

    assert found.value == Point(x=1, label="a")
    assert len(found.calls) == 1
    if name == "through":  # the schema arrives behind the proxy as it was sent
        (asked,) = behind.asked
        assert asked.json()["response_format"]["json_schema"]["strict"] is True
        assert asked.json()["seed"] == 7


async def test_an_answer_that_does_not_fit_is_repaired_once(make: Any) -> None:
    world = await make("says-prose")

    with pytest.raises(ModelFailedError) as failed:
        await world.model.structured(world.request, Point)

    assert failed.value.why is WhyEmbedded.MALFORMED
    assert len(failed.value.calls) == 2


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rate-limited", WhyEmbedded.RATE_LIMITED),
        ("broken", WhyEmbedded.SERVER_ERROR),
        ("too-long", WhyEmbedded.REJECTED),
        ("nobody-knows-it", WhyEmbedded.REJECTED),
    ],
)
async def test_its_errors(
    make: Any,
    name: str,
    why: WhyEmbedded,
    is_stream: bool,  # noqa: FBT001
) -> None:
    world = await make(name)

    assert await world.why(is_stream=is_stream) is why


async def test_a_wrong_key_is_no_answer(make: Any) -> None:
    world = await make("says-text", key="sk-wrong")

    # Without a database of keys of its own, the proxy says 400 where others say 401.
    assert await world.why() in {WhyEmbedded.UNAUTHORIZED, WhyEmbedded.REJECTED}


@pytest.mark.parametrize(
    ("answer", "whys"),
    [
        (Answer(status=429), {WhyEmbedded.RATE_LIMITED}),
        (Answer(status=503), {WhyEmbedded.SERVER_ERROR}),
        (Answer(status=400), {WhyEmbedded.REJECTED}),
        (Answer(text=TEXT, fault=Fault.CUT), {WhyEmbedded.SERVER_ERROR, WhyEmbedded.UNREACHABLE}),
        (Answer(fault=Fault.RESET_BEFORE), {WhyEmbedded.SERVER_ERROR}),
        (Answer(text="", finish="content_filter"), {WhyEmbedded.REFUSED}),
    ],
    ids=["429", "503", "400", "cut", "reset", "filter"],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_faults_behind_it(
    make: Any,
    behind: FakeLlm,
    answer: Answer,
    whys: set[WhyEmbedded],
    is_stream: bool,  # noqa: FBT001
) -> None:
    behind.play(answering(answer))
    world = await make("through")

    assert await world.why(is_stream=is_stream) in whys

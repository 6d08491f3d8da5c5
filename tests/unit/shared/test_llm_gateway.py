"""The gateway against the scripted endpoint: what is asked, what is not, what is told and kept."""

import asyncio
import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import structlog.testing

from infra.llm_fake.script import ErrorBody
from shared.clock import FixedClock
from shared.config import Secret
from shared.contracts.llm import Message, ModelPolicy, Prompt, Task, WhyEmbedded
from shared.llm.client import Lines
from shared.llm.gateway import Gateway
from shared.llm.ports import ModelFailedError
from shared.llm.records import ANSWER_COLUMN, TenantModel
from shared.telemetry import metrics
from tests.support.llm import Answer, FakeLlm, Match, Rule, Script, answering, endpoint
from tests.support.llm_gateway import (
    KEY,
    NOW,
    TENANT,
    MemoryLedger,
    asking,
    in_memory,
    tenant_model,
)
from tests.support.waiting import eventually

TEXT = "I want my money back, and I want it today."


class World:
    """A process with the gateway, and the endpoint."""

    def __init__(self, fake: FakeLlm) -> None:
        self.fake = fake
        self.ledger = MemoryLedger()
        self.model: Gateway = in_memory(tenant_model(fake.url), self.ledger)

    async def use(self, tenant: TenantModel | None, *, allow_private: bool = True) -> Gateway:
        await self.model.close()
        self.model = in_memory(tenant, self.ledger, allow_private=allow_private)
        return self.model

    async def why(self, **changes: object) -> WhyEmbedded:
        with pytest.raises(ModelFailedError) as failed:
            await self.model.chat(asking(**changes))  # type: ignore[arg-type]
        return failed.value.why


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with endpoint(answering(text=TEXT)) as fake:
        made = World(fake)
        yield made
        await made.model.close()


async def test_without_an_endpoint_nothing_happens(world: World):
    model = await world.use(None)
    assert await model.policy(TENANT) is None
    assert await world.why() is WhyEmbedded.NO_MODEL
    assert (world.fake.count, world.ledger.reserved) == (0, [])


@pytest.mark.parametrize(
    ("policy", "request_changes", "why"),
    [
        (ModelPolicy(), {"environment": "test"}, WhyEmbedded.TEST_KEY),
        (ModelPolicy(disabled=(Task.WORDING,)), {}, WhyEmbedded.DISABLED),
    ],
)
async def test_what_never_leaves_the_house(
    world: World, policy: ModelPolicy, request_changes: dict[str, object], why: WhyEmbedded
):
    await world.use(tenant_model(world.fake.url, policy=policy))
    assert await world.why(**request_changes) is why
    assert (world.fake.count, world.ledger.reserved) == (0, [])


async def test_an_endpoint_without_a_model_is_none(world: World):
    tenant = msgspec.structs.replace(tenant_model(world.fake.url), fallback_model=None)
    await world.use(tenant)
    assert await world.why() is WhyEmbedded.NO_MODEL


@pytest.mark.parametrize("why", [WhyEmbedded.BUDGET, WhyEmbedded.BUSY, WhyEmbedded.UNACCOUNTED])
async def test_what_the_ledger_refuses_is_not_asked(world: World, why: WhyEmbedded):
    world.ledger.refuses = why
    for _ in range(10):  # and it is no fault of the endpoint
        assert await world.why() is why
    assert world.fake.count == 0


async def test_the_tenants_model_and_temperature(world: World):
    policy = ModelPolicy(
        models={Task.JUDGING: "judge-9"}, default_model="tenant-1", temperature=0.7
    )
    model = await world.use(tenant_model(world.fake.url, policy=policy))
    await model.chat(asking())
    await model.chat(asking(task=Task.JUDGING))
    await model.chat(asking(temperature=0.0, seed=5))
    sent = [asked.json() for asked in world.fake.asked]
    assert [body["model"] for body in sent] == ["tenant-1", "judge-9", "tenant-1"]
    assert [body.get("temperature") for body in sent] == [0.7, None, 0.0]
    assert [body.get("seed") for body in sent] == [None, None, 5]
    assert {body["max_tokens"] for body in sent} == {100}


async def test_labels_name_no_model_that_a_tenant_chose(world: World):
    metrics.begin(with_process=False)
    try:
        for models in ({}, {Task.WORDING: "Anna-Example"}, {Task.WORDING: "Bert-Example"}):
            policy = ModelPolicy(models=models)
            model = await world.use(tenant_model(world.fake.url, policy=policy))
            await model.chat(asking())
        shown = metrics.exposition().decode()
    finally:
        metrics.end()
    assert set(re.findall(r'llm_tokens_total\{.*model="([^"]*)"', shown)) == {"fake-1", "chosen"}
    assert 'llm_breakers{state="closed"} 1.0' in shown
    assert 'llm_breakers{state="open"} 0.0' in shown


async def test_the_note_the_ledger_and_the_kept_answer_agree(world: World):
    answer = await world.model.chat(asking(seed=3))
    ((draft, outcome, kept),) = world.ledger.settled
    note = answer.call
    assert answer.text == TEXT
    assert (note.call_id, note.model, note.prompt_version) == (
        draft.call_id,
        "fake-1",
        draft.prompt_version,
    )
    assert note.host == world.fake.url.split("/")[2]
    assert (note.input_tokens, note.output_tokens) == (
        outcome.usage.input_tokens,
        outcome.usage.output_tokens,
    )
    assert 0 < note.cost_microusd == outcome.cost_microusd <= draft.most_microusd
    assert note.failure is None
    assert note.finish_reason == "stop"
    assert kept is not None
    assert KEY.open_text(kept, ANSWER_COLUMN, draft.call_id.bytes) == TEXT


async def test_a_stream_says_when_its_first_piece_came(world: World):
    said: list[str] = []

    async def hear(piece: str) -> None:
        said.append(piece)

    answer = await world.model.chat(asking(), hear)
    assert "".join(said) == answer.text == TEXT
    assert answer.call.first_delta_ms is not None
    assert 0 <= answer.call.first_delta_ms <= answer.call.latency_ms


async def test_pieces_are_heard_before_the_answer_is_over(world: World):
    """`post` of the openai package gives a stream back unread; the whole of streaming rests on it."""
    world.fake.play(answering(text="one two", delta_ms=300))
    in_flight: list[int] = []

    async def hear(piece: str) -> None:
        in_flight.append(world.fake.in_flight)

    await world.model.chat(asking(), hear)
    assert in_flight[0] == 1


async def test_personal_data_leaves_as_marks_and_comes_back(world: World):
    world.fake.play(answering(text="Hello {last}"))
    said: list[str] = []

    async def hear(piece: str) -> None:
        said.append(piece)

    request = asking("I am Anna Ruiz.", names=("Anna Ruiz",))
    answer = await world.model.chat(request, hear)
    assert "".join(said) == answer.text == "Hello I am Anna Ruiz."
    assert b"Anna" not in world.fake.asked[0].body
    assert world.fake.asked[0].json()["messages"][1]["content"] == "I am [NAME_1]."


async def test_a_tenant_may_turn_that_off(world: World):
    policy = ModelPolicy(is_redacted=False)
    model = await world.use(tenant_model(world.fake.url, policy=policy))
    await model.chat(asking("I am Anna.", names=("Anna",)))
    assert b"I am Anna." in world.fake.asked[0].body


SENT = {
    "accept", "accept-encoding", "authorization", "content-length", "content-type", "host",
    "user-agent",
}  # fmt: skip


async def test_nothing_from_the_environment_is_sent(world: World, monkeypatch: pytest.MonkeyPatch):
    secrets = {
        "OPENAI_API_KEY": "sk-env", "OPENAI_ORG_ID": "org-env", "OPENAI_PROJECT_ID": "proj-env",
        "OPENAI_ADMIN_KEY": "admin-env", "OPENAI_CUSTOM_HEADERS": "X-Env: env",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/", "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1",
    }  # fmt: skip
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    await world.model.chat(asking())
    headers = world.fake.asked[0].headers
    assert set(headers) == SENT
    assert headers["authorization"] == "Bearer sk-fake"
    assert headers["accept-encoding"] == "identity"
    assert "env" not in "".join(headers.values())


async def test_azure_and_extra_headers(world: World):
    azure = tenant_model(
        world.fake.azure_url, api_version="2024-10-21", headers={"X-Team": Secret("sesame")}
    )
    model = await world.use(azure)
    await model.chat(asking())
    (asked,) = world.fake.asked
    assert asked.path == "/openai/deployments/fake-1/chat/completions"
    assert asked.query == "api-version=2024-10-21"
    assert asked.headers["api-key"] == "sk-fake"
    assert asked.headers["x-team"] == "sesame"
    assert "authorization" not in asked.headers


async def test_a_local_server_needs_no_key(world: World):
    model = await world.use(tenant_model(world.fake.url, key=Secret("")))
    await model.chat(asking())
    assert "authorization" not in world.fake.asked[0].headers


async def test_a_tenants_endpoint_is_never_inside(world: World):
    await world.use(tenant_model(world.fake.url, is_own=True), allow_private=False)
    assert await world.why() is WhyEmbedded.UNREACHABLE
    model = await world.use(tenant_model(world.fake.url), allow_private=False)
    assert (await model.chat(asking())).text == TEXT  # the installation's may be
    assert world.fake.count == 1


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/v1", "https://127.0.0.1:{port}/v1", "http://nobody.invalid/v1"],
    ids=["refused", "no TLS", "no name"],
)
async def test_what_was_never_sent_costs_nothing(world: World, url: str):
    await world.use(tenant_model(url.format(port=world.fake.port)))
    assert await world.why() is WhyEmbedded.UNREACHABLE
    assert [outcome.cost_microusd for outcome in world.ledger.outcomes] == [0]
    assert world.fake.count == 0


@pytest.mark.parametrize("key", ["sk\r\nX-Evil: 1", "sk\0"])
async def test_a_key_that_is_none_is_no_crash(world: World, key: str):
    await world.use(tenant_model(world.fake.url, key=Secret(key)))
    with pytest.raises(ModelFailedError):
        await world.model.chat(asking())
    assert all("x-evil" not in asked.headers for asked in world.fake.asked)


def complaining(param: str, message: str) -> Script:
    """A server that rejects a parameter whenever it comes."""
    error = ErrorBody(message=message, param=param)
    rejects = Rule(match=Match(has=(param,)), answer=Answer(status=400, error=error))
    return Script(rules=(rejects, Rule(answer=Answer(text=TEXT))))


async def test_a_rejected_parameter_is_left_out_once_and_for_all(world: World):
    world.fake.play(complaining("seed", "Unrecognized request argument: seed"))
    for _ in range(3):
        assert (await world.model.chat(asking(seed=1))).text == TEXT
    assert world.fake.count == 4
    assert len(world.ledger.settled) == 3


async def test_other_rejections_are_asked_once(world: World):
    world.fake.play(answering(status=400))
    assert await world.why(seed=1) is WhyEmbedded.REJECTED
    assert world.fake.count == 1


async def test_an_endpoint_that_dislikes_everything_is_asked_three_times(world: World):
    error = ErrorBody(message="temperature, seed and max_completion_tokens are not supported")
    world.fake.play(answering(status=422, error=error))
    assert await world.why(seed=1, temperature=0.5) is WhyEmbedded.REJECTED
    assert world.fake.count == 3
    assert [outcome.cost_microusd for outcome in world.ledger.outcomes] == [0]


class Choice(msgspec.Struct, frozen=True):
    letter: str
    number: int


async def test_a_form_that_the_endpoint_cannot_enforce_is_asked_for_in_words(world: World):
    error = ErrorBody(message="unknown field", param="response_format")
    rejects = Rule(match=Match(has=("response_format",)), answer=Answer(status=400, error=error))
    good = Rule(answer=Answer(text='```json\n{"letter": "a", "number": 1}\n```'))
    world.fake.play(Script(rules=(rejects, good)))
    found = await world.model.structured(asking(), Choice)
    assert found.value == Choice("a", 1)
    assert len(found.calls) == 1
    assert world.fake.count == 3
    last = world.fake.asked[-1].json()["messages"][-1]["content"]
    assert '"letter"' in last
    await world.model.structured(asking(), Choice)
    assert world.fake.count == 4


async def test_a_repair_says_what_was_wrong_and_is_the_last_try(world: World):
    wrong = Rule(match=Match(first=1), answer=Answer(json={"letter": "a", "number": "one"}))
    world.fake.play(Script(rules=(wrong, Rule(answer=Answer(json={"letter": "b", "number": 2})))))
    found = await world.model.structured(asking(), Choice)
    assert found.value == Choice("b", 2)
    assert [note.failure for note in found.calls] == [WhyEmbedded.MALFORMED, None]
    *_, said, told = world.fake.asked[1].json()["messages"]
    assert said == {"role": "assistant", "content": '{"letter":"a","number":"one"}'}
    assert "$.number" in told["content"]
    assert [outcome.failure for outcome in world.ledger.outcomes] == [WhyEmbedded.MALFORMED, None]


async def test_what_was_cut_off_by_its_bound_is_not_repaired(world: World):
    world.fake.play(answering(text='{"letter": "a", ', finish="length"))
    with pytest.raises(ModelFailedError) as failed:
        await world.model.structured(asking(), Choice)
    assert failed.value.why is WhyEmbedded.MALFORMED
    assert world.fake.count == 1


async def test_marks_in_a_form_come_back_as_valid_json(world: World):
    world.fake.play(answering(json={"letter": "[NAME_1]", "number": 1}))
    request = asking('I am A "B" C', names=('A "B" C',))
    assert (await world.model.structured(request, Choice)).value == Choice('A "B" C', 1)


class ListenerBrokeError(Exception):
    """A bug of whoever listens."""


async def test_what_breaks_in_a_listener_comes_through_and_is_accounted_for(world: World):
    async def hear(piece: str) -> None:
        raise ListenerBrokeError

    with pytest.raises(ListenerBrokeError):
        await world.model.chat(asking(), hear)
    ((draft, outcome, _),) = world.ledger.settled
    assert 0 < outcome.cost_microusd < draft.most_microusd  # what was said by then


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_call_that_is_given_up_is_accounted_for(world: World, is_stream: bool):  # noqa: FBT001
    world.fake.play(answering(text=TEXT, latency_ms=30_000))

    async def hear(piece: str) -> None:
        """Never called."""

    task = asyncio.ensure_future(
        world.model.chat(asking(deadline_s=30.0), hear if is_stream else None)
    )
    await eventually(lambda: world.fake.in_flight == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ((draft, outcome, kept),) = world.ledger.settled
    assert kept is None
    assert outcome.failure is WhyEmbedded.TIMEOUT
    # Nobody knows what was thought or said by then.
    assert outcome.cost_microusd == draft.most_microusd


async def test_a_log_line_names_no_words_no_key_and_no_address(world: World):
    tenant = tenant_model(world.fake.url, is_own=True, policy=ModelPolicy(default_model="m-own"))
    model = await world.use(tenant)
    with structlog.testing.capture_logs() as lines:
        await model.chat(asking("My secret is swordfish."))
        world.fake.play(answering(status=401))
        await world.why()
    assert [line["event"] for line in lines] == ["llm.called", "llm.called"]
    assert [line["status"] for line in lines] == [None, 401]
    shown = str(lines)
    port = world.fake.url.split(":")[2].split("/")[0]
    for word in ("swordfish", "money", "sk-fake", "127.0.0.1", port, "m-own", "http"):
        assert word not in shown


async def test_a_prompt_without_anything_of_ours(world: World):
    prompt = Prompt(messages=(Message(role="user", content="Hello."),), version="0" * 12)
    assert (await world.model.chat(asking(prompt=prompt))).text == TEXT


async def test_the_longest_unused_line_is_given_up():
    lines = Lines(
        clock=FixedClock(NOW), now=lambda: 0.0, random=lambda: 0.0, allow_private=True, most=2
    )
    endpoints = [tenant_model(f"http://127.0.0.1:{port}/v1").endpoint for port in (1, 2, 3)]
    first = lines.find(endpoints[0], is_own=True)
    second = lines.find(endpoints[1], is_own=True)
    first.users = 1  # a call is under way
    third = lines.find(endpoints[2], is_own=True)
    assert lines.find(endpoints[0], is_own=True) is first
    assert lines.find(endpoints[2], is_own=True) is third
    assert lines.find(endpoints[1], is_own=True) is not second
    await lines.close()

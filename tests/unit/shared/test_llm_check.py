"""`rapport llm check`: what is said about endpoints that can more or less."""

import json

import pytest

from infra.cli import main as cli
from infra.cli.llm_check import told
from infra.cli.llm_tenant import warn
from infra.llm_fake.script import ErrorBody
from shared.clock import SystemClock
from shared.contracts.llm import WhyEmbedded
from shared.llm.check import Check, Findings
from shared.llm.client import Lines
from shared.llm.endpoint import Endpoint
from shared.llm.stored import ModelSettings, StoredSettings
from tests.support.llm import (
    Answer,
    FakeLlm,
    Fault,
    Match,
    Oddity,
    Rule,
    Script,
    answering,
    endpoint,
    threaded,
)
from tests.support.llm_gateway import tenant_model

KEY = "sk-very-secret"


async def check(fake: FakeLlm, model: str = "fake-1") -> Findings:
    lines = Lines(clock=SystemClock(), now=lambda: 0.0, random=lambda: 0.0, allow_private=True)
    tenant = tenant_model(fake.url)
    line = lines.find(tenant.endpoint, is_own=False)
    found = await Check(line, tenant, model, SystemClock().now()).run()
    await lines.close()
    return found


async def test_one_that_can_everything():
    async with endpoint() as fake:
        found = await check(fake)
        assert fake.count <= 7
    assert found.failure is None
    assert found.is_model_listed
    assert found.is_streaming
    assert (found.has_usage, found.has_stream_usage) == (True, True)
    assert (found.form, found.is_form_kept) == ("json_schema", True)
    assert found.seeds == "repeats"
    assert (found.limit, found.without) == ("max_tokens", ())
    assert found.turn_microusd == 1160


def rejecting(*fields: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            match=Match(has=(field,)),
            answer=Answer(status=400, error=ErrorBody(message=f"unknown field {field}")),
        )
        for field in fields
    )


async def test_one_that_can_little():
    plain = Rule(answer=Answer(usage=False, oddities=(Oddity.NO_STREAM,)))
    rules = rejecting("seed", "response_format", "stream_options")
    async with endpoint(Script(rules=(*rules, plain), models=("other",))) as fake:
        found = await check(fake)
    assert found.failure is None
    assert found.is_model_listed is False
    assert found.is_streaming is False
    assert (found.has_usage, found.has_stream_usage) == (False, False)
    assert (found.form, found.is_form_kept) == ("text", False)
    assert found.seeds == "rejected"
    assert found.without == ("seed", "stream_options")


@pytest.mark.parametrize(
    ("answer", "why", "status"),
    [
        (Answer(status=401), WhyEmbedded.UNAUTHORIZED, 401),
        (Answer(status=404), WhyEmbedded.REJECTED, 404),
        (Answer(status=429), WhyEmbedded.RATE_LIMITED, 429),
        (Answer(fault=Fault.EMPTY), WhyEmbedded.MALFORMED, None),
        (Answer(fault=Fault.RESET_BEFORE), WhyEmbedded.UNREACHABLE, None),
        (Answer(refusal="No."), WhyEmbedded.REFUSED, None),
    ],
)
async def test_one_that_cannot_be_used_is_asked_once(
    answer: Answer, why: WhyEmbedded, status: int | None
):
    async with endpoint(answering(answer)) as fake:
        found = await check(fake)
        assert fake.count == 1
    assert (found.failure, found.status) == (why, status)
    (line,) = [words for name, words in told(found) if name == "usable"]
    assert line.startswith("no: ")


def run(fake: FakeLlm, *more: str) -> int:
    given = ("--base-url", fake.url, "--model", "fake-1", "--api-key-env", "MY_KEY")
    return cli.main(["llm", "check", *given, *more])


def test_the_command_says_it_in_words_and_never_the_key(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MY_KEY", KEY)
    with threaded(Script(key=KEY)) as fake:
        assert run(fake) == 0
        assert run(fake, "--json") == 0
        monkeypatch.setenv("MY_KEY", "wrong-secret")
        assert run(fake) == 1
    said = capfd.readouterr()
    words, _, rest = said.out.partition("{")
    assert "usable             yes" in words
    assert "price unknown" in words
    found, _, refused = rest.partition("}")
    assert json.loads("{" + found + "}")["is_streaming"] is True
    assert "it does not take the key (status 401)" in refused
    assert "secret" not in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which endpoint?"),
        (["--base-url", "http://127.0.0.1:1/v1"], "which model?"),
        (["--base-url", "http://169.254.169.254/v1", "--model", "m"], "may not be called"),
        (["--base-url", "ftp://a.example", "--model", "m"], "may not be called"),
    ],
)
def test_what_is_missing_or_wrong_is_said(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
):
    assert cli.main(["llm", "check", *arguments]) == 1
    assert words in capfd.readouterr().err


@pytest.mark.parametrize(
    ("base_url", "is_warned"),
    [("http://10.0.0.8:8000/v1", True), ("https://api.example.com/v1", False), (None, False)],
)
def test_an_address_that_production_never_calls_is_named(
    base_url: str | None,
    is_warned: bool,  # noqa: FBT001
    capfd: pytest.CaptureFixture[str],
):
    endpoint = None if base_url is None else Endpoint(base_url=base_url)
    warn(StoredSettings(settings=ModelSettings(endpoint=endpoint), revision=1, updated_at=None))
    assert ("RAPPORT_LLM_ALLOW_PRIVATE" in capfd.readouterr().err) is is_warned

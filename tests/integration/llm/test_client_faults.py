"""The whole fault matrix against the real gateway and ledger: every fault of an endpoint becomes one
reason, within the deadline, with one request, accounted for, and noticed by the breaker.
"""

import asyncio
from itertools import chain, product
from typing import Any, NamedTuple

import msgspec
import pytest

from shared.contracts.llm import Message, Prompt, WhyEmbedded
from shared.llm.ports import ModelFailedError, StopListening
from tests.integration.llm.fault_world import (
    QUICK_S,
    Heard,
    World,
    ask,
    fake,
    why_not,
    world,
)
from tests.support.llm import Answer, Fault, Match, Oddity, Rule, Script, answering
from tests.support.waiting import eventually

__all__ = ["fake", "world"]
"""Fixtures."""

LATE_S = 3.0
"""Beyond the deadline, on a machine that does other things as well."""

TEXT = "Grüße aus Köln, one two three four five."

WHY = WhyEmbedded


class Case(NamedTuple):
    """A fault and what must become of it; None: an answer all the same."""

    name: str
    answer: Answer
    plain: WhyEmbedded | None
    stream: WhyEmbedded | None
    is_spent: bool | None = None
    """Whether it may have cost something; None: either."""


def _status(status: int, why: WhyEmbedded, **more: Any) -> Case:
    return Case(str(status), Answer(status=status, **more), why, why, is_spent=False)


def _fault(fault: Fault, plain: WhyEmbedded | None, stream: WhyEmbedded | None) -> Case:
    says = {Fault.EMPTY, Fault.HUGE, Fault.BOMB, Fault.NO_CHOICES}
    text = None if fault in says else TEXT
    return Case(fault.value, Answer(text=text, fault=fault), plain, stream)


CASES = (
    _status(400, WHY.REJECTED),
    _status(401, WHY.UNAUTHORIZED),
    _status(403, WHY.UNAUTHORIZED),
    _status(404, WHY.REJECTED),
    _status(408, WHY.TIMEOUT),
    _status(409, WHY.REJECTED),
    _status(422, WHY.REJECTED),
    _status(429, WHY.RATE_LIMITED, retry_after=3),
    _status(500, WHY.SERVER_ERROR),
    _status(502, WHY.SERVER_ERROR, body="<html>Bad gateway</html>"),
    _status(503, WHY.SERVER_ERROR, retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
    _status(307, WHY.UNREACHABLE, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    _fault(Fault.EMPTY, WHY.MALFORMED, WHY.MALFORMED),
    _fault(Fault.NO_CHOICES, WHY.MALFORMED, WHY.MALFORMED),
    _fault(Fault.MALFORMED, WHY.MALFORMED, WHY.MALFORMED),
    _fault(Fault.CUT, WHY.UNREACHABLE, WHY.UNREACHABLE),
    _fault(Fault.NO_END, None, WHY.UNREACHABLE),
    _fault(Fault.ERROR_EVENT, None, WHY.SERVER_ERROR),
    _fault(Fault.HUGE, WHY.MALFORMED, WHY.MALFORMED),
    _fault(Fault.BOMB, WHY.MALFORMED, WHY.MALFORMED),
    _fault(Fault.RESET_BEFORE, WHY.UNREACHABLE, WHY.UNREACHABLE),
    _fault(Fault.RESET_AFTER, WHY.UNREACHABLE, WHY.UNREACHABLE),
    _fault(Fault.HALF_OPEN, WHY.TIMEOUT, WHY.TIMEOUT),
    _fault(Fault.SILENT, WHY.TIMEOUT, WHY.TIMEOUT),
    _fault(Fault.NOT_HTTP, WHY.MALFORMED, WHY.MALFORMED),
    Case("slow", Answer(text=TEXT, latency_ms=20_000), WHY.TIMEOUT, WHY.TIMEOUT),
    Case("one byte at a time", Answer(text=TEXT, byte_ms=100), WHY.TIMEOUT, WHY.TIMEOUT),
    Case("slow deltas", Answer(text=TEXT, delta_ms=2000), None, WHY.TIMEOUT),
    Case("refusal", Answer(refusal="I cannot."), WHY.REFUSED, WHY.REFUSED),
    Case("filter", Answer(text="", finish="content_filter"), WHY.REFUSED, WHY.REFUSED),
    Case("half a filter", Answer(text=TEXT, finish="content_filter"), WHY.REFUSED, WHY.REFUSED),
    Case("not JSON", Answer(body="upstream said no"), WHY.MALFORMED, WHY.MALFORMED),
    Case("other JSON", Answer(body='{"hello":"world"}'), WHY.MALFORMED, WHY.MALFORMED),
    Case("a list", Answer(body="[]"), WHY.MALFORMED, WHY.MALFORMED),
    Case("blanks", Answer(text=" \n "), WHY.MALFORMED, WHY.MALFORMED),
)

ENDPOINTS_OWN = {
    *(WHY.TIMEOUT, WHY.UNREACHABLE, WHY.RATE_LIMITED, WHY.UNAUTHORIZED),
    *(WHY.SERVER_ERROR, WHY.MALFORMED),
}
"""What a breaker counts."""

EACH = [
    pytest.param(case, is_stream, id=f"{case.name}-{'stream' if is_stream else 'plain'}")
    for case, is_stream in product(CASES, (False, True))
]


def _hurried(world: World, deadline_s: float = QUICK_S) -> World:
    return world._replace(request=msgspec.structs.replace(world.request, deadline_s=deadline_s))


@pytest.mark.parametrize(("case", "is_stream"), EACH)
async def test_every_fault(world: World, case: Case, is_stream: bool) -> None:  # noqa: FBT001
    world.fake.play(Script(rules=(Rule(answer=case.answer),)))
    wanted = case.stream if is_stream else case.plain
    world = _hurried(world) if wanted is WHY.TIMEOUT and case.is_spent is None else world
    listener = Heard() if is_stream else None
    loop = asyncio.get_running_loop()
    started = loop.time()

    try:
        answer = await ask(world, listener)
    except ModelFailedError as failed:
        why, calls = failed.why, failed.calls
    else:
        why, calls = answer.call.failure, (answer.call,)
        assert answer.text == TEXT
    took = loop.time() - started

    assert why is wanted
    assert took <= world.request.deadline_s + LATE_S
    assert world.fake.count == 1
    assert [call.failure for call in calls] == [wanted]
    if listener is not None and case.answer.text == TEXT:
        assert TEXT.startswith(listener.text)
    (row,) = await world.rows()
    assert row["call_id"] == calls[0].call_id
    assert (row["in_flight"], row["held"]) == (0, 0)
    assert row["status"] == "settled"
    assert 0 <= calls[0].cost_microusd <= row["reserved_microusd"]
    if case.is_spent is False:
        assert calls[0].cost_microusd == 0
    if wanted is None:
        assert calls[0].cost_microusd > 0


WORDLESS = {"empty", "blanks"}


@pytest.mark.parametrize("case", [pytest.param(each, id=each.name) for each in CASES])
async def test_the_breaker_counts_what_is_the_endpoints_fault(world: World, case: Case) -> None:
    answer = msgspec.structs.replace(case.answer, retry_after=None)
    world.fake.play(Script(rules=(Rule(answer=answer),)))
    world = _hurried(world, 0.4) if case.stream is WHY.TIMEOUT else world

    whys = [await why_not(world, Heard()) for _ in range(7)]

    # An answer without words is no breakdown: the next question may have one with words.
    is_counted = case.stream in ENDPOINTS_OWN and case.name not in WORDLESS
    assert whys[:5] == [case.stream] * 5
    assert whys[5:] == ([WHY.BREAKER_OPEN] * 2 if is_counted else [case.stream] * 2)
    most = 5 if is_counted else 7
    if case.stream is WHY.TIMEOUT:  # on a busy machine one may be over before it is sent
        assert most - 2 <= world.fake.count <= most
    else:
        assert world.fake.count == most
    rows = await world.rows()
    assert world.fake.count <= len(rows) <= most
    assert rows[0]["in_flight"] == 0


async def test_an_endpoint_that_says_when_to_come_back_is_left_alone(world: World) -> None:
    world.fake.play(
        Script(rules=(Rule(match=Match(first=1), answer=Answer(status=429, retry_after=2)),))
    )
    loop = asyncio.get_running_loop()
    with pytest.raises(ModelFailedError):
        await ask(world, None)
    limited_at = loop.time()

    with pytest.raises(ModelFailedError) as resting:
        await ask(world, None)
    assert resting.value.why is WHY.BREAKER_OPEN
    assert world.fake.count == 1

    async def is_back() -> bool:
        return await why_not(world) is None

    await eventually(is_back, timeout_s=10)
    assert loop.time() - limited_at >= 2.0
    assert world.fake.count == 2


async def test_the_probe_of_a_resting_endpoint_is_one_call(world: World) -> None:
    fails = Rule(match=Match(first=1), answer=Answer(status=429, retry_after=1))
    world.fake.play(Script(rules=(fails, Rule(answer=Answer(text="Hello.", latency_ms=200)))))
    assert await why_not(world) is WHY.RATE_LIMITED

    async def is_probed() -> bool:
        whys = await asyncio.gather(*(why_not(world) for _ in range(10)))
        # Ten at once: while the endpoint is on trial, one of them gets through.
        assert whys.count(None) == world.fake.count - 1 <= 1
        assert set(whys) <= {None, WHY.BREAKER_OPEN}
        return None in whys

    await eventually(is_probed, timeout_s=10)
    assert [await why_not(world) for _ in range(3)] == [None] * 3


@pytest.mark.parametrize("oddity", Oddity)
@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_oddities_are_understood(
    world: World,
    oddity: Oddity,
    is_stream: bool,  # noqa: FBT001
) -> None:
    world.fake.play(answering(text=TEXT, oddities=(oddity,), extra=True))
    listener = Heard() if is_stream else None

    answer = await ask(world, listener)

    assert answer.text == TEXT
    assert listener is None or listener.text == TEXT
    assert world.fake.count == 1


async def test_all_oddities_of_streams_at_once(world: World) -> None:
    oddities = (Oddity.COMMENTS, Oddity.CRLF, Oddity.FIELDS, Oddity.NO_SPACE, Oddity.SPLIT)
    world.fake.play(answering(text=TEXT, oddities=oddities, delta="character"))
    listener = Heard()

    assert (await ask(world, listener)).text == listener.text == TEXT


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
async def test_no_usage_is_estimated(world: World, is_stream: bool) -> None:  # noqa: FBT001
    world.fake.play(answering(text=TEXT, usage=False))

    answer = await ask(world, Heard() if is_stream else None)

    assert answer.call.input_tokens > 0
    assert answer.call.output_tokens > 0
    assert answer.call.cost_microusd > 0


async def test_a_listener_that_has_heard_enough_hangs_up(world: World) -> None:
    world.fake.play(answering(text=TEXT, delta_ms=100))
    hung_up: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    world.fake.on_asked = lambda asked: hung_up.set_result(not asked.is_heard)

    async def enough(piece: str) -> None:
        raise StopListening

    answer = await world.model.chat(world.request, enough)

    assert answer.is_cut
    assert await asyncio.wait_for(hung_up, 5)
    (row,) = await world.rows()
    assert row["in_flight"] == 0


async def test_whoever_gives_up_leaves_nothing_set_aside(world: World) -> None:
    world.fake.play(answering(text=TEXT, latency_ms=5000))
    asking = asyncio.ensure_future(ask(world, None))
    await eventually(lambda: world.fake.in_flight == 1)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await world.model.close()

    (row,) = await world.rows()
    assert (row["in_flight"], row["held"]) == (0, 0)
    assert world.fake.in_flight == 0


async def test_nothing_of_a_conversation_reaches_the_logs(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "Mrs. Ludovika Tantzscher owes 4711 crowns"
    prompt = Prompt(messages=(Message(role="user", content=secret),), version="0" * 12)
    request = msgspec.structs.replace(world.request, prompt=prompt)
    answers = (
        Answer(text=secret),
        Answer(status=500, body=secret),
        Answer(refusal=secret),
        Answer(body=secret),
        Answer(status=400, body=secret),
    )

    errors: list[str] = []
    for answer in answers:
        world.fake.play(Script(rules=(Rule(answer=answer),)))
        try:
            await world.model.chat(request)
        except ModelFailedError as failed:
            errors.append(repr(failed))

    assert len(errors) == 4
    said = "".join(chain.from_iterable(capsys.readouterr()))
    assert "Ludovika" not in said + "".join(errors)
    assert "sk-fake" not in said

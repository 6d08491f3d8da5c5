"""Answers of a form over the real gateway: repaired once, and asked for as the endpoint can."""

from typing import Any

import msgspec
import pytest

from shared.contracts.llm import WhyEmbedded
from shared.llm.ports import ModelFailedError
from tests.integration.llm.fault_world import QUICK_S, Heard, World, ask, fake, world
from tests.support.llm import Answer, Fault, Match, Rule, Script

__all__ = ["fake", "world"]
"""Fixtures."""

TEXT = "One two three."
WHY = WhyEmbedded


class Point(msgspec.Struct, frozen=True):
    """A form to ask for."""

    x: int
    label: str


@pytest.mark.parametrize(
    ("answers", "why", "requests"),
    [
        ((Answer(json={"x": 1, "label": "a"}),), None, 1),
        ((Answer(text='```json\n{"x": 1, "label": "a"}\n```'),), None, 1),
        ((Answer(fault=Fault.WRONG_SCHEMA), Answer(json={"x": 1, "label": "a"})), None, 2),
        ((Answer(text="x is 1"), Answer(json={"x": 1, "label": "a"})), None, 2),
        ((Answer(fault=Fault.WRONG_SCHEMA),), WHY.MALFORMED, 2),
        ((Answer(json={"x": "one", "label": "a"}),), WHY.MALFORMED, 2),
        ((Answer(text="x is 1"), Answer(status=503)), WHY.SERVER_ERROR, 2),
        ((Answer(refusal="No."),), WHY.REFUSED, 1),
        ((Answer(status=500),), WHY.SERVER_ERROR, 1),
        ((Answer(fault=Fault.HALF_OPEN),), WHY.TIMEOUT, 1),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
async def test_structured_answers(
    world: World, answers: tuple[Answer, ...], why: WhyEmbedded | None, requests: int
) -> None:
    first = (Rule(match=Match(first=1), answer=answers[0]),) if len(answers) > 1 else ()
    world.fake.play(Script(rules=(*first, Rule(answer=answers[-1]))))

    request = world.request
    if why is WHY.TIMEOUT:
        request = msgspec.structs.replace(request, deadline_s=QUICK_S)

    try:
        found = await world.model.structured(request, Point)
    except ModelFailedError as failed:
        found_why, value, calls = failed.why, None, failed.calls
    else:
        found_why, value, calls = None, found.value, found.calls

    assert found_why is why
    assert value == (Point(x=1, label="a") if why is None else None)
    assert world.fake.count == len(calls) == requests
    rows = await world.rows()
    assert {row["call_id"] for row in rows} == {call.call_id for call in calls}
    assert rows[0]["in_flight"] == 0
    bodies = [asked.json() for asked in world.fake.asked]
    assert {body["response_format"]["type"] for body in bodies} == {"json_schema"}


@pytest.mark.parametrize("takes_objects", [True, False])
async def test_endpoints_that_know_no_schemas(
    world: World,
    takes_objects: bool,  # noqa: FBT001
) -> None:
    message = "response_format of this type is not supported"
    no: dict[str, Any] = {"status": 400, "error": {"message": message}}
    refused = msgspec.convert({"rules": [{"match": {"schema": True}, "answer": no}]}, Script).rules
    if not takes_objects:
        more = {"rules": [{"match": {"has": ["response_format"]}, "answer": no}]}
        refused += msgspec.convert(more, Script).rules
    good = Rule(answer=Answer(json={"x": 1, "label": "a"}))
    world.fake.play(Script(rules=(*refused, good)))

    for _ in range(3):
        assert (await world.model.structured(world.request, Point)).value.x == 1

    # Learned from the first call: each complaint costs one request, once.
    assert world.fake.count == 3 + (1 if takes_objects else 2)
    last = world.fake.asked[-1].json()
    assert ("response_format" in last) is takes_objects
    assert "label" in last["messages"][-1]["content"]


async def test_an_endpoint_that_knows_no_usage_in_streams(world: World) -> None:
    message = "stream_options is not permitted"
    no: dict[str, Any] = {"status": 400, "error": {"message": message}}
    rule = {"match": {"has": ["stream_options"]}, "answer": no}
    refused = msgspec.convert({"rules": [rule]}, Script).rules
    world.fake.play(Script(rules=(*refused, Rule(answer=Answer(text=TEXT)))))

    answers = [await ask(world, Heard()) for _ in range(3)]

    assert {answer.text for answer in answers} == {TEXT}
    assert world.fake.count == 4

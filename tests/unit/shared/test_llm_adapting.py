"""Endpoints that cannot do everything: what is learned from their complaints."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from shared.contracts.llm import Message, WhyEmbedded
from shared.llm.adapting import Habits, Question, ask
from shared.llm.failures import CallFailedError
from shared.llm.schema import schema_of
from shared.llm.wire import Heard


class Yes(msgspec.Struct, frozen=True):
    yes: bool


def question(*, has_schema: bool = False, is_stream: bool = False) -> Question:
    return Question(
        model="m",
        messages=(Message(role="user", content="Well?"),),
        max_output_tokens=50,
        temperature=0.0,
        seed=7,
        schema=schema_of(Yes) if has_schema else None,
        is_stream=is_stream,
    )


def body(habits: Habits, asked: Question) -> dict:
    return msgspec.json.decode(habits.body(asked))


def test_an_ordinary_request():
    assert body(Habits(), question()) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Well?"}],
        "max_tokens": 50,
        "temperature": 0.0,
        "seed": 7,
    }


def test_a_stream_asks_for_usage():
    sent = body(Habits(), question(is_stream=True))
    assert sent["stream"] is True
    assert sent["stream_options"] == {"include_usage": True}


def test_a_form_is_asked_for_strictly():
    form = body(Habits(), question(has_schema=True))["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"]["required"] == ["yes"]


COMPLAINTS = {
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model.",
    "seed": '{"error": {"param": "seed", "message": "Unrecognized request argument supplied"}}',
    "stream_options": "[{'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
}


@pytest.mark.parametrize("name", sorted(COMPLAINTS))
def test_a_parameter_that_is_disliked_is_left_out_from_then_on(name: str):
    habits, asked = Habits(), question(is_stream=True)
    assert name in body(habits, asked)
    assert habits.learn(asked, COMPLAINTS[name])
    assert name not in body(habits, asked)
    assert not habits.learn(asked, COMPLAINTS[name])  # it is not the reason a second time


def test_the_bound_gets_its_new_name():
    habits = Habits()
    complaint = (
        "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    assert habits.learn(question(), complaint)
    sent = body(habits, question())
    assert sent["max_completion_tokens"] == 50
    assert "max_tokens" not in sent
    assert not habits.learn(question(), complaint)


def test_forms_step_down_to_words():
    habits, asked = Habits(), question(has_schema=True)
    complaint = "Invalid parameter: 'response_format' of type 'json_schema' is not supported."
    assert habits.learn(asked, complaint)
    sent = body(habits, asked)
    assert sent["response_format"] == {"type": "json_object"}
    assert '"yes"' in sent["messages"][-1]["content"]
    assert habits.learn(asked, "response_format.type must be text")
    sent = body(habits, asked)
    assert "response_format" not in sent
    assert '"yes"' in sent["messages"][-1]["content"]
    assert not habits.learn(asked, complaint)


@pytest.mark.parametrize(
    "complaint",
    [
        "",
        "The model `m` does not exist",
        "Bad request",
        "response_format is wrong",
        "stream_options",
    ],
)
def test_nothing_is_learned_from_other_complaints(complaint: str):
    assert not Habits().learn(question(), complaint)


class Together:
    """An endpoint that has a dislike, and answers the first calls all at once."""

    def __init__(self, dislike: str, complaint: str, calls: int) -> None:
        self.known = Habits()
        self.sent: list[dict[str, Any]] = []
        self._dislike = dislike
        self._complaint = complaint
        self._all_here = asyncio.Barrier(calls)

    def habits(self, model: str) -> Habits:
        return self.known

    async def whole(self, model: str, sent: bytes) -> Heard:
        self.sent.append(msgspec.json.decode(sent))
        if self._dislike in sent.decode():
            await self._all_here.wait()
            raise CallFailedError(WhyEmbedded.REJECTED, status=400, complaint=self._complaint)
        return Heard(text="yes", usage=None, finish_reason="stop")


@pytest.mark.parametrize(
    ("dislike", "complaint"),
    [
        ("max_tokens", "Use 'max_completion_tokens' instead."),
        ("seed", COMPLAINTS["seed"]),
        ("json_schema", "response_format json_schema is not supported"),
    ],
)
async def test_calls_that_are_rejected_together_learn_it_once(dislike: str, complaint: str):
    line = Together(dislike, complaint, calls=5)
    asked = question(has_schema=True)
    heard = await asyncio.gather(*(ask(cast("Any", line), asked, None) for _ in range(5)))
    assert [each.text for each in heard] == ["yes"] * 5
    assert len(line.sent) == 10
    formats = {each["response_format"]["type"] for each in line.sent[5:]}
    assert formats == {"json_object" if dislike == "json_schema" else "json_schema"}

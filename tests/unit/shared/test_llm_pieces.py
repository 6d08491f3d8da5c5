"""Endpoints, failures, marks and token counts of the gateway."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.config import Secret
from shared.contracts.llm import Message, WhyEmbedded
from shared.llm.client import Lines
from shared.llm.endpoint import Endpoint
from shared.llm.failures import rest_of, why_of_status
from shared.llm.marks import Marked, RestoringListener
from shared.llm.tokens import likely_usage, most_tokens

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
OPENAI = Endpoint(base_url="https://api.openai.com/v1", key=Secret("sk-1"))
AZURE = Endpoint(base_url="https://x.openai.azure.com", key=Secret("k"), api_version="2024-10-21")


def test_paths():
    assert OPENAI.path("gpt-4.1") == "/chat/completions"
    assert AZURE.path("my model/1") == (
        "/openai/deployments/my%20model%2F1/chat/completions?api-version=2024-10-21"
    )


def test_hosts_name_no_more_than_they_must():
    assert OPENAI.host == "api.openai.com"
    assert Endpoint(base_url="http://127.0.0.1:4000/v1").host == "127.0.0.1:4000"


def test_a_key_never_prints():
    headers = {"X-Team": Secret("sesame")}
    shown = repr(Endpoint(base_url="https://a.example", key=Secret("sk-1"), headers=headers))
    assert "sk-1" not in shown
    assert "sesame" not in shown


def test_every_difference_is_another_credential():
    made = [
        OPENAI,
        AZURE,
        Endpoint(base_url="https://api.openai.com/v1", key=Secret("sk-2")),
        Endpoint(base_url="https://api.openai.com/v2", key=Secret("sk-1")),
        Endpoint(base_url=OPENAI.base_url, key=OPENAI.key, headers={"a": Secret("bc")}),
        Endpoint(base_url=OPENAI.base_url, key=OPENAI.key, headers={"ab": Secret("c")}),
    ]
    assert len({endpoint.credential for endpoint in made}) == len(made)
    again = Endpoint(base_url="https://api.openai.com/v1", key=Secret("sk-1"))
    assert again.credential == OPENAI.credential


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, WhyEmbedded.REJECTED), (404, WhyEmbedded.REJECTED), (409, WhyEmbedded.REJECTED),
        (413, WhyEmbedded.REJECTED), (422, WhyEmbedded.REJECTED),
        (401, WhyEmbedded.UNAUTHORIZED), (403, WhyEmbedded.UNAUTHORIZED),
        (408, WhyEmbedded.TIMEOUT), (429, WhyEmbedded.RATE_LIMITED),
        (500, WhyEmbedded.SERVER_ERROR), (502, WhyEmbedded.SERVER_ERROR),
        (503, WhyEmbedded.SERVER_ERROR), (504, WhyEmbedded.SERVER_ERROR),
        (301, WhyEmbedded.UNREACHABLE), (307, WhyEmbedded.UNREACHABLE),
    ],
)  # fmt: skip
def test_statuses(status: int, why: WhyEmbedded):
    assert why_of_status(status) is why


@pytest.mark.parametrize(
    ("headers", "rest_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "3600"}, 60.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "²"}, None),
    ],
)
def test_how_long_an_endpoint_wants_to_be_left_alone(headers: dict[str, str], rest_s: float | None):
    assert rest_of(headers, CLOCK) == rest_s


def test_a_date_without_a_zone_is_no_crash():
    assert rest_of({"retry-after": "Sun, 01 Mar 2026 12:00:30"}, CLOCK) in (None, 30.0)
    assert CLOCK.now() - timedelta(0) == CLOCK.at


MARKS = {"[NAME_1]": 'Anna "A" Ruiz', "[EMAIL_1]": "[NAME_1]@x.org", "[EMAIL_11]": "b@x.org"}
WORDS = Marked(messages=(), marks=MARKS)


def test_marks_come_back_as_what_they_were():
    assert WORDS.restore("[NAME_1], [EMAIL_1] and [EMAIL_11].") == (
        'Anna "A" Ruiz, [NAME_1]@x.org and b@x.org.'
    )
    assert WORDS.restore_json('{"a": "[NAME_1]"}') == '{"a": "Anna \\"A\\" Ruiz"}'
    assert Marked(messages=(), marks={}).restore("[NAME_1]") == "[NAME_1]"


@given(
    st.lists(st.sampled_from(["[NAME_1]", "[EMAIL_1]", "[EMAIL_11]", "[", "[NA", "hi ", "]"])),
    st.lists(st.integers(0, 100)),
)
def test_however_a_stream_is_cut_the_same_comes_back(parts: list[str], cuts: list[int]):
    text = "".join(parts)
    said: list[str] = []

    async def hear(piece: str) -> None:
        said.append(piece)

    async def work() -> None:
        listener = RestoringListener(hear, WORDS)
        places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
        for start, end in itertools.pairwise(places):
            await listener.hear(text[start:end])
        await listener.end()

    asyncio.run(work())
    assert "".join(said) == WORDS.restore(text)
    assert "" not in said


def test_reservations_count_more_tokens_than_guesses():
    messages = (
        Message(role="system", content="Be short."),
        Message(role="user", content="日本語" * 50),
    )
    guessed = likely_usage(messages, "Well then.", 100)
    assert guessed.is_estimated
    assert guessed.output_tokens == 4
    assert likely_usage(messages, "Well then.", 3).output_tokens == 3
    assert most_tokens(messages) > guessed.input_tokens > 150


# Tokens that cl100k and o200k make of such texts, the more of the two: measured once, no tokenizer
# is at hand when the tests run.
MEASURED = {
    "0 1 2 3 4 5 6 7 8 9": 19,
    "kQ8zX0vJ+2fY/9aT": 16,
    "ለሦስት ሳምንታት ገንዘቤን": 42,
    "I have been waiting for three weeks.": 8,
}


@pytest.mark.parametrize(("text", "tokens"), MEASURED.items())
def test_a_reservation_is_never_below_what_tokenizers_make(text: str, tokens: int):
    assert most_tokens((Message(role="user", content=text),)) >= tokens


async def test_the_line_that_is_asked_for_is_never_the_one_given_up():
    lines = Lines(clock=CLOCK, now=lambda: 0.0, random=lambda: 0.0, allow_private=True, most=1)
    lines.find(OPENAI, is_own=True).users = 1
    assert lines.find(AZURE, is_own=True) is lines.find(AZURE, is_own=True)
    await lines.close()

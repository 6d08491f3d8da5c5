"""The scoring worker's process answers dry runs, with the rights that it and the API really have."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from nats.aio.client import Client

from services.scoring_worker.main import serve
from shared.contracts.questions import ERROR_CODE_HEADER
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.contracts.subjects import JUDGE_DRY_RUN
from shared.library.rubric_dry_run import DryRunQuery, DryRunReply, Sample
from shared.library.rubrics import load_rubrics
from shared.messaging.connect import connect as connect_nats
from tests.support.databases import Databases

TURNS = (
    ("customer", "My parcel is ten days late and I am really upset about it."),
    ("agent", "I am so sorry, ten days is a long wait. May I have your order number, please?"),
    ("customer", "It is 4711. I needed it for a birthday and now it is too late."),
    ("agent", "Missing the birthday is what makes this so bad. I can refund you today."),
    ("customer", "Yes, thank you, that would help a lot."),
    ("agent", "Gladly. So: the refund today, and I will call you tomorrow at ten."),
)


@pytest.fixture(scope="module")
async def running(databases: Databases, database_url: str) -> AsyncIterator[None]:
    settings = databases.settings(database_url, "scoring_worker")
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(settings, stop=stop, ready=ready.set))
    async with asyncio.timeout(30):
        await ready.wait()
    yield
    stop.set()
    async with asyncio.timeout(30):
        await task


@pytest.fixture(scope="module")
async def api(databases: Databases, database_url: str) -> AsyncIterator[Client]:
    client = await connect_nats(databases.settings(database_url, "api"), "api")
    yield client
    await client.close()


def _question() -> DryRunQuery:
    turns = tuple(
        TranscriptTurn(id=f"t{number}", role="agent" if role == "agent" else "customer", text=text)
        for number, (role, text) in enumerate(TURNS)
    )
    sample = Sample(transcript=Transcript(turns=turns, source="call"), flags=("odd",))
    rubric = next(each for each in load_rubrics() if each.slug == "support")
    return DryRunQuery(rubric=rubric, samples=(sample,) * 3)


@pytest.mark.usefixtures("running")
async def test_the_api_gets_its_answer(api: Client) -> None:
    message = await api.request(JUDGE_DRY_RUN, msgspec.json.encode(_question()), timeout=5)

    assert message.headers is None
    reply = msgspec.json.decode(message.data, type=DryRunReply)
    assert reply.trial.conversations == len(reply.samples) == 3
    assert reply.samples[0] == reply.samples[2]
    assert "odd" in reply.samples[0].flags
    assert any(each.scores.count for each in reply.trial.criteria)
    assert not any(text.encode() in message.data for _, text in TURNS)


@pytest.mark.usefixtures("running")
async def test_an_indicator_that_this_judge_lacks_is_refused(api: Client) -> None:
    raw = msgspec.to_builtins(_question())
    raw["rubric"]["sections"][0]["criteria"][0]["indicators"][0]["key"] = "juggles"

    message = await api.request(JUDGE_DRY_RUN, msgspec.json.encode(raw), timeout=5)

    assert (message.headers or {})[ERROR_CODE_HEADER] == "400"
    assert message.data == b""

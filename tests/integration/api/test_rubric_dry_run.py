"""Rubrics tried out over the API, with a real judge behind NATS."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.api.rubrics import trials
from services.scoring_worker import dry_run
from services.scoring_worker.dry_run import DryRunEndpoint
from services.scoring_worker.judging.judge import judge
from shared.contracts.questions import ERROR_CODE_HEADER
from shared.contracts.subjects import JUDGE_DRY_RUN
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.library.rubric_dry_run import DryRunReply
from tests.integration.api.conftest import Partner
from tests.integration.api.rubric_author import (
    SAMPLES,
    TURNS,
    Json,
    create,
    faulty_spec,
    new_spec,
    pointers_of,
    publish,
    put,
)

CARING = [
    {"role": "customer", "text": "My parcel is ten days late and I am really upset about it."},
    {
        "role": "agent",
        "text": "I am so sorry, ten days is a long time and I see why you are upset. "
        "May I have your order number, please?",
    },
    {"role": "customer", "text": "It is 4711. I needed it for a birthday and now it is too late."},
    {
        "role": "agent",
        "text": "Missing the birthday is what makes this so bad. What I can do is refund you "
        "today, and I will call you tomorrow to make sure that it came. Would that help?",
    },
    {"role": "customer", "text": "Yes, thank you, that would help a lot."},
    {"role": "agent", "text": "Gladly. So: the refund today, my call tomorrow at ten."},
]
COLD = [
    {"role": "customer", "text": "My parcel is ten days late and I am really upset about it."},
    {"role": "agent", "text": "That is not my problem. You should have read the terms."},
    {"role": "customer", "text": "I needed it for a birthday! Can you do anything at all?"},
    {"role": "agent", "text": "No. As I already told you, there is nothing that I can do."},
    {"role": "customer", "text": "This is terrible. I want to speak to somebody else."},
    {"role": "agent", "text": "Calm down. Nobody here will tell you anything else."},
]


@pytest.fixture
async def judges(nats: Client) -> AsyncIterator[DryRunEndpoint]:
    endpoint = DryRunEndpoint(nats)
    await endpoint.open()
    await nats.flush()
    yield endpoint
    await endpoint.close()


def samples(*conversations: list[Json], **fields: Any) -> Json:
    return {
        "conversations": [{"turns": turns, "source": "chat"} for turns in conversations]
    } | fields


async def dry_run_of(partner: Partner, rubric_id: str, body: Json = SAMPLES) -> httpx.Response:
    return await partner.post(f"/v1/rubrics/{rubric_id}/dry-runs", body)


async def stored(database: Database, partner: Partner) -> list[int]:
    tables = ("conversations", "scorings", "assessments", "jobs", "events")
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        return [await connection.fetchval(f"select count(*) from {each}") for each in tables]


@pytest.mark.usefixtures("judges")
class TestAnswers:
    async def test_a_draft_is_summed_up_and_nothing_is_stored(
        self, partner: Partner, database: Database
    ) -> None:
        made = await create(partner)
        before = await stored(database, partner)

        response = await dry_run_of(partner, made["id"], samples(CARING, COLD))

        assert response.status_code == 200, response.text
        told = response.json()
        assert (told["slug"], told["version"], told["revision"]) == (made["slug"], None, 1)
        assert (told["publishable"], told["findings"]) == (True, made["findings"])
        caring, cold = told["conversations"]
        assert caring["overall"] > cold["overall"]
        assert told["summary"]["conversations"] == 2
        keys = [c["key"] for s in made["spec"]["sections"] for c in s["criteria"]]
        for part in (told["summary"], caring, cold):
            assert [each["key"] for each in part["criteria"]] == keys
        for place, criterion in enumerate(told["summary"]["criteria"]):
            scores = [each["criteria"][place]["score"] for each in (caring, cold)]
            numbers = [score for score in scores if score is not None]
            assert criterion["scores"]["count"] == len(numbers)
            assert sum(criterion["scores"]["classes"]) == len(numbers)
            left = criterion["no_opportunity"] + criterion["abstained"] + criterion["not_asked"]
            assert len(numbers) + left == 2
        assert await stored(database, partner) == before
        assert (await dry_run_of(partner, made["id"], samples(CARING, COLD))).json() == told

    async def test_a_version_beside_a_newer_draft(self, partner: Partner) -> None:
        spec = new_spec(target=70)
        made = await create(partner, spec)
        await publish(partner, made["id"])
        harder = {"spec": spec | {"target": 100, "description": ""}, "expected_revision": 1}
        await put(partner, f"/v1/rubrics/{made['id']}/draft", harder)
        draft = (await dry_run_of(partner, made["id"], samples(CARING))).json()
        first = (await dry_run_of(partner, made["id"], samples(CARING, version=1))).json()
        assert (draft["version"], draft["revision"]) == (None, 2)
        assert (first["version"], first["revision"]) == (1, None)
        assert "description-missing" in {each["code"] for each in draft["findings"]}
        assert "description-missing" not in {each["code"] for each in first["findings"]}
        assert draft["conversations"][0]["overall"] == first["conversations"][0]["overall"]
        assert draft["conversations"][0]["passed"] is False
        missing = await dry_run_of(partner, made["id"], samples(CARING, version=2))
        assert (missing.status_code, missing.json()["code"]) == (404, "not-found")

    async def test_faults_that_hinder_nothing_are_told(self, partner: Partner) -> None:
        spec = faulty_spec()
        spec["sections"][0]["criteria"][0]["indicators"][0]["key"] = "thanks"
        made = await create(partner, spec)
        told = (await dry_run_of(partner, made["id"])).json()
        assert told["publishable"] is False
        assert told["findings"] == made["findings"]

    async def test_a_rubric_that_scores_nothing_is_refused(self, partner: Partner) -> None:
        made = await create(partner, faulty_spec())
        response = await dry_run_of(partner, made["id"])
        assert (response.status_code, response.json()["code"]) == (422, "rubric-has-faults")
        assert "/spec/sections/0/criteria/0/indicators/0/key" in pointers_of(response)

    async def test_what_is_odd_about_a_conversation_is_flagged(self, partner: Partner) -> None:
        made = await create(partner)
        hidden = [TURNS[0], TURNS[1] | {"text": TURNS[1]["text"] + "\u200b\u200b"}]
        body = samples(hidden, TURNS)
        body["conversations"][1]["language"] = "de"
        first, second = (await dry_run_of(partner, made["id"], body)).json()["conversations"]
        assert "invisible_characters_removed" in first["flags"]
        assert "unsupported_language" in second["flags"]
        assert second["overall"] is None

    async def test_twenty_at_once(self, partner: Partner) -> None:
        made = await create(partner)
        line = "I understand, and I will look into the late order right now for you. "
        turns = [{"role": role, "text": line} for role in ("customer", "agent")] * 10
        response = await dry_run_of(partner, made["id"], samples(*[turns] * 20))
        assert response.status_code == 200
        assert len(response.json()["conversations"]) == 20


class TestBadInput:
    @pytest.mark.parametrize(
        ("body", "pointers"),
        [
            ({}, ["/conversations"]),
            ({"conversations": []}, ["/conversations"]),
            ({"conversations": SAMPLES["conversations"] * 21}, ["/conversations"]),
            (SAMPLES | {"version": 0}, ["/version"]),
            (SAMPLES | {"color": "red"}, ["/color"]),
            (samples([TURNS[0]]), ["/conversations/0/turns"]),
            (samples(TURNS, [TURNS[0], {"role": "king", "text": ""}]), None),
            (samples([each | {"text": "x" * 8000} for each in TURNS] * 7), ["/conversations"]),
        ],
    )
    async def test_every_wrong_field_is_named(
        self, partner: Partner, body: Json, pointers: list[str] | None
    ) -> None:
        made = await create(partner)
        response = await dry_run_of(partner, made["id"], body)
        assert (response.status_code, response.json()["code"]) == (400, "validation-failed")
        wrong = [f"/conversations/1/turns/1/{name}" for name in ("role", "text")]
        assert set(pointers or wrong) <= set(pointers_of(response))

    async def test_more_than_a_message_holds(
        self, partner: Partner, nats: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = await create(partner)
        monkeypatch.setattr(nats, "_max_payload", 1000)
        response = await dry_run_of(partner, made["id"])
        assert (response.status_code, response.json()["code"]) == (413, "payload-too-large")


def _is_unavailable(response: httpx.Response) -> bool:
    problem = response.json()
    assert (response.status_code, problem["code"]) == (503, "temporary-reduced-capacity")
    assert int(response.headers["retry-after"]) >= 1
    assert problem["retryable"] is True
    assert problem["detail"].startswith("The judges could not answer in time")
    return True


class TestUnavailable:
    async def test_without_any_judge(self, partner: Partner) -> None:
        made = await create(partner)
        assert _is_unavailable(await dry_run_of(partner, made["id"]))

    async def test_a_judge_that_never_answers(
        self, partner: Partner, nats: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def ignore(_message: Msg) -> None:
            pass

        monkeypatch.setattr(trials, "PATIENCE_S", 0.1)
        silent = await nats.subscribe(JUDGE_DRY_RUN, cb=ignore)
        made = await create(partner)
        assert _is_unavailable(await dry_run_of(partner, made["id"]))
        await silent.unsubscribe()

    async def test_a_judge_that_fails_keeps_the_text_to_itself(
        self,
        partner: Partner,
        judges: DryRunEndpoint,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(transcript: Any, *_: Any, **__: Any) -> None:
            raise ValueError(transcript.turns[0].text)

        monkeypatch.setattr(dry_run, "judge", fail)
        made = await create(partner)
        with structlog.testing.capture_logs() as lines:
            assert _is_unavailable(await dry_run_of(partner, made["id"]))
        assert "dry_run.failed" in {line["event"] for line in lines}
        assert TURNS[0]["text"] not in str(lines)

    async def test_too_many_at_once_are_refused_at_once(
        self, partner: Partner, nats: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()

        def slow(*args: Any, **kwargs: Any) -> Any:
            go_on.wait(5)
            return judge(*args, **kwargs)

        monkeypatch.setattr(dry_run, "judge", slow)
        endpoint = DryRunEndpoint(nats, in_flight=2)
        await endpoint.open()
        made = await create(partner)
        tasks = [asyncio.create_task(dry_run_of(partner, made["id"])) for _ in range(5)]
        for _ in range(3):
            done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            tasks = [each for each in tasks if each not in done]
            assert all(_is_unavailable(each.result()) for each in done)
            if len(tasks) == 2:
                break
        go_on.set()
        assert [each.status_code for each in await asyncio.gather(*tasks)] == [200, 200]
        await endpoint.close()


async def _ask(nats: Client, payload: bytes) -> Msg:
    return await nats.request(JUDGE_DRY_RUN, payload, timeout=5)


class TestJudges:
    """The worker's side, whoever asks."""

    @pytest.mark.usefixtures("judges")
    @pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"samples": [], "rubric": 1}'])
    async def test_nonsense_is_refused(self, nats: Client, payload: bytes) -> None:
        message = await _ask(nats, payload)
        assert (message.headers or {})[ERROR_CODE_HEADER] == "400"

    async def test_late_ones_are_dropped(self, nats: Client, question: bytes) -> None:
        endpoint = DryRunEndpoint(nats, deadline_s=0.0)
        await endpoint.open()
        message = await _ask(nats, question)
        assert (message.headers or {})[ERROR_CODE_HEADER] == "503"
        await endpoint.close()

    async def test_closing_does_not_wait_for_the_rest(
        self, nats: Client, question: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun = threading.Event()
        closing = threading.Event()

        def slow(*args: Any, **kwargs: Any) -> Any:
            begun.set()
            closing.wait(5)
            return judge(*args, **kwargs)

        monkeypatch.setattr(dry_run, "judge", slow)
        endpoint = DryRunEndpoint(nats)
        await endpoint.open()
        asked = asyncio.create_task(_ask(nats, question))
        await asyncio.to_thread(begun.wait, 5)
        closed = asyncio.create_task(endpoint.close())
        await asyncio.sleep(0.05)
        closing.set()
        async with asyncio.timeout(20):
            await closed
        assert ((await asked).headers or {})[ERROR_CODE_HEADER] == "503"

    @pytest.mark.usefixtures("judges")
    async def test_the_same_question_has_the_same_answer(
        self, nats: Client, question: bytes
    ) -> None:
        first, second = await _ask(nats, question), await _ask(nats, question)
        assert first.data == second.data
        assert len(msgspec.json.decode(first.data, type=DryRunReply).samples) == 2


@pytest.fixture
def question() -> bytes:
    turns = [each | {"id": f"t{number}"} for number, each in enumerate(CARING)]
    sample = {"transcript": {"turns": turns, "source": "call"}}
    return msgspec.json.encode({"rubric": new_spec(), "samples": [sample, sample]})

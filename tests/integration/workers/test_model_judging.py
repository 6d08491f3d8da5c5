"""Scorings with a model as judge: what is stored, what is cached, what a fault leaves."""

from collections.abc import AsyncIterator
from unittest.mock import patch

import msgspec
import pytest
from nats.aio.client import Client

from infra.llm_fake.script import Answer, Fault, Match, Rule, Script, answering
from services.scoring_worker import asking
from services.scoring_worker.asking import AT_ONCE, MAX_FAILURES
from services.scoring_worker.judging.model.planning import PER_CALL
from services.scoring_worker.replay import replay
from services.scoring_worker.verdicts import COLUMN
from shared.config import Settings
from shared.contracts.llm import Judging, WhyEmbedded
from shared.contracts.scoring import JudgeResult
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import UnsealError
from tests.integration.workers.model_bench import CALL, Bench, new_learner, open_bench
from tests.support.tenants import TenantFactory

NOT_JSON = Answer(text="Everything was wonderful.")


@pytest.fixture
async def bench(
    database: Database, keys: KeyRing, tenants: TenantFactory, settings: Settings, nats: Client
) -> AsyncIterator[Bench]:
    async with open_bench(database, keys, tenants, settings, nats, llm_timeout_s=1.0) as opened:
        yield opened


@pytest.fixture
async def patient(
    database: Database, keys: KeyRing, tenants: TenantFactory, settings: Settings, nats: Client
) -> AsyncIterator[Bench]:
    """The same with the usual deadline."""
    async with open_bench(database, keys, tenants, settings, nats) as opened:
        yield opened


def alone(result: JudgeResult) -> JudgeResult:
    """The result without what is said about the model."""
    return msgspec.structs.replace(result, why=None, model=None)


async def test_without_a_wish_no_model_is_asked(bench: Bench) -> None:
    result = await bench.judge()
    assert (result.engine, result.why, result.model) == ("embedded", None, None)
    assert bench.fake.count == 0


async def test_the_model_judges_and_the_result_says_so(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    result = await bench.judge()
    model = result.model
    assert model is not None
    assert (result.engine, result.why, model.mode) == ("model", None, Judging.MODEL)
    assert 0 < model.answered <= model.asked
    assert model.agreement is not None
    assert len(model.replies) == bench.fake.count == -(-model.asked // PER_CALL)
    for reply in model.replies:
        assert (reply.failure, reply.is_cached, len(reply.boundary)) == (None, False, 20)
        (call,) = reply.calls
        assert (call.model, call.temperature) == ("fake-1", 0)
        assert call.host.startswith("127.0.0.1:")
        assert call.output_tokens > 0
    said = {f"t{place}": text for place, (_, text) in enumerate(CALL, 1)}
    quotes = [
        each for criterion in result.criteria for i in criterion.indicators for each in i.evidence
    ]
    assert quotes != []
    for each in quotes:
        assert said[each.turn_id][each.start : each.end] == each.quote


async def test_personal_data_stays_here_and_quotes_hold(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    result = await bench.judge()
    assert bench.fake.count > 0
    for asked in bench.fake.asked:
        assert "ana.bell@example.com" not in msgspec.json.encode(asked.json()).decode()
    assert result.model is not None
    assert result.model.withdrawn == 0


async def test_the_learners_name_stays_here_too(bench: Bench) -> None:
    sealed = (await bench.key()).seal_text("Priya Raman", "learners.name", bench.learner_id.bytes)
    await bench.run(
        "update learners set name = $2 where tenant_id = $1 and learner_id = $3",
        sealed,
        bench.learner_id,
    )
    await bench.use(Judging.MODEL)
    result = await bench.judge()
    assert bench.fake.count > 0
    for asked in bench.fake.asked:
        told = msgspec.json.encode(asked.json()).decode()
        assert "Northfield Water" in told
        assert "Priya" not in told
    assert result.model is not None
    assert result.model.withdrawn == 0


async def test_the_same_conversation_is_asked_once(bench: Bench) -> None:
    await bench.use(Judging.MODEL, samples=2)
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    first, calls = await bench.result(scoring_id), bench.fake.count
    again = await bench.judge_again(scoring_id)
    assert bench.fake.count == calls > 0
    assert first.model is not None
    assert again.model is not None
    assert all(reply.is_cached for reply in again.model.replies)
    assert [reply.calls for reply in again.model.replies] == [
        reply.calls for reply in first.model.replies
    ]
    assert again.criteria == first.criteria
    assert (await bench.judge()).criteria == first.criteria  # the same words, handed in again
    assert bench.fake.count == calls


async def test_answers_rest_sealed_and_belong_to_one_learner(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    await bench.judge()
    calls = bench.fake.count
    rows = await bench.run("select content, answer from llm_verdicts where tenant_id = $1")
    assert len(rows) == calls
    key = await bench.key()
    for row in rows:
        assert b"verdict" in key.open(row["answer"], COLUMN, row["content"])
        assert b"verdict" not in row["answer"]
    other = bench._replace(
        learner_id=await new_learner(bench.database, bench.keys, bench.tenant_id)
    )
    await other.judge()
    assert bench.fake.count == 2 * calls
    stranger = await other.key()
    with pytest.raises(UnsealError):  # with the learner's key gone, nobody reads it
        stranger.open(rows[0]["answer"], COLUMN, rows[0]["content"])
    await bench.run(
        "delete from llm_verdicts where tenant_id = $1 and learner_id = $2", bench.learner_id
    )
    left = await bench.run("select learner_id from llm_verdicts where tenant_id = $1")
    assert {row["learner_id"] for row in left} == {other.learner_id}


async def test_a_crash_after_some_answers_asks_only_the_rest(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    message, scoring_id = await bench.hand_in()
    with (
        patch.object(bench.worker, "_store_one_of_many", side_effect=RuntimeError("killed")),
        pytest.raises(RuntimeError),
    ):
        await bench.worker.handle(message)
    calls = bench.fake.count
    await bench.run(
        "delete from llm_verdicts where tenant_id = $1 and content ="
        " (select min(content) from llm_verdicts where tenant_id = $1)"
    )
    await bench.run("update jobs set lease_until = null where tenant_id = $1")
    await bench.worker.handle(message)
    assert bench.fake.count == calls + 1
    result = await bench.result(scoring_id)
    assert result.model is not None
    assert sum(reply.is_cached for reply in result.model.replies) == calls - 1
    await bench.worker.handle(message)  # a second delivery finds nothing to do
    assert bench.fake.count == calls + 1


async def test_a_cascade_asks_less(bench: Bench) -> None:
    await bench.use(Judging.CASCADE)
    result = await bench.judge()
    assert (result.engine, result.why) == ("cascade", None)
    assert result.model is not None
    assert 0 < result.model.asked <= 3 * PER_CALL
    assert bench.fake.count <= 3


async def test_a_test_key_spends_nothing(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    message, scoring_id = await bench.hand_in()
    await bench.run("update scorings set environment = 'test' where tenant_id = $1")
    await bench.worker.handle(message)
    result = await bench.result(scoring_id)
    assert (result.engine, result.why) == ("embedded", WhyEmbedded.TEST_KEY)
    assert bench.fake.count == 0


async def test_settings_that_nobody_can_read_leave_a_mark(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "POLICY_RESTS_S", (0.0, 0.0))
    await bench.use(Judging.MODEL)
    await bench.run("update llm_settings set endpoint = '\\x00' where tenant_id = $1")
    message, scoring_id = await bench.hand_in()
    await bench.worker.handle(message)
    result = await bench.result(scoring_id)
    assert (result.engine, result.why, result.model) == (
        "embedded",
        WhyEmbedded.UNACCOUNTED,
        None,
    )
    assert result.overall is not None
    assert bench.fake.count == 0
    again = await replay(bench.database, bench.keys, bench.tenant_id, scoring_id)
    assert again.is_same


FAULTS = {
    "timeout": (answering(fault=Fault.HALF_OPEN), WhyEmbedded.TIMEOUT),
    "slow": (answering(byte_ms=1000, text="x"), WhyEmbedded.TIMEOUT),
    "reset": (answering(fault=Fault.RESET_BEFORE), WhyEmbedded.UNREACHABLE),
    "cut": (answering(fault=Fault.CUT), WhyEmbedded.UNREACHABLE),
    "500": (answering(status=500), WhyEmbedded.SERVER_ERROR),
    "401": (answering(status=401), WhyEmbedded.UNAUTHORIZED),
    "404": (answering(status=404), WhyEmbedded.REJECTED),
    "429": (answering(status=429, retry_after=30), WhyEmbedded.RATE_LIMITED),
    "refusal": (answering(refusal="No."), WhyEmbedded.REFUSED),
    "filter": (answering(text="x", finish="content_filter"), WhyEmbedded.REFUSED),
    "empty": (answering(fault=Fault.EMPTY), WhyEmbedded.MALFORMED),
    "not json": (answering(NOT_JSON), WhyEmbedded.MALFORMED),
    "wrong schema": (answering(fault=Fault.WRONG_SCHEMA), WhyEmbedded.MALFORMED),
    "malformed": (answering(fault=Fault.MALFORMED), WhyEmbedded.MALFORMED),
    "huge": (answering(fault=Fault.HUGE), WhyEmbedded.MALFORMED),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_leaves_an_embedded_result_and_few_calls(
    bench: Bench, fault: str
) -> None:
    script, why = FAULTS[fault]
    await bench.use(Judging.MODEL)
    bench.fake.play(script)
    result = await bench.judge()
    assert (result.engine, result.why) == ("embedded", why)
    assert result.overall is not None
    assert result.model is not None
    assert result.model.answered == 0
    # Those under way when the first failed, each repaired once at most.
    assert 1 <= bench.fake.count <= 2 * (AT_ONCE + MAX_FAILURES - 1)
    rows = await bench.run(
        "select status, count(*) as calls from llm_calls where tenant_id = $1 group by status"
    )
    assert {row["status"] for row in rows} == {"settled"}
    assert await bench.run("select 1 from llm_verdicts where tenant_id = $1") == []


async def test_a_fault_changes_no_number(
    bench: Bench,
    database: Database,
    keys: KeyRing,
    tenants: TenantFactory,
    settings: Settings,
    nats: Client,
) -> None:
    await bench.use(Judging.MODEL)
    bench.fake.play(answering(status=500))
    failed = await bench.judge()
    assert failed.why is WhyEmbedded.SERVER_ERROR
    async with open_bench(database, keys, tenants, settings, nats) as other:
        assert alone(failed) == await other.judge()


async def test_one_failed_question_loses_its_indicators_only(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    rule = Rule(match=Match(first=1), answer=Answer(refusal="No."))
    bench.fake.play(Script(rules=(rule,)))
    result = await bench.judge()
    assert (result.engine, result.why) == ("model", WhyEmbedded.REFUSED)
    assert result.model is not None
    assert sum(reply.failure is not None for reply in result.model.replies) == 1
    judged = {i.key: i.judged_by for criterion in result.criteria for i in criterion.indicators}
    assert msgspec.UNSET in judged.values()
    assert "model" in judged.values()


async def test_a_place_among_the_calls_is_waited_for(patient: Bench) -> None:
    await patient.use(Judging.MODEL)
    await patient.run("update llm_settings set max_in_flight = 1 where tenant_id = $1")
    result = await patient.judge()
    assert (result.engine, result.why) == ("model", None)
    assert result.model is not None
    assert patient.fake.count == len(result.model.replies) > 1


async def test_a_budget_that_is_used_up_is_respected(bench: Bench) -> None:
    await bench.use(Judging.MODEL)
    await bench.run("update llm_settings set scoring_budget_microusd = 1 where tenant_id = $1")
    result = await bench.judge()
    assert (result.engine, result.why) == ("embedded", WhyEmbedded.BUDGET)
    assert bench.fake.count == 0

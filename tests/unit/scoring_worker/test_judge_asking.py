"""When nobody is asked, how long a question waits, and what is found out with patience."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from typing_extensions import override

from services.scoring_worker import asking
from services.scoring_worker.asking import Asker, Subject, patient_policy
from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.model.answers import Answers
from services.scoring_worker.judging.model.planning import Plan
from shared.clock import SystemClock
from shared.contracts.llm import Judging, ModelPolicy, Prompt, Task, WhyEmbedded
from shared.db.sealed import SealKey
from shared.llm.ports import (
    ChatAnswer,
    ChatRequest,
    LanguageModel,
    Listener,
    ModelFailedError,
    Purpose,
    Structured,
)

TENANT, LEARNER = UUID(int=1), UUID(int=2)
KEY = SealKey(TENANT, bytes(32))


class Endpoint(LanguageModel):
    """Answers everything with nothing; its settings cannot be read so many times."""

    def __init__(self, *, unread: int = 0) -> None:
        self.asked: list[ChatRequest] = []
        self._unread = unread

    @override
    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        self._unread -= 1
        if self._unread >= 0:
            raise ModelFailedError(WhyEmbedded.UNACCOUNTED)
        return ModelPolicy(judging=Judging.MODEL)

    @override
    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        raise AssertionError("the judge wants a form")

    @override
    async def structured(self, request: ChatRequest, kind: type[Any]) -> Structured[Any]:
        self.asked.append(request)
        return Structured(value=Answers(answers=()), calls=())


def asker(model: LanguageModel) -> Asker:
    """One without a database: nothing here reads or keeps an answer."""
    settings: Any = SimpleNamespace(llm_model="")
    return Asker(model, settings, None, None, clock=SystemClock())  # type: ignore[arg-type]  # see above


def request(deadline_s: float) -> ChatRequest:
    return ChatRequest(
        purpose=Purpose(tenant_id=TENANT, task=Task.JUDGING, environment="live"),
        prompt=Prompt(messages=(), version="0" * 12),
        key=KEY,
        max_output_tokens=100,
        deadline_s=deadline_s,
    )


def subject(talks: Any, environment: Any = "live") -> Subject:
    purpose = Purpose(tenant_id=TENANT, task=Task.JUDGING, environment=environment)
    return Subject(purpose, LEARNER, talks.get("support", "good"))


@pytest.fixture(scope="module")
def plan(talks):
    made = Hearing(talks.get("support", "good"), talks.rubric("support")).plan(Judging.MODEL, 1)
    assert made.asks
    return made


class TestWaiting:
    async def test_for_a_place_nobody_waits_beyond_the_end(self):
        model, now = Endpoint(), asyncio.get_running_loop().time
        busy = asker(model)
        busy._places = asyncio.Semaphore(0)
        with pytest.raises(ModelFailedError) as failed:
            await busy.ask(request(60), now() + 0.05)
        assert failed.value.why is WhyEmbedded.TIMEOUT
        assert model.asked == []

    async def test_an_answer_has_no_more_time_than_is_left(self):
        model, now = Endpoint(), asyncio.get_running_loop().time
        await asker(model).ask(request(60), now() + 5)
        await asker(model).ask(request(60), now() + 500)
        assert [each.deadline_s <= 5 for each in model.asked] == [True, False]
        assert model.asked[1].deadline_s == 60

    async def test_after_the_end_nothing_is_asked_and_every_place_is_given_back(self):
        model, now = Endpoint(), asyncio.get_running_loop().time
        late = asker(model)
        late._places = asyncio.Semaphore(1)
        for _ in range(3):
            with pytest.raises(ModelFailedError):
                await late.ask(request(60), now() - 1)
        await late.ask(request(60), now() + 5)
        assert len(model.asked) == 1


class TestNobodyIsAsked:
    @pytest.mark.parametrize(
        ("policy", "environment", "why"),
        [
            (ModelPolicy(), "live", WhyEmbedded.NO_MODEL),
            (ModelPolicy(disabled=(Task.JUDGING,)), "live", WhyEmbedded.DISABLED),
            (ModelPolicy(default_model="m"), "test", WhyEmbedded.TEST_KEY),
        ],
    )
    async def test_the_result_says_why(self, talks, plan, policy, environment, why):
        model = Endpoint()
        heard = await asker(model).hear(subject(talks, environment), plan, policy)
        assert (heard.why, heard.replies, model.asked) == (why, (), [])

    async def test_where_there_was_nothing_to_ask_there_is_no_reason(self, talks):
        nothing = Plan(mode=Judging.CASCADE)
        for environment in ("live", "test"):
            heard = await asker(Endpoint()).hear(
                subject(talks, environment), nothing, ModelPolicy(default_model="m")
            )
            assert heard.why is None


class TestSettings:
    @pytest.fixture(autouse=True)
    def _hurried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asking, "POLICY_RESTS_S", (0.0, 0.0))

    async def test_trouble_that_passes_is_waited_out(self):
        policy = await patient_policy(Endpoint(unread=2), TENANT)
        assert policy is not None
        assert policy.judging is Judging.MODEL

    async def test_trouble_that_stays_is_told(self):
        with pytest.raises(ModelFailedError) as failed:
            await patient_policy(Endpoint(unread=3), TENANT)
        assert failed.value.why is WhyEmbedded.UNACCOUNTED

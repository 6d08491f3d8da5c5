"""How long a model may take over one conversation, however many questions it needs."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from typing_extensions import override

from services.scoring_worker import asking, rendering
from services.scoring_worker.asking import Asker
from services.scoring_worker.judging.model.planning import Ask
from services.scoring_worker.rendering import Chunk, Renderer
from shared.clock import SystemClock
from shared.contracts.llm import Task, WhyEmbedded
from shared.contracts.scoring import TranscriptTurn
from shared.llm.ports import ChatRequest, ModelFailedError, Purpose, Structured
from tests.support.rendered import KEY, TENANT, Book

USUAL_AND_MOST = [(1.0, 9.0), (20.0, 180.0)]


class Memory:
    """Remembers nothing."""

    key = KEY

    async def find(self, _language: str, _portions: Any) -> dict[bytes, Any]:
        return {}

    async def keep(self, *_kept: Any) -> None:
        return None


def renderer(usual_s: float) -> Renderer:
    settings: Any = SimpleNamespace(llm_timeout_s=usual_s, llm_model="m")
    return Renderer(None, settings, None, None, clock=SystemClock())  # type: ignore[arg-type]  # unread


def round_of(model: Book, usual_s: float) -> rendering._Round:
    purpose = Purpose(tenant_id=TENANT, task=Task.APPRAISAL, environment="live")
    return rendering._Round(renderer(usual_s), model, purpose, "de", Memory())  # type: ignore[arg-type]  # see above


def chunks(count: int) -> list[Chunk]:
    return [
        Chunk(
            number=number,
            before=(),
            turns=(TranscriptTurn(id=f"t{number}", role="agent", text="Guten Tag."),),
        )
        for number in range(count)
    ]


class TestRendering:
    @pytest.mark.parametrize(("usual_s", "most_s"), [*USUAL_AND_MOST, (300.0, 240.0)])
    def test_all_questions_have_a_limit(self, usual_s: float, most_s: float) -> None:
        assert renderer(usual_s).limit_s == most_s

    async def test_while_there_is_time_everything_is_asked(self) -> None:
        model = Book({})
        found, _, portions = await round_of(model, 20).all(chunks(6))
        assert (len(model.asked), len(found), len(portions)) == (6, 6, 6)
        assert all(request.deadline_s <= rendering.PATIENCE * 20 for request in model.asked)

    async def test_an_answer_has_no_more_time_than_is_left(self) -> None:
        model = Book({})
        round_ = round_of(model, 20)
        round_._until = asyncio.get_running_loop().time() + 3
        await round_.all(chunks(1))
        assert model.asked[0].deadline_s <= 3

    async def test_when_the_time_is_over_nothing_more_is_asked(self) -> None:
        class Slow(Book):
            @override
            async def structured(self, request: ChatRequest, kind: Any) -> Structured[Any]:
                round_._until = asyncio.get_running_loop().time() + rendering.LEAST_S / 2
                return await super().structured(request, kind)

        model = Slow({})
        round_ = round_of(model, 20)
        with pytest.raises(ModelFailedError) as failed:
            await round_.all(chunks(6))
        assert failed.value.why is WhyEmbedded.TIMEOUT
        assert len(model.asked) == 1
        assert len(failed.value.calls) == 1  # what was paid for is named


def judging_round(model: Book, usual_s: float) -> asking._Round:
    settings: Any = SimpleNamespace(llm_model="m")
    asker = Asker(model, settings, None, None, clock=SystemClock())  # type: ignore[arg-type]  # unread
    purpose = Purpose(tenant_id=TENANT, task=Task.JUDGING, environment="live")
    subject: Any = SimpleNamespace(purpose=purpose, learner_id=UUID(int=2), transcript=None)
    return asking._Round(asker, subject, KEY, Memory(), usual_s)  # type: ignore[arg-type]  # see above


class TestJudging:
    @pytest.mark.parametrize(("usual_s", "most_s"), [*USUAL_AND_MOST, (300.0, 270.0)])
    async def test_all_questions_have_a_limit(self, usual_s: float, most_s: float) -> None:
        now = asyncio.get_running_loop().time()
        until = judging_round(Book({}), usual_s)._until
        assert now + most_s <= until < now + most_s + 1

    async def test_when_the_time_is_over_nothing_is_asked(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "build_prompt", lambda *_: None)
        model = Book({})
        round_ = judging_round(model, 20)
        round_._until = asyncio.get_running_loop().time() - 1
        results = [
            await round_.answer(Ask(number=number, sample=0, questions=()), b"", None)
            for number in range(4)
        ]
        assert [result.reply.failure for result in results] == [WhyEmbedded.TIMEOUT] * 4
        assert model.asked == []

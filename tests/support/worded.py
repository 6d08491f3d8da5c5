"""Conversations worded by a model that tests write, without servers."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec

from services.sim_worker.context import Context
from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.playing import NextLine
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.reply import make_reply
from services.sim_worker.steps import SpokenTurn
from services.sim_worker.wording import Asker
from shared.contracts.llm import CallNote, ModelPolicy, Task, WhyEmbedded
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import Line, Move, PersonaState
from shared.db.sealed import SealKey
from shared.llm.ports import (
    Answer,
    ChatAnswer,
    ChatRequest,
    LanguageModel,
    Listener,
    ModelFailedError,
    Purpose,
    StopListening,
    Structured,
)

TENANT = UUID(int=7)
KEY = SealKey(TENANT, bytes(32))

Says = Callable[[ChatRequest], str | Exception]
"""The model: its answer, or what goes wrong."""


class CountedIds:
    """Ids 1, 2, 3 ..."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def new(self) -> UUID:
        return UUID(int=next(self._numbers))


class SayingModel(LanguageModel):
    """Says what a test makes it say, in pieces of some characters where somebody listens."""

    def __init__(
        self, says: Says, *, policy: ModelPolicy | None = None, size: int = 7, finish: str = "stop"
    ) -> None:
        self.asked: list[ChatRequest] = []
        self._says = says
        self._policy = policy or ModelPolicy()
        self._size = size
        self._finish = finish

    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        return self._policy

    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        self.asked.append(request)
        answer = self._says(request)
        if isinstance(answer, Exception):
            raise answer
        is_cut = listener is not None and not await self._patiently(request, answer, listener)
        return ChatAnswer(text=answer, call=note_of(request, self._finish), is_cut=is_cut)

    async def structured(self, request: ChatRequest, kind: type[Answer]) -> Structured[Answer]:
        raise ModelFailedError(WhyEmbedded.MALFORMED)

    async def _patiently(self, request: ChatRequest, answer: str, listener: Listener) -> bool:
        """Tell it while somebody waits for it, as the gateway does."""
        until = request.until
        if until is None:
            return await self._tell(answer, listener)

        async def hear(piece: str) -> None:
            await listener(piece)
            limit.reschedule(until())

        try:
            async with asyncio.timeout_at(until()) as limit:
                return await self._tell(answer, hear)
        except TimeoutError as late:
            raise ModelFailedError(WhyEmbedded.TIMEOUT, (note_of(request, ""),)) from late

    async def _tell(self, answer: str, listener: Listener) -> bool:
        """Say whether the listener heard it to its end."""
        try:
            for at in range(0, len(answer), self._size):
                await listener(answer[at : at + self._size])
        except StopListening:
            return False
        return True


def note_of(request: ChatRequest, finish: str = "stop") -> CallNote:
    """Return where an answer to a request would come from."""
    return CallNote(
        call_id=UUID(int=1),
        task=request.purpose.task,
        model="saying",
        host="model.test",
        prompt_version=request.prompt.version,
        temperature=None,
        max_output_tokens=request.max_output_tokens,
        seed=request.seed,
        input_tokens=1,
        output_tokens=1,
        cost_microusd=1,
        latency_ms=1,
        finish_reason=finish,
    )


def data_of(request: ChatRequest) -> dict[str, object]:
    """Return the JSON object of the prompt's user message."""
    user = request.prompt.messages[1].content
    return cast(
        "dict[str, object]", msgspec.json.decode(user[user.index("{") : user.rindex("}") + 1])
    )


def draft_of(request: ChatRequest) -> str:
    """Return the line as it would be said without a model."""
    return str(data_of(request)["draft"])


def asker_of(lines: Sequence[Line], *, environment: str = "live", limit_s: float = 12.0) -> Asker:
    """Return for whom the next line is worded."""
    heard = tuple(lines)

    async def said() -> tuple[Line, ...]:
        return heard

    purpose = Purpose(
        tenant_id=TENANT,
        task=Task.WORDING,
        environment="live" if environment == "live" else "test",
        simulation_id=UUID(int=9),
        seq=len(heard),
    )
    return Asker(purpose=purpose, key=KEY, limit_s=limit_s, said=said)


class Talk:
    """One conversation as the worker makes it."""

    def __init__(
        self, scenario: ScenarioSpec, model: LanguageModel, *, seed: int, streams: bool = False
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.model = model
        self.state: PersonaState = start(scenario)
        self.lines = [Line(role="customer", text=opening_line(scenario, seed))]
        self.turns: list[SpokenTurn] = []
        self.told: list[str] = []
        """Of the last reply."""
        self._streams = streams
        ids = CountedIds()
        wording = ModelWording(model, ids)
        self._context = cast("Context", SimpleNamespace(wording=wording, ids=ids, model=model))

    async def say(self, text: str, **asked: Any) -> SpokenTurn:
        """Let the learner say something; return the reply."""
        self.lines.append(Line(role="agent", text=text))
        self.told = []
        reply = await make_reply(
            self._context,
            self.scenario,
            self.state,
            self.lines,
            seed=self.seed,
            seq=len(self.lines),
            asker=asker_of(self.lines, **asked),
            told=self._hear if self._streams else None,
        )
        self.lines.append(Line(role="customer", text=reply.text))
        self.turns.append(reply)
        self.state = move_of(reply).state
        return reply

    async def play(self, learner: NextLine) -> "Talk":
        """Play to the end."""
        while not self.turns or move_of(self.turns[-1]).end_reason is None:
            said = learner(self.state, self.lines)
            if said is None:
                break
            await self.say(said)
        return self

    async def _hear(self, piece: str) -> None:
        self.told.append(piece)


def move_of(turn: SpokenTurn) -> Move:
    """Return the engine's move behind a customer's turn."""
    assert turn.move is not None
    return turn.move

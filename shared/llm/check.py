"""Finds out what an endpoint can do, with some small questions that cost next to nothing."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import Message, Usage, WhyEmbedded
from shared.llm.adapting import Form, Question, ask
from shared.llm.failures import CallFailedError
from shared.llm.records import TenantModel
from shared.llm.schema import schema_of
from shared.llm.streaming import StreamReader
from shared.llm.structured import Reading
from shared.llm.wire import Heard

if TYPE_CHECKING:  # it brings the openai package along
    from shared.llm.client import Line

DEADLINE_S: Final = 60.0
"""Of each question: a local server may have to load its model first."""

TURN_INPUT: Final = 1100
TURN_OUTPUT: Final = 60
"""Tokens of a typical worded turn."""

Seeds = Literal["repeats", "accepted", "rejected"]


class _Capital(msgspec.Struct, frozen=True):
    """The answer to a question with one answer."""

    city: str
    letters: int


class Findings(Record, frozen=True, kw_only=True):
    """What an endpoint can do; None: not found out."""

    host: str
    model: str
    failure: WhyEmbedded | None = None
    """Why it cannot be used; None: it can."""
    status: int | None = None
    is_model_listed: bool | None = None
    latency_ms: int | None = None
    """Of a short answer."""
    first_delta_ms: int | None = None
    is_streaming: bool | None = None
    """Whether an answer came in more than one piece."""
    has_usage: bool | None = None
    has_stream_usage: bool | None = None
    form: Form | None = None
    """How it holds answers to a schema; `text`: by being asked to."""
    is_form_kept: bool | None = None
    """Whether such an answer could be read."""
    seeds: Seeds | None = None
    without: tuple[str, ...] = ()
    """Parameters it rejects."""
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    turn_microusd: int | None = None
    """What a typical turn costs."""
    is_price_known: bool | None = None


class _Listener:
    def __init__(self) -> None:
        self.pieces = 0

    async def hear(self, _piece: str) -> None:
        self.pieces += 1


class Check:
    """One look at a model of an endpoint."""

    def __init__(self, line: "Line", tenant: TenantModel, model: str, now: datetime) -> None:
        self._line = line
        self._tenant = tenant
        self._model = model
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._found = Findings(host=tenant.endpoint.host, model=model)

    async def run(self) -> Findings:
        """Ask; never raises for what an endpoint does."""
        self._price()
        try:
            await self._answers()
        except CallFailedError as failed:
            self._note(failure=failed.why, status=failed.status)
            return self._found
        for step in (self._lists, self._streams, self._keeps_forms, self._repeats):
            try:
                await step()
            except CallFailedError:  # what it cannot do stays unknown
                continue
        habits = self._line.habits(self._model)
        limit = "max_completion_tokens" if habits.is_new_limit else "max_tokens"
        self._note(limit=limit, without=tuple(sorted(habits.without)))
        return self._found

    def _note(self, **changes: object) -> None:
        self._found = msgspec.structs.replace(self._found, **changes)

    def _price(self) -> None:
        price = self._tenant.prices.price(self._model, self._found.host, self._now)
        cost = price.cost_microusd(Usage(input_tokens=TURN_INPUT, output_tokens=TURN_OUTPUT))
        self._note(turn_microusd=cost, is_price_known=price.is_known)

    async def _answers(self) -> None:
        started = self._loop.time()
        heard = await self._ask(self._question("Answer with the one word: ready", temperature=0.0))
        if heard.failure is not None:
            raise CallFailedError(heard.failure)
        self._note(latency_ms=_ms(self._loop.time() - started), has_usage=heard.usage is not None)

    async def _lists(self) -> None:
        if not self._tenant.endpoint.api_version:  # there, deployments are not listed
            listed = await self._line.models()
            self._note(is_model_listed=self._model in listed if listed else None)

    async def _streams(self) -> None:
        listener = _Listener()
        question = self._question("Count from one to twenty, in words.", is_stream=True)
        most = question.max_output_tokens
        reader = StreamReader(listener.hear, self._loop.time(), most_tokens=most)
        heard = await self._ask(question, reader)
        first = reader.first_delta_s
        self._note(
            is_streaming=listener.pieces > 1,
            has_stream_usage=heard.usage is not None,
            first_delta_ms=None if first is None else _ms(first),
        )

    async def _keeps_forms(self) -> None:
        question = self._question("What is the capital of France? How many letters has it?")
        schema = schema_of(_Capital)
        heard = await self._ask(msgspec.structs.replace(question, schema=schema))
        form = self._line.habits(self._model).form
        self._note(form=form, is_form_kept=Reading(_Capital).check(heard.text) is None)

    async def _repeats(self) -> None:
        question = self._question("Invent a name for a shop.", temperature=1.0, seed=7)
        said = {(await self._ask(question)).text for _ in range(3)}
        if "seed" in self._line.habits(self._model).without:
            self._note(seeds="rejected")
        else:
            self._note(seeds="repeats" if len(said) == 1 else "accepted")

    def _question(
        self,
        text: str,
        *,
        temperature: float | None = None,
        seed: int | None = None,
        is_stream: bool = False,
    ) -> Question:
        return Question(
            model=self._model,
            messages=(Message(role="user", content=text),),
            max_output_tokens=300,  # enough for a model that thinks a little first
            temperature=temperature,
            seed=seed,
            is_stream=is_stream,
        )

    async def _ask(self, question: Question, reader: StreamReader | None = None) -> Heard:
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await ask(self._line, question, reader)
        except TimeoutError:
            raise CallFailedError(WhyEmbedded.TIMEOUT) from None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)

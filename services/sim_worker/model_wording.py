"""The model's wording: asked at most twice, checked before anybody hears it, never in the way."""

import asyncio
from collections import OrderedDict
from typing import Final, Literal

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from services.sim_worker.engine.checks.examiner import Examiner, Ground
from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.engine.prompting import wording_prompt
from services.sim_worker.engine.wording import REMEMBERED_LINES
from services.sim_worker.finishing import owed
from services.sim_worker.gate import Gate
from services.sim_worker.wording import Asker, Place, Told, Worded, Wording, as_drafted
from shared.contracts.llm import CallNote, Task, WhyEmbedded, WordingNote
from shared.contracts.scenario import ScenarioSpec
from shared.ids import IdMaker
from shared.llm.ports import ChatAnswer, ChatRequest, LanguageModel, ModelFailedError

TRIES: Final = 2
"""Calls per line at most."""
HELD_S: Final = 6.0
"""Seconds that somebody who reads along waits for the first sentence; then the embedded wording."""
LEAST_S: Final = 1.0
"""Seconds that must be left for a second call to be worth its money."""
GROUNDS: Final = 500
"""Scenario versions whose ground is kept."""
_TOKENS: Final = (160, 700)
"""Bounds of an answer's tokens."""
_TOKENS_PER_WORD: Final = 6
"""More than any language needs for twice the draft."""
_SEEDS: Final = 2**31


class _Attempt(msgspec.Struct, kw_only=True):
    """What came of one call."""

    gate: Gate
    calls: tuple[CallNote, ...]
    why: WhyEmbedded | None = None
    """The call failed."""


class ModelWording(Wording):
    """Lets a model say the decided line; the embedded wording says it where the model does not."""

    def __init__(self, model: LanguageModel, ids: IdMaker) -> None:
        self._model = model
        self._ids = ids
        self._grounds: OrderedDict[int, tuple[ScenarioSpec, Ground]] = OrderedDict()

    @override
    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        asker = place.asker
        why = WhyEmbedded.NO_MODEL if asker is None else await self._why_not(asker)
        if asker is None or why is not None:
            return await as_drafted(request, told, WordingNote(engine="embedded", why=why))
        said = await asker.said()
        request = replace(request, last_lines=said[-REMEMBERED_LINES:])
        ground = self._ground(place.scenario)
        examiner = Examiner(ground, place.move, request, said)
        return await _Wordings(self._model, self._ids, asker, request, examiner, told).word()

    async def _why_not(self, asker: Asker) -> WhyEmbedded | None:
        """Return why no model is asked; what only a call can tell is not known yet."""
        try:
            policy = await self._model.policy(asker.purpose.tenant_id)
        except ModelFailedError as failed:
            return failed.why
        if policy is None:
            return WhyEmbedded.NO_MODEL
        if asker.purpose.environment == "test":
            return WhyEmbedded.TEST_KEY
        return WhyEmbedded.DISABLED if Task.WORDING in policy.disabled else None

    def _ground(self, scenario: ScenarioSpec) -> Ground:
        kept = self._grounds.get(id(scenario))
        if kept is not None:  # holding the scenario, nobody else has its id
            self._grounds.move_to_end(id(scenario))
            return kept[1]
        ground = Ground.of(scenario)
        self._grounds[id(scenario)] = (scenario, ground)
        if len(self._grounds) > GROUNDS:
            self._grounds.popitem(last=False)
        return ground


class _Wordings:
    """The attempts at one line."""

    def __init__(
        self,
        model: LanguageModel,
        ids: IdMaker,
        asker: Asker,
        request: WordingRequest,
        examiner: Examiner,
        told: Told | None,
    ) -> None:
        self._model = model
        self._ids = ids
        self._asker = asker
        self._request = request
        self._examiner = examiner
        self._told = told
        self._ends_at = asyncio.get_running_loop().time() + asker.limit_s
        self._calls: list[CallNote] = []
        self._drift: list[str] = []

    async def word(self) -> Worded:
        """Return the line, whatever the model does."""
        correction: str | None = None
        why: WhyEmbedded | None = None
        number = 0
        for number in range(TRIES):
            attempt = await self._attempt(number, correction)
            gate, why = attempt.gate, attempt.why
            self._calls += attempt.calls
            if gate.fault is not None:
                self._drift.append(gate.fault)
            if gate.line:
                return await self._finished(attempt, number)
            if why is not None or self._left_s() < LEAST_S:
                break
            correction = gate.fault
        note = self._note("embedded", why or WhyEmbedded.FAILED_CHECKS, number)
        return await as_drafted(self._request, self._told, note)

    async def _attempt(self, number: int, correction: str | None) -> _Attempt:
        gate = Gate(self._examiner, self._told)
        try:
            answer = await self._ask(gate, self._question(number, correction))
        except ModelFailedError as failed:
            return _Attempt(gate=gate, calls=failed.calls, why=failed.why)
        is_cut = answer.call.finish_reason == "length"
        if self._told is None:
            await gate.take(answer.text, is_cut=is_cut)
        else:
            await gate.finish(is_cut=is_cut)
        return _Attempt(gate=gate, calls=(answer.call,))

    async def _ask(self, gate: Gate, question: ChatRequest) -> ChatAnswer:
        if self._told is None:
            return await self._model.chat(question)
        held = min(asyncio.get_running_loop().time() + HELD_S, self._ends_at)

        def until() -> float:
            # once the first sentence is out, only the deadline counts
            return self._ends_at if gate.line else held

        try:
            # The gateway keeps the time, so that breaker and bill know of it.
            async with asyncio.timeout_at(self._ends_at + LEAST_S):
                return await self._model.chat(replace(question, until=until), gate.hear)
        except TimeoutError as late:
            raise ModelFailedError(WhyEmbedded.TIMEOUT) from late

    def _question(self, number: int, correction: str | None) -> ChatRequest:
        request = self._request
        boundary = f"data-{self._ids.new().hex[-16:]}"
        words = len(request.draft.split())
        return ChatRequest(
            purpose=self._asker.purpose,
            prompt=wording_prompt(request, boundary, correction),
            key=self._asker.key,
            max_output_tokens=min(max(_TOKENS[0], _TOKENS_PER_WORD * words), _TOKENS[1]),
            deadline_s=self._left_s(),
            kept=(*request.case.values(), request.draft, *request.open_facts),
            seed=draw(request.seed, request.seq, f"wording:{number}", _SEEDS),
            number=number,
        )

    async def _finished(self, attempt: _Attempt, number: int) -> Worded:
        """Return a line of which something was kept, with what it owes in embedded words."""
        gate = attempt.gate
        is_broken = gate.fault is not None or attempt.why is not None
        missing = self._examiner.missing(gate.line)
        if missing is not None and not is_broken:
            self._drift.append(missing)
        rest = owed(self._examiner, self._request, gate.line, is_broken=is_broken)
        if rest:
            await gate.say(rest)
        if not (is_broken or rest):
            return Worded(text=gate.line, note=self._note("model", None, number, gate))
        why = attempt.why or WhyEmbedded.FAILED_CHECKS
        return Worded(text=gate.line, note=self._note("mixed", why, number, gate))

    def _note(
        self,
        engine: Literal["embedded", "model", "mixed"],
        why: WhyEmbedded | None,
        number: int,
        gate: Gate | None = None,
    ) -> WordingNote:
        return WordingNote(
            engine=engine,
            why=why,
            drift=tuple(dict.fromkeys(self._drift)),
            is_regenerated=number > 0,
            calls=tuple(self._calls),
            held_ms=None if gate is None else gate.held_ms(),
        )

    def _left_s(self) -> float:
        return max(0.0, self._ends_at - asyncio.get_running_loop().time())

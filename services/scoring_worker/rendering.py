"""Has conversations in other languages read in English before they are judged.

A simulation was read turn by turn when it was played: its own reading is taken. A conversation that
was handed in is rendered by a model, several turns per question, each question remembered. Without
a model there is no number.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.scoring_worker.asking import patient_policy
from services.scoring_worker.remembered import Kept, RememberedRenderings
from services.scoring_worker.repository import ScoringCase
from services.scoring_worker.restoring import RENDERED, Reading
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.base import Record
from shared.contracts.llm import CallNote, ModelPolicy, Task, WhyEmbedded
from shared.contracts.scoring import RenderingNote, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import RandomBytes
from shared.intake.language import DEFAULT, is_supported
from shared.intake.taking import UNSUPPORTED_LANGUAGE
from shared.llm.ports import LanguageModel, ModelFailedError, Purpose
from shared.rendering.asking import Before
from shared.rendering.cutting import cut
from shared.rendering.records import Rendering
from shared.rendering.render import Job, Spoken, render

CHUNK_SENTENCES: Final = 40
"""Of one question; a turn is never parted."""
CHUNK_CHARS: Final = 4000
MAX_CHUNKS: Final = 60
"""A conversation that takes more questions gets no number."""
AT_ONCE: Final = 4
"""Questions of one conversation that are under way together."""
PATIENCE: Final = 2
"""Times the usual deadline that one answer may take: nobody waits for it in a conversation."""
LIMIT: Final = 9
"""Times the usual deadline that all of them may take."""
MOST_S: Final = 240.0
"""Seconds that they may take however long that is: judging comes after it, and a scoring has ten
minutes for both."""
LEAST_S: Final = 1.0
"""Seconds that must be left for a question to be worth its money."""
BUSY_TRIES, BUSY_WAIT_S = 5, 0.5
"""How often a place among the tenant's calls is waited for; each wait is twice the one before."""


class Chunk(Record, frozen=True, kw_only=True):
    """Turns that are rendered by one question."""

    number: int
    before: tuple[Before, ...]
    turns: tuple[TranscriptTurn, ...]

    @property
    def texts(self) -> list[Spoken]:
        """The turns as they are rendered."""
        return [Spoken(role=turn.role, text=turn.text) for turn in self.turns]


class Renderer:
    """Finds the English of conversations."""

    def __init__(
        self,
        model: LanguageModel | None,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        *,
        clock: Clock,
        random: RandomBytes = os.urandom,
    ) -> None:
        """Without a `model` only what simulations remember of themselves is known."""
        self._model = model
        self._settings = settings
        self._database = database
        self._keys = keys
        self._clock = clock
        self._random = random

    async def in_english(
        self, tenant_id: UUID, scoring_id: UUID, case: ScoringCase
    ) -> tuple[ScoringCase, Reading | None]:
        """Return the case as it is judged, and how to find back; None when it was English.

        Whatever goes wrong, the case can be judged: then without a number, and the note says why.
        """
        language = case.transcript.language
        if is_supported(language):
            return case, None
        try:
            renderings, note = await self._renderings(tenant_id, scoring_id, case)
        except ModelFailedError as failed:
            note = RenderingNote(
                language=language, source="none", why=failed.why, calls=failed.calls
            )
            return case, Reading(original=case.transcript, renderings={}, note=note)
        read = as_rendered(case, renderings)
        return read, Reading(original=case.transcript, renderings=renderings, note=note)

    async def _renderings(
        self, tenant_id: UUID, scoring_id: UUID, case: ScoringCase
    ) -> tuple[dict[str, Rendering], RenderingNote]:
        language = case.transcript.language
        if case.read_as:
            note = RenderingNote(language=language, source="simulation")
            return dict(case.read_as), note
        model, policy = await self._usable(tenant_id, case)
        chunks = list(chunked(case.transcript.turns))
        if len(chunks) > MAX_CHUNKS:
            raise ModelFailedError(WhyEmbedded.TOO_LONG)
        purpose = Purpose(
            tenant_id=tenant_id,
            task=Task.APPRAISAL,
            environment=case.environment,
            learner_id=case.learner_id,
            scoring_id=scoring_id,
        )
        name = policy.model_for(Task.APPRAISAL, self._settings.llm_model) or ""
        memory = await RememberedRenderings.of(
            self._database, self._keys, tenant_id, case.learner_id,
            salt=f"{await model.endpoint(tenant_id)}\0{name}\0{policy.is_redacted}",
        )  # fmt: skip
        round_ = _Round(self, model, purpose, language, memory)
        found, calls, portions = await round_.all(chunks)
        return found, RenderingNote(
            language=language, source="model", calls=calls, portions=portions
        )

    async def _usable(
        self, tenant_id: UUID, case: ScoringCase
    ) -> tuple[LanguageModel, ModelPolicy]:
        policy = None if self._model is None else await patient_policy(self._model, tenant_id)
        if self._model is None or policy is None:
            raise ModelFailedError(WhyEmbedded.NO_MODEL)
        if case.environment == "test":
            raise ModelFailedError(WhyEmbedded.TEST_KEY)
        if Task.APPRAISAL in policy.disabled:
            raise ModelFailedError(WhyEmbedded.DISABLED)
        return self._model, policy

    @property
    def limit_s(self) -> float:
        """Seconds that all questions about one conversation may take."""
        return min(LIMIT * self._settings.llm_timeout_s, MOST_S)

    def job(
        self, memory: RememberedRenderings, purpose: Purpose, language: str, n: int, left_s: float
    ) -> Job:
        """Return what the question `n` has beside its turns."""
        return Job(
            purpose=purpose,
            key=memory.key,
            language=language,
            boundary=self._random(16).hex(),
            deadline_s=min(PATIENCE * self._settings.llm_timeout_s, left_s),
            number=2 * n,  # its repair has the next one
        )

    @property
    def clock(self) -> Clock:
        """When something is remembered."""
        return self._clock


_NOTHING: Final = Kept(renderings=(), calls=())
"""Of a question that was not asked, or has no answer: the conversation gets no number."""


class _Round:
    """The questions about one conversation: all are answered, or there is no number."""

    def __init__(
        self,
        renderer: Renderer,
        model: LanguageModel,
        purpose: Purpose,
        language: str,
        memory: RememberedRenderings,
    ) -> None:
        self._renderer = renderer
        self._model = model
        self._purpose = purpose
        self._language = language
        self._memory = memory
        self._places = asyncio.Semaphore(AT_ONCE)
        self._failures: list[ModelFailedError] = []
        self._calls: tuple[CallNote, ...] = ()
        self._until = asyncio.get_running_loop().time() + renderer.limit_s

    async def all(
        self, chunks: Sequence[Chunk]
    ) -> tuple[dict[str, Rendering], tuple[CallNote, ...], tuple[UUID | None, ...]]:
        """Return the renderings by turn, the calls, and of each portion the one that brought it.

        Raises `ModelFailedError`.
        """
        known = await self._memory.find(self._language, [chunk_key(chunk) for chunk in chunks])
        async with asyncio.TaskGroup() as group:  # nothing is asked once one of them is lost
            tasks = [group.create_task(self._one(chunk, known)) for chunk in chunks]
        answers = [task.result() for task in tasks]
        if self._failures:
            raise ModelFailedError(self._failures[0].why, self._calls)
        found = {
            turn.id: rendering
            for chunk, kept in zip(chunks, answers, strict=True)
            for turn, rendering in zip(chunk.turns, kept.renderings, strict=True)
        }
        return found, self._calls, tuple(_brought_by(answer) for answer in answers)

    async def _one(self, chunk: Chunk, known: dict[bytes, Kept]) -> Kept:
        content = chunk_key(chunk)
        kept = known.get(content)
        if kept is not None:
            self._calls += kept.calls
            return kept
        async with self._places:
            if self._failures:
                return _NOTHING
            try:
                renderings, calls = await self._ask(chunk)
            except ModelFailedError as failed:
                self._failures.append(failed)
                self._calls += failed.calls
                return _NOTHING
        self._calls += calls
        answer = Kept(renderings=renderings, calls=calls)
        await self._memory.keep(self._language, content, answer, self._renderer.clock.now())
        return answer

    async def _ask(self, chunk: Chunk) -> tuple[tuple[Rendering, ...], tuple[CallNote, ...]]:
        wait_s = BUSY_WAIT_S
        for _ in range(BUSY_TRIES - 1):
            try:
                return await self._ask_once(chunk)
            except ModelFailedError as failed:
                if failed.why is not WhyEmbedded.BUSY:
                    raise
            await asyncio.sleep(wait_s)
            wait_s *= 2
        return await self._ask_once(chunk)

    async def _ask_once(self, chunk: Chunk) -> tuple[tuple[Rendering, ...], tuple[CallNote, ...]]:
        left_s = self._until - asyncio.get_running_loop().time()
        if left_s < LEAST_S:
            raise ModelFailedError(WhyEmbedded.TIMEOUT)
        job = self._renderer.job(self._memory, self._purpose, self._language, chunk.number, left_s)
        return await render(self._model, job, chunk.texts, chunk.before)


def _brought_by(kept: Kept) -> UUID | None:
    return kept.calls[-1].call_id if kept.calls else None


def as_rendered(case: ScoringCase, renderings: Mapping[str, Rendering]) -> ScoringCase:
    """Return the case with the English of every turn in its place, as it is judged."""
    turns = tuple(
        replace(turn, text=renderings[turn.id].english or turn.text)
        for turn in case.transcript.turns
    )
    flags = [code for code in case.flags if code != UNSUPPORTED_LANGUAGE]
    return replace(
        case,
        transcript=replace(case.transcript, turns=turns, language=DEFAULT),
        flags=(*flags, RENDERED),
    )


def chunked(turns: Sequence[TranscriptTurn]) -> Iterator[Chunk]:
    """Yield the turns in portions, each with the two lines before it."""
    sizes = [(len(cut(turn.text)) or 1, len(turn.text)) for turn in turns]
    start = 0
    number = 0
    while start < len(turns):
        sums = accumulate(sizes[start:], lambda a, b: (a[0] + b[0], a[1] + b[1]))
        fitting = sum(1 for s, c in sums if s <= CHUNK_SENTENCES and c <= CHUNK_CHARS)
        end = start + max(1, fitting)
        before = tuple(
            Before(role=turn.role, text=turn.text) for turn in turns[max(0, start - 2) : start]
        )
        yield Chunk(number=number, before=before, turns=tuple(turns[start:end]))
        start, number = end, number + 1


def chunk_key(chunk: Chunk) -> bytes:
    """Return everything of a portion that decides its answer."""
    return msgspec.json.encode([chunk.before, chunk.texts])

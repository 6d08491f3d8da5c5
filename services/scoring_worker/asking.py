"""Asks the model what a plan wants to know: bounded in calls and time, cached question by question.

Whatever goes wrong at the endpoint ends in fewer answers and a reason, never in an error. An answer
is stored as soon as it is there: a repeat after a crash asks only what was not answered.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from services.scoring_worker.judging.model.answers import Answers
from services.scoring_worker.judging.model.opinions import Heard
from services.scoring_worker.judging.model.planning import Ask, Plan
from services.scoring_worker.judging.model.prompt import build_prompt, most_tokens
from services.scoring_worker.verdicts import Answerer, Kept, VerdictStore, question_hash
from shared.clock import Clock
from shared.config import Settings
from shared.contracts.llm import CallNote, ModelPolicy, Task, WhyEmbedded
from shared.contracts.scoring import ModelReply, Transcript
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import RandomBytes, SealKey
from shared.db.tx import tenant_tx
from shared.llm.ports import ChatRequest, LanguageModel, ModelFailedError, Purpose, Structured

AT_ONCE: Final = 4
"""Questions of one judgment that are under way together."""

PATIENCE: Final = 3
"""Times the usual deadline that one answer may take: nobody waits for it in a conversation."""

LIMIT: Final = 9
"""Times the usual deadline after which nothing more is asked."""

MOST_S: Final = 270.0
"""Seconds after which nothing more is asked, however long the usual deadline is: with rendering
before it, judging stays below the ten minutes that a scoring may take."""

MAX_FAILURES: Final = 2
"""After so many failed questions the rest is not asked."""

PROCESS_AT_ONCE: Final = 32
"""Questions of all judgments of a process together: under what a tenant may have under way."""

BUSY_WAIT_S, MAX_BUSY_WAIT_S = 0.25, 1.0
"""Between two tries where too many calls of the tenant are under way; each wait is twice the one
before. As much time as an answer may take goes by that way at most."""

POLICY_RESTS_S: Final = (0.25, 1.0)
"""Seconds before the second and third try to find out what a tenant wants."""

BOUNDARY_LETTERS: Final = 20
"""Of the random word; letters only, so that nothing takes it for a number of somebody's."""

LASTING: Final = frozenset(
    {
        WhyEmbedded.NO_MODEL,
        WhyEmbedded.TEST_KEY,
        WhyEmbedded.BUDGET,
        WhyEmbedded.BUSY,
        WhyEmbedded.UNACCOUNTED,
        WhyEmbedded.BREAKER_OPEN,
        WhyEmbedded.RATE_LIMITED,
        WhyEmbedded.UNAUTHORIZED,
        WhyEmbedded.REJECTED,
        WhyEmbedded.DISABLED,
    }
)
"""What the next question would meet as well."""


class Subject(NamedTuple):
    """What is asked about, and on whose account."""

    purpose: Purpose
    learner_id: UUID
    transcript: Transcript


class _Result(NamedTuple):
    reply: ModelReply
    answers: Answers | None = None


class Asker:
    """Puts the questions of plans to the gateway."""

    def __init__(
        self,
        model: LanguageModel,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        *,
        clock: Clock,
        random: RandomBytes = os.urandom,
    ) -> None:
        self._model = model
        self._settings = settings
        self._database = database
        self._keys = keys
        self._clock = clock
        self._random = random
        self._places = asyncio.Semaphore(PROCESS_AT_ONCE)

    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        """Return how the tenant uses its model; None without any.

        Raises:
            ModelFailedError: nobody can tell, however often it is asked.
        """
        return await patient_policy(self._model, tenant_id)

    async def hear(self, subject: Subject, plan: Plan, policy: ModelPolicy) -> Heard:
        """Ask everything that the plan holds and was not answered before."""
        model = policy.model_for(Task.JUDGING, self._settings.llm_model or None)
        why = plan.why
        if model is None:
            is_off = Task.JUDGING in policy.disabled
            why = WhyEmbedded.DISABLED if is_off else WhyEmbedded.NO_MODEL
        if subject.purpose.environment == "test":
            why = WhyEmbedded.TEST_KEY
        if why is not None or not plan.asks:
            return Heard(plan=plan, why=why if plan.asked else None)
        try:
            endpoint = await self._model.endpoint(subject.purpose.tenant_id)
        except ModelFailedError as failed:
            return Heard(plan=plan, why=failed.why)
        asked = Answerer(endpoint=endpoint, model=f"{model}", is_redacted=policy.is_redacted)
        return await self._hear(subject, plan, asked)

    async def _hear(self, subject: Subject, plan: Plan, asked: Answerer) -> Heard:
        tenant_id = subject.purpose.tenant_id
        async with tenant_tx(self._database, tenant_id) as connection:
            tenant = await self._keys.tenant(connection, tenant_id)
            key = await self._keys.learner(connection, tenant_id, subject.learner_id)
            contents = {
                ask.number: question_hash(tenant, subject.transcript, ask, asked)
                for ask in plan.asks
            }
            store = VerdictStore(tenant_id, subject.learner_id, key)
            kept = await store.find(connection, contents.values())
        round_ = _Round(self, subject, key, store, self._settings.llm_timeout_s)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    round_.answer(ask, contents[ask.number], kept.get(contents[ask.number]))
                )
                for ask in plan.asks
            ]
        results = [task.result() for task in tasks]
        return Heard(
            plan=plan,
            replies=tuple(each.reply for each in results),
            answers={
                each.reply.number: each.answers for each in results if each.answers is not None
            },
            why=round_.why,
        )

    def boundary(self) -> str:
        """Return a word that nobody can have known."""
        return "".join(chr(ord("a") + byte % 26) for byte in self._random(BOUNDARY_LETTERS))

    async def ask(self, request: ChatRequest, until: float) -> Structured[Answers]:
        """Ask; waits for a place where too many calls are under way.

        Args:
            request: its deadline is how long the answer may take once there is a place.
            until: when waiting and answering end together, on the event loop's clock.

        Raises:
            ModelFailedError: there is no answer.
        """
        wait_s, waited_s = BUSY_WAIT_S, 0.0
        while True:
            try:
                return await self._ask_once(request, until)
            except ModelFailedError as error:
                is_late = waited_s + wait_s > request.deadline_s
                if error.why is not WhyEmbedded.BUSY or is_late:
                    raise
            await asyncio.sleep(wait_s)
            waited_s += wait_s
            wait_s = min(2 * wait_s, MAX_BUSY_WAIT_S)

    async def _ask_once(self, request: ChatRequest, until: float) -> Structured[Answers]:
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout_at(until):
                    await held.enter_async_context(self._places)
            except TimeoutError:
                raise ModelFailedError(WhyEmbedded.TIMEOUT) from None
            left_s = until - asyncio.get_running_loop().time()
            if left_s <= 0:
                raise ModelFailedError(WhyEmbedded.TIMEOUT)
            deadline_s = min(request.deadline_s, left_s)
            bounded = msgspec.structs.replace(request, deadline_s=deadline_s)
            return await self._model.structured(bounded, Answers)

    async def keep(
        self, tenant_id: UUID, store: VerdictStore, content: bytes, answer: Kept
    ) -> None:
        """Store an answer on its own: it is paid for, whatever becomes of the others."""
        async with tenant_tx(self._database, tenant_id) as connection:
            await store.keep(connection, content, answer, self._clock.now())


async def patient_policy(model: LanguageModel, tenant_id: UUID) -> ModelPolicy | None:
    """Return how the tenant uses its model; nobody waits, so trouble that passes is waited out.

    Raises:
        ModelFailedError: nobody can tell.
    """
    for rest_s in POLICY_RESTS_S:
        try:
            return await model.policy(tenant_id)
        except ModelFailedError:
            await asyncio.sleep(rest_s)
    return await model.policy(tenant_id)


class _Round:
    """The questions of one plan: what they share is when to stop."""

    def __init__(
        self, asker: Asker, subject: Subject, key: SealKey, store: VerdictStore, usual_s: float
    ) -> None:
        self._asker = asker
        self._subject = subject
        self._key = key
        self._store = store
        self._patience_s = PATIENCE * usual_s
        self._until = asyncio.get_running_loop().time() + min(LIMIT * usual_s, MOST_S)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._failures = 0
        self._is_over = False
        self.why: WhyEmbedded | None = None
        """Why the first question that has no answer has none."""

    async def answer(self, ask: Ask, content: bytes, kept: Kept | None) -> _Result:
        """Return the answer to a question, from before or from the model."""
        if kept is not None:
            reply = ModelReply(
                number=ask.number, boundary=kept.boundary, is_cached=True, calls=kept.calls
            )
            return _Result(reply, kept.answers)
        async with self._places:
            if self._is_over:
                return _Result(ModelReply(number=ask.number, boundary="", failure=self.why))
            return await self._ask(ask, content)

    async def _ask(self, ask: Ask, content: bytes) -> _Result:
        boundary = self._asker.boundary()
        request = ChatRequest(
            purpose=self._subject.purpose,
            prompt=build_prompt(self._subject.transcript, ask.questions, boundary),
            key=self._key,
            max_output_tokens=most_tokens(len(ask.questions)),
            deadline_s=self._patience_s,
            temperature=0.0,  # stored notes are read back as floats: the same bytes
            seed=ask.sample,
            number=ask.number,
        )
        try:
            given = await self._asker.ask(request, self._until)
        except ModelFailedError as error:
            self._fail(error.why)
            return _Result(_reply(ask, boundary, error.calls, error.why))
        kept = Kept(answers=given.value, boundary=boundary, calls=given.calls)
        await self._asker.keep(self._subject.purpose.tenant_id, self._store, content, kept)
        return _Result(_reply(ask, boundary, given.calls), given.value)

    def _fail(self, why: WhyEmbedded) -> None:
        self._failures += 1
        self.why = self.why or why
        if why in LASTING or self._failures >= MAX_FAILURES:
            self._is_over = True


def _reply(
    ask: Ask, boundary: str, calls: tuple[CallNote, ...], failure: WhyEmbedded | None = None
) -> ModelReply:
    return ModelReply(number=ask.number, boundary=boundary, failure=failure, calls=calls)

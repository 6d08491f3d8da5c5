"""Questions to the model for one operation: bounded, tried again where that can help, counted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from shared.contracts.llm import CallNote, Prompt, Task, WhyEmbedded
from shared.db.sealed import SealKey
from shared.llm.ports import ChatRequest, LanguageModel, ModelFailedError, Purpose

Answer = TypeVar("Answer", bound=msgspec.Struct)

REPAIRS: Final = 2
"""Rounds in which the model mends its outline."""

DEADLINE_S: Final = 120.0
"""Seconds for one outline: some thousand tokens; nobody waits at a screen."""

MAX_OUTPUT_TOKENS: Final = 9000

RESTS_S: Final = (2.0, 10.0)
"""Seconds before the second and third try of a question that met trouble."""

_PASSING: Final = frozenset(
    {
        WhyEmbedded.BUSY,
        WhyEmbedded.UNACCOUNTED,
        WhyEmbedded.BREAKER_OPEN,
        WhyEmbedded.TIMEOUT,
        WhyEmbedded.UNREACHABLE,
        WhyEmbedded.RATE_LIMITED,
        WhyEmbedded.SERVER_ERROR,
        WhyEmbedded.MALFORMED,
    }
)
"""Trouble that may be over in some seconds."""

Rest = Callable[[float], Awaitable[None]]


class StoppedError(Exception):
    """Nobody waits for the draft any more: the operation was canceled."""


class Questions:
    """Asks the model for outlines; every question is counted in the database before it is asked."""

    def __init__(
        self,
        model: LanguageModel,
        tenant_id: UUID,
        operation_id: UUID,
        key: SealKey,
        take: Callable[[], Awaitable[int | None]],
        *,
        rest: Rest = asyncio.sleep,
    ) -> None:
        """Ask for one operation.

        Args:
            model: the gateway.
            tenant_id: whose money.
            operation_id: what for.
            key: the tenant's; seals the answers that are kept.
            take: counts a question and returns its number; None when there may be no more.
            rest: waits some seconds.
        """
        self._model = model
        self._purpose = Purpose(
            tenant_id=tenant_id,
            task=Task.AUTHORING,
            environment="live",
            operation_id=operation_id,
        )
        self._key = key
        self._take = take
        self._rest = rest
        self._calls: list[CallNote] = []

    @property
    def calls(self) -> tuple[CallNote, ...]:
        """What was asked so far, in order."""
        return tuple(self._calls)

    async def ask(
        self, prompt: Prompt, kind: type[Answer], rests: Sequence[float] = RESTS_S
    ) -> Answer:
        """Return the model's answer.

        Raises:
            ModelFailedError: there is none, for the last reason.
            StoppedError: nobody waits any more, or every question was asked before.
        """
        waits = iter(rests)
        while True:
            try:
                return await self._once(prompt, kind)
            except ModelFailedError as error:
                self._calls += error.calls
                wait_s = next(waits, None)
                if error.why not in _PASSING or wait_s is None:
                    raise
                await self._rest(wait_s)

    async def _once(self, prompt: Prompt, kind: type[Answer]) -> Answer:
        number = await self._take()
        if number is None:
            raise StoppedError
        request = ChatRequest(
            purpose=self._purpose,
            prompt=prompt,
            key=self._key,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            deadline_s=DEADLINE_S,
            number=number,
        )
        answer = await self._model.structured(request, kind)
        self._calls += answer.calls
        return answer.value

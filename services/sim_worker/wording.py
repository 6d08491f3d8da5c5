"""Who puts a decided line into words: what they are given, and the wordings without a model."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Protocol

import msgspec
from typing_extensions import override

from services.sim_worker.engine.ports import WordingRequest
from shared.contracts.base import Record
from shared.contracts.llm import WhyEmbedded, WordingNote
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, Move
from shared.db.sealed import SealKey
from shared.llm.ports import Purpose

Told = Callable[[str], Awaitable[None]]
"""Takes a piece of the wording as soon as it is there."""

_SENTENCE: Final = re.compile(r".+?(?:[.!?\u2026]+[\"'\u201d\u2019)]*\s+|$)", re.DOTALL)


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a model is asked, and what else is read when it is."""

    purpose: Purpose
    key: SealKey
    """The learner's."""
    limit_s: float
    """Seconds that all of the wording may take."""
    said: Callable[[], Awaitable[tuple[Line, ...]]]
    """Reads the conversation up to the learner's line, from its start."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The reply that is worded, for whoever checks the words; a model may see none of it."""

    scenario: ScenarioSpec
    move: Move
    asker: Asker | None = None
    """None: nobody pays for a model."""


class Worded(Record, frozen=True, kw_only=True):
    """A customer's line and how it got its words."""

    text: str
    note: WordingNote


class Wording(Protocol):
    """Puts a decided line into words; it decides nothing."""

    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        """Return the customer's line, one to six sentences.

        Whoever reads along is `told` it in pieces: at any time they are the line's beginning.
        """
        ...


class EmbeddedWording(Wording):
    """Says the draft as it is; needs no model."""

    @override
    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        return await as_drafted(request, told)


async def as_drafted(
    request: WordingRequest, told: Told | None, note: WordingNote | None = None
) -> Worded:
    """Return the embedded wording; nothing was told before."""
    if told is not None:
        for piece in pieces(request.draft):
            await told(piece)
    return Worded(text=request.draft, note=note or BY_NOBODY)


BY_NOBODY: Final = WordingNote(engine="embedded", why=WhyEmbedded.NO_MODEL)
"""Of a line where no model could be asked."""


class DelayedWording(Wording):
    """Another wording after a fixed delay: stands in for a model's latency in measurements."""

    def __init__(self, inner: Wording, delay_s: float) -> None:
        self._inner = inner
        self._delay_s = delay_s

    @override
    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        await asyncio.sleep(self._delay_s)
        return await self._inner.word(request, place, told)


def pieces(text: str) -> Iterator[str]:
    """Yield a line sentence by sentence, spaces included: joined, they are the line."""
    return (match[0] for match in _SENTENCE.finditer(text))

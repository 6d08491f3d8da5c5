"""Lets a model's line through sentence by sentence: only what passed is kept, and told."""

import asyncio
import contextlib
import re
from typing import Final

from services.sim_worker.engine.checks.examiner import Examiner
from services.sim_worker.wording import Told
from shared.llm.ports import StopListening

MOST_CHARS: Final = 2000
"""Of an answer that is looked at; a line is never that long."""

_END: Final = re.compile(
    r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bNo)(?<!\bMrs)"
    r"[.!?\u2026]+[\"'\u201d\u2019)\]*_]*\s+(?=\S)|[\u3002\uff01\uff1f]+\s*(?=\S)"
)
"""Where a sentence ends, which only the next one's first character tells."""
_SPACE: Final = re.compile(r"\s+")


class Gate:
    """One attempt at a line."""

    def __init__(self, examiner: Examiner, told: Told | None) -> None:
        self._examiner = examiner
        self._told = told
        self._rest = ""
        self._size = 0
        self.line = ""
        """What passed so far; all of it was told."""
        self.fault: str | None = None
        """What stopped it."""
        self.first_piece_at: float | None = None
        """On the clock of the event loop."""
        self.first_told_at: float | None = None

    async def hear(self, piece: str) -> None:
        """Take a piece of the answer.

        Raises:
            StopListening: a sentence did not pass; there is no use in more.
        """
        if self.first_piece_at is None:
            self.first_piece_at = asyncio.get_running_loop().time()
        self._size += len(piece)
        self._rest += piece[:MOST_CHARS]
        while self.fault is None and (end := _END.search(self._rest)) is not None:
            sentence, self._rest = self._rest[: end.end()], self._rest[end.end() :]
            await self._take(sentence, is_last=False)
        if self.fault is None and self._size > MOST_CHARS:
            self.fault = "too_long"
        if self.fault is not None:
            raise StopListening

    async def finish(self, *, is_cut: bool) -> None:
        """Take the last sentence; `is_cut` says that the answer broke off in it.

        Where the line is a single sentence and lacks something, nothing of it is kept.
        """
        if self.fault is not None:
            return
        if is_cut:
            self.fault = "unfinished"
            return
        await self._take(self._rest, is_last=True)

    async def take(self, answer: str) -> None:
        """Take a whole answer at once, all but its last sentence."""
        with contextlib.suppress(StopListening):
            await self.hear(answer)

    def held_ms(self) -> int | None:
        """Return how long the first sentence was held back; None where nobody read along."""
        if self.first_piece_at is None or self.first_told_at is None:
            return None
        return round(1000 * (self.first_told_at - self.first_piece_at))

    async def say(self, sentence: str) -> None:
        """Add words that need no check."""
        added = f" {sentence}" if self.line else sentence
        self.line += added
        if self._told is not None:
            await self._told(added)
            if self.first_told_at is None:
                self.first_told_at = asyncio.get_running_loop().time()

    async def _take(self, raw: str, *, is_last: bool) -> None:
        sentence = _SPACE.sub(" ", raw).strip()
        if not sentence and self.line:
            return
        line = f"{self.line} {sentence}" if self.line else sentence
        self.fault = self._examiner.fault(line, raw, is_whole=is_last)
        if self.fault is None and is_last and not self.line:
            self.fault = self._examiner.missing(line)
        if self.fault is None:
            await self.say(sentence)

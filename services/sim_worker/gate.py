"""Lets a model's line through sentence by sentence: only what passed is kept, and told."""

import asyncio
import contextlib
import re
from itertools import accumulate, pairwise
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

    async def take(self, answer: str, *, is_cut: bool) -> None:
        """Take a whole answer at once; `is_cut` as in `finish`."""
        if not is_cut and len(answer) <= MOST_CHARS and await self._passed(answer):
            return
        with contextlib.suppress(StopListening):
            await self.hear(answer)
        await self.finish(is_cut=is_cut)

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

    async def _passed(self, answer: str) -> bool:
        """Say whether a whole answer passes, and take it then; else nothing has happened."""
        ends = [0, *(found.end() for found in _END.finditer(answer)), len(answer)]
        raws = [answer[start:end] for start, end in pairwise(ends)]
        sentences = [_tidy(raw) for raw in raws]
        lines = list(accumulate(sentences, "{} {}".format))
        if not all(sentences) or not self._examiner.passes(list(zip(lines, raws, strict=True))):
            return False
        if len(lines) == 1 and self._examiner.missing(lines[0]) is not None:
            return False
        for sentence in sentences:
            await self.say(sentence)
        return True

    async def _take(self, raw: str, *, is_last: bool) -> None:
        sentence = _tidy(raw)
        if not sentence and self.line:
            return
        line = f"{self.line} {sentence}" if self.line else sentence
        self.fault = self._examiner.fault(line, raw, is_whole=is_last)
        if self.fault is None and is_last and not self.line:
            self.fault = self._examiner.missing(line)
        if self.fault is None:
            await self.say(sentence)


def _tidy(raw: str) -> str:
    return _SPACE.sub(" ", raw).strip()

"""Documents are rendered by a process of their own: drawing holds the interpreter for up to two
seconds, and a page must never delay a question.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import Final

from services.reporting.documents.jobs import HEAD, OUTCOMES, Failed, Job, framed
from shared.log import get_logger

log = get_logger()

DEADLINE_S: Final = 20.0
"""Seconds for one document. The first takes two on a slow machine, each further one a tenth."""

IDLE_S: Final = 60.0
"""Seconds without a document after which the process ends and gives back its 150 MB."""

MODULE: Final = "services.reporting.documents.press"


class RenderError(Exception):
    """A document could not be rendered; the text names the error."""


class Renderer:
    """One rendering process, begun when it is needed; documents wait for each other."""

    def __init__(self, *, deadline_s: float = DEADLINE_S, idle_s: float = IDLE_S) -> None:
        self._deadline_s = deadline_s
        self._idle_s = idle_s
        self._process: Process | None = None
        self._free = asyncio.Lock()
        self._rest: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None and self._process.returncode is None

    async def render(self, job: Job) -> bytes:
        """Return a document.

        Raises:
            RenderError: the library refuses it.
            TimeoutError: it took longer than the deadline; the process was ended.
            OSError: there is no process to be had.
        """
        async with self._free:
            if self._rest is not None:
                self._rest.cancel()
            try:
                async with asyncio.timeout(self._deadline_s):
                    return await self._ask(job)
            except (RenderError, OSError):
                raise
            except BaseException:
                await self._end()  # half an answer is in the pipe: nothing more can be read from it
                raise
            finally:
                self._rest = asyncio.get_running_loop().call_later(self._idle_s, self._retire)

    async def close(self) -> None:
        """End the process."""
        if self._rest is not None:
            self._rest.cancel()
        async with self._free:
            await self._end()

    async def _ask(self, job: Job) -> bytes:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        process.stdin.write(framed(job))
        try:
            await process.stdin.drain()
            (size,) = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
            outcome = OUTCOMES.decode(await process.stdout.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self._end()
            raise OSError("the rendering process ended") from error
        if isinstance(outcome, Failed):
            raise RenderError(outcome.reason)
        return outcome.content

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            log.debug("renderer.started")
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                MODULE,
                stdin=PIPE,
                stdout=PIPE,
                # No secret of ours goes along; the path is where this process found its modules.
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def _retire(self) -> None:
        """Let an idle process go: it ends when its input does."""
        if not self._free.locked() and self._process is not None and self._process.stdin:
            self._process.stdin.close()
            self._process = None

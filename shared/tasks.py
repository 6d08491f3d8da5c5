"""Ending tasks for good."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.5
"""A task that is alive this long after it was cancelled is cancelled once more."""


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and return when all of them have ended, however they ended.

    One `cancel` is not enough: before Python 3.12 `asyncio.wait_for` swallows a cancellation that
    comes in the same moment as the answer waited for (python/cpython#86296), and a loop around it
    would go on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)

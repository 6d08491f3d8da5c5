"""Waiting on conditions, never on time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]],
    *,
    timeout_s: float = 15.0,
    pause_s: float = 0.01,
) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        result = condition()
        if await result if inspect.isawaitable(result) else result:
            return
        if loop.time() > deadline:
            source = inspect.getsource(condition).strip()
            raise AssertionError(f"did not happen within {timeout_s} s: {source}")
        await asyncio.sleep(pause_s)

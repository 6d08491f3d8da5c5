"""Something that must happen again and again while something else takes its time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every(seconds: float, work: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Run `work` every `seconds` while the block runs, first after `seconds`.

    A block that is over sooner costs one timer and no task. `work` handles its own errors.
    """
    loop = asyncio.get_running_loop()
    running: list[asyncio.Task[None]] = []
    over = asyncio.Event()
    timer = loop.call_later(
        seconds, lambda: running.append(loop.create_task(_repeat(seconds, work, over)))
    )
    try:
        yield
    finally:
        over.set()
        timer.cancel()
        for task in running:
            task.cancel()


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]], over: asyncio.Event) -> None:
    while not over.is_set():  # a cancellation may get lost inside `work`: see shared.tasks
        await work()
        await asyncio.sleep(seconds)

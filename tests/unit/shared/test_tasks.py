"""Tasks end when they are ended, also those that lose a cancellation."""

import asyncio

import pytest

from shared.tasks import end


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tasks.AGAIN_S", 0.01)


async def test_a_loop_that_lost_a_cancellation_ends_all_the_same() -> None:
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if lost == 2:
                    raise
                lost += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end([task])
    assert (task.cancelled(), lost) == (True, 2)


async def test_what_ended_badly_or_long_ago_has_ended() -> None:
    async def fails() -> None:
        raise ValueError

    done, failing = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(fails())
    await asyncio.wait([done, failing])
    await end([done, failing])
    await end([])
    assert done.done()
    assert isinstance(failing.exception(), ValueError)

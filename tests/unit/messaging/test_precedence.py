"""Interactive work first: few background steps go on while somebody waits."""

import asyncio

from shared.messaging.precedence import Precedence


class Workers:
    """Background jobs that note how many of their steps run at once."""

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self.running = self.most = self.done = 0

    async def work(self, steps: int) -> None:
        async with self._precedence.background() as passage:
            for _ in range(steps):
                await passage.step()
                self.running += 1
                self.most = max(self.most, self.running)
                for _ in range(3):
                    await asyncio.sleep(0)
                self.running -= 1
        self.done += 1


async def test_alone_the_background_has_everything() -> None:
    workers = Workers(Precedence(2))
    await asyncio.gather(*(workers.work(5) for _ in range(20)))
    assert (workers.done, workers.most) == (20, 20)


async def test_few_steps_at_once_while_somebody_waits_and_none_starves() -> None:
    precedence = Precedence(2)
    workers = Workers(precedence)
    with precedence.interactive():
        await asyncio.gather(*(workers.work(5) for _ in range(20)))
    assert (workers.done, workers.most) == (20, 2)


async def test_the_last_turn_lets_everybody_go_on() -> None:
    precedence = Precedence(1)
    workers = Workers(precedence)
    with precedence.interactive():
        tasks = [asyncio.create_task(workers.work(50)) for _ in range(10)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert workers.most == 1
    await asyncio.gather(*tasks)
    assert workers.most > 1


async def test_a_job_that_is_canceled_gives_its_place_away() -> None:
    precedence = Precedence(1)
    workers = Workers(precedence)
    with precedence.interactive():
        tasks = [asyncio.create_task(workers.work(1000)) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await workers.work(3)
    assert workers.done == 1

"""Mixed load of one tenant that never pauses, and a strict note of every answer it gets."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.e2e.partner import LINES, Partner
from tests.support.sse_client import SseReader

TALKERS = 6
"""Learners who practise all the time."""

STREAMS = 3
"""Readers who follow a practice by server-sent events."""

WATCHERS = 4
"""Readers of practices that last as long as the load: their streams are open on every API."""

PAUSE_S = 0.05
"""Seconds between two things that one learner does."""


class StrictPartner(Partner):
    """A partner that counts every status and every broken connection."""

    statuses: Counter[int]
    broken: list[str]
    reconnects: int
    events: dict[str, list[str]]
    longest_s: float
    """Of all turns since somebody set it to 0."""

    def listen(self) -> "StrictPartner":
        """Begin to count."""
        self.statuses, self.broken = Counter(), []
        self.reconnects, self.events, self.longest_s = 0, {}, 0.0
        self.http.event_hooks = {"response": [self._count]}
        return self

    async def _count(self, response: httpx.Response) -> None:
        self.statuses[response.status_code] += 1

    async def get(self, path: str, **query: Any) -> Any:
        return await self._noted(super().get, path, **query)

    async def post(self, path: str, *arguments: Any, **more: Any) -> httpx.Response:
        return await self._noted(super().post, path, *arguments, **more)

    async def _noted(
        self, call: Callable[..., Awaitable[Any]], path: str, *a: Any, **k: Any
    ) -> Any:
        try:
            return await call(path, *a, **k)
        except httpx.TransportError as error:
            self.broken.append(f"{path}: {error!r}")
            raise

    @property
    def faults(self) -> list[str]:
        """What a client of a rolling installation must never see."""
        refused = [f"{count} x {code}" for code, count in self.statuses.items() if code >= 500]
        return refused + self.broken

    async def say(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        started = time.monotonic()
        answer = await super().say(*arguments, **more)
        self.longest_s = max(self.longest_s, time.monotonic() - started)
        return answer

    # -- load

    async def load(self, stop: asyncio.Event) -> None:
        """Talk, hand conversations in and read along until told to stop; then end cleanly."""
        learner = await self.learner(await self.team("Rolling"))
        async with asyncio.TaskGroup() as group:
            for number in range(TALKERS):
                group.create_task(self._practise(learner, stop, is_followed=number < STREAMS))
            for _ in range(WATCHERS):
                group.create_task(self._watch(learner, stop))
            group.create_task(self._hand_in(learner, stop))
            group.create_task(self._play(learner, stop))

    async def _practise(self, learner: str, stop: asyncio.Event, *, is_followed: bool) -> None:
        seed = 0
        while not stop.is_set():
            seed += 1
            simulation = (await self.simulation(learner, seed=seed))["id"]
            following = asyncio.create_task(self._follow(simulation)) if is_followed else None
            for number in range(3):
                answer = await self.say(simulation, 2 * number + 1, LINES[number])
                if answer["simulation"]["status"] != "open":
                    break
                await asyncio.sleep(PAUSE_S)
            else:
                await self.end(simulation)
            if following is not None:
                async with asyncio.timeout(60):
                    await following

    async def _watch(self, learner: str, stop: asyncio.Event) -> None:
        simulation = (await self.simulation(learner))["id"]
        following = asyncio.create_task(self._follow(simulation))
        try:
            await stop.wait()
            await self.end(simulation)
            async with asyncio.timeout(60):
                await following
        finally:
            following.cancel()

    async def _hand_in(self, learner: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.score(learner, 2)
            await asyncio.sleep(PAUSE_S * 4)

    async def _play(self, learner: str, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.simulation(learner, mode="autopilot", profile="average")
            await asyncio.sleep(PAUSE_S * 20)

    async def _follow(self, simulation: str) -> None:
        """Read a simulation's events to the end of the stream, coming back where it broke off."""
        last, seen, is_over = "", [], False
        while not is_over:
            headers = {"Last-Event-ID": last} if last else {}
            reader = SseReader()
            path = f"/v1/simulations/{simulation}/events"
            try:
                async with self.http.stream("GET", path, headers=headers) as answer:
                    assert answer.status_code in {200, 204}, answer.status_code
                    async for chunk in answer.aiter_raw():
                        for event in reader.feed(chunk):
                            last = event.event_id or last
                            seen += [event.event_id] if event.event_id else []
                            is_over |= event.name == "done"
                    is_over |= answer.status_code == 204
            except httpx.TransportError as error:
                self.broken.append(f"{path}: {error!r}")
            else:
                assert is_over or reader.retry_ms, "who is sent away is told when to come back"
            self.reconnects += not is_over
        assert len(seen) == len(set(seen)), "an event came twice"
        self.events[simulation] = seen

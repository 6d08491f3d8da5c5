"""Kills and freezes of every process of a running product, by a seed, under mixed load.

`python -m tests.support.chaos_table` runs it at length and writes the table of docs/chaos.md;
`tests/e2e/test_all_kills.py` runs it in short.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any, Final, Literal, NamedTuple

import httpx
from typing_extensions import override

from shared.ids import format_id
from tests.e2e.judged_texts import misjudged
from tests.e2e.partner import LINES, Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.history import LADDERS, History, Seen, Try
from tests.support.product import Product
from tests.support.waiting import eventually

SERVERS: Final = ("postgres", "nats", "temporal")
SERVICES: Final = ("api", "orchestrator", "sim-worker", "scoring-worker", "reporting")
VICTIMS: Final = (*SERVERS, *SERVICES)

FREEZE_S: Final = (1.0, 5.0)
"""A frozen process wakes up after so long: often after another one has its lease (3 s here)."""

REST_S: Final = (0.5, 2.0)
"""Between two faults."""

TALKERS: Final = 4
"""Conversations at once, each begun anew when it ends."""

SCORERS: Final = 2
PROBE_S: Final = 60.0

MAKES: Final = ("/v1/simulations", "/v1/scorings", "/v1/simulation_batches", "turns")
"""Where the history counts effects."""


class Fault(NamedTuple):
    """What is done to whom."""

    victim: str
    kind: Literal["kill", "freeze"]
    seconds: float = 0.0
    """How long a frozen process stands still."""

    @override
    def __str__(self) -> str:
        return self.victim if self.kind == "kill" else f"{self.victim} ({self.seconds:.1f} s)"


class Recovery(NamedTuple):
    """How long it took until everything worked again."""

    fault: Fault
    seconds: float
    """From the kill, or from the end of the freeze, until a probe had a reply and a score."""


def plan(seed: int, amount: int) -> list[Fault]:
    """Return the faults of a seed: every victim before any comes again, kills and freezes mixed."""
    dice = Random(seed)
    chosen: list[Fault] = []
    while len(chosen) < amount:
        for victim in dice.sample(VICTIMS, len(VICTIMS)):
            if dice.random() < 0.6:
                chosen.append(Fault(victim, "kill"))
            else:
                chosen.append(Fault(victim, "freeze", round(dice.uniform(*FREEZE_S), 1)))
    return chosen[:amount]


class Recorded(Partner):
    """A partner who writes everything down."""

    history: History

    @override
    async def post(self, path: str, body: Any = None, *, key: str = "") -> httpx.Response:
        kind = "turns" if path.endswith("/turns") else path
        try:
            response = await super().post(path, body, key=key)
        except httpx.TransportError:
            self.history.tries.append(Try(key, kind, "unknown"))
            raise
        if response.is_success:
            made = _made(path, response.json())
            self.history.tries.append(Try(key, kind, "ok", made))
        else:
            # 503: refused, or broken off half-way; only the repeat tells.
            outcome = "unknown" if response.status_code >= 500 else "refused"
            self.history.tries.append(Try(key, kind, outcome))
            assert response.status_code in {429, 503}, f"{path}: {response.text}"
        return response

    async def watch(self, path: str) -> str:
        """Look at a resource once; return its status, or nothing while nobody answers."""
        try:
            response = await self.http.get(path)
        except httpx.TransportError:
            return ""
        if response.status_code != 200:
            assert response.status_code == 503, f"{path}: {response.text}"
            return ""
        status = str(response.json()["status"])
        self.history.sights.append(Seen(path, status))
        return status

    async def watch_to_the_end(self, path: str) -> None:
        """Look again and again until a resource has its last status."""
        last = LADDERS[path.split("/")[2]][-1]

        async def has_ended() -> bool:
            return await self.watch(path) == last

        await eventually(has_ended, timeout_s=PROBE_S, pause_s=0.3)


def _made(path: str, body: dict[str, Any]) -> str:
    if path.endswith("/turns"):
        turn = body["learner_turn"]
        return f"{path.split('/')[3]}#{turn['seq']}"
    return str(body["id"])


class Mayhem:
    """One seed: load, faults, healing, judgment."""

    def __init__(self, product: Product, partner: Recorded, seed: int) -> None:
        self._product = product
        self._partner = partner
        self._dice = Random(seed)
        self._over = asyncio.Event()
        partner.history = History()

    async def run(self, faults: list[Fault]) -> list[Recovery]:
        """Do harm under load; return how long each recovery took. Fails when anything accepted is
        lost, doubled, out of order, or goes back.
        """
        partner = self._partner
        learner = await partner.learner(await partner.team("Mayhem"))
        load = [asyncio.create_task(self._talk(learner)) for _ in range(TALKERS)]
        load += [asyncio.create_task(self._score(learner)) for _ in range(SCORERS)]
        load.append(asyncio.create_task(self._play(learner)))
        recoveries = []
        for fault in faults:
            await asyncio.sleep(self._dice.uniform(*REST_S))
            recoveries.append(Recovery(fault, await self._harm(fault, learner)))
            for task in load:
                if task.done():
                    task.result()
        self._over.set()
        await asyncio.gather(*load)
        await self.judge()
        return recoveries

    async def judge(self) -> None:
        """Check what is left against what was told."""
        partner = self._partner
        await settled(partner)
        await assert_whole(partner)
        faults = partner.history.check(await _stored(partner)) + await misjudged(partner)
        assert not faults, faults

    async def _harm(self, fault: Fault, learner: str) -> float:
        if fault.kind == "kill":
            killed = self._product.kill(fault.victim)
            start = time.monotonic()
            await self._product.back(killed)
        else:
            pid = self._product.up.pids[fault.victim]
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(fault.seconds)
            with suppress(ProcessLookupError):  # somebody took it for dead, and ended it
                os.kill(pid, signal.SIGCONT)
            start = time.monotonic()
        async with asyncio.timeout(PROBE_S):
            await self._probe(learner)
        return time.monotonic() - start

    async def _probe(self, learner: str) -> None:
        """Return once a new conversation has a reply and a new scoring its result."""
        partner = self._partner
        simulation, scoring = await asyncio.gather(
            partner.simulation(learner), partner.score(learner, 1)
        )
        await partner.say(simulation["id"], 1, LINES[0])
        await partner.watch_to_the_end(f"/v1/scorings/{scoring}")
        await partner.end(simulation["id"])

    async def _until_over(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self._over.is_set():
            await work()

    async def _talk(self, learner: str) -> None:
        async def one() -> None:
            simulation = await self._partner.simulation(learner, seed=self._dice.randrange(1000))
            await self._partner.talk(simulation["id"], 3)
            await self._partner.end(simulation["id"])
            await self._partner.watch_to_the_end(f"/v1/simulations/{simulation['id']}")

        await self._until_over(one)

    async def _score(self, learner: str) -> None:
        async def one() -> None:
            ids = await self._partner.score_many(learner, 5, 2)
            for each in ids:
                await self._partner.watch_to_the_end(f"/v1/scorings/{each}")

        await self._until_over(one)

    async def _play(self, learner: str) -> None:
        async def one() -> None:
            body = {
                "learner_id": learner,
                "scenarios": ["support-angry-late-delivery"],
                "profiles": ["average"],
                "repeat": 3,
            }
            made = (await self._partner.insist("/v1/simulation_batches", body)).json()
            await self._partner.watch_to_the_end(f"/v1/operations/{made['id']}")

        await self._until_over(one)


async def _stored(partner: Recorded) -> dict[str, list[str]]:
    """Return what is there, by the path that makes it."""
    product, tenant_id = partner.product, partner.tenant_id
    simulations = await product.sql(
        "select simulation_id from simulations where tenant_id = $1 and operation_id is null",
        tenant_id,
    )
    scorings = await product.sql(
        "select scoring_id from scorings where tenant_id = $1 and simulation_id is null", tenant_id
    )
    operations = await product.sql(
        "select operation_id from operations where tenant_id = $1", tenant_id
    )
    turns = await product.sql(
        "select t.simulation_id, t.seq from turns t join simulations s using (tenant_id, simulation_id)"
        " where t.tenant_id = $1 and t.role = 'learner' and s.operation_id is null",
        tenant_id,
    )
    return {
        "/v1/simulations": [format_id("sim", row[0]) for row in simulations],
        "/v1/scorings": [format_id("scr", row[0]) for row in scorings],
        "/v1/simulation_batches": [format_id("op", row[0]) for row in operations],
        "turns": [f"{format_id('sim', row[0])}#{row[1]}" for row in turns],
    }

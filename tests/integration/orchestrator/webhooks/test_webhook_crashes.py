"""At least once, whatever dies: the same id and the same bytes, and nothing that was committed is
missing."""

import asyncio
import random
from datetime import timedelta

import pytest

from services.orchestrator.context import Context
from services.orchestrator.webhooks.recorder import Recorder
from services.orchestrator.webhooks.taking import LEASE_MARGIN_S
from shared.clock import FixedClock
from shared.db.keys import KeyRing
from shared.ids import format_id
from tests.integration.orchestrator.webhooks.webhook_world import TIMEOUT_S, Engine, Hooks
from tests.support.receivers import Received, Receiver, answer, hang_up, slow
from tests.support.waiting import eventually

LEASE = timedelta(seconds=TIMEOUT_S + LEASE_MARGIN_S)
"""With the tests' time limit of one second."""


class TestKilled:
    async def test_between_send_and_record(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        open_context: Context,
        keys: KeyRing,
        clock: FixedClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The receiver has it, nobody knows: it comes again after the lease, the same bytes."""

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        await hooks.endpoint(receiver.url())
        await hooks.happen(3)
        with monkeypatch.context() as patched:
            patched.setattr(Recorder, "write", never)
            await engine.fan_out.work(hooks.tenant_id)
            await eventually(lambda: len(receiver.received) >= 2)
            await engine.close()
        first = {one.webhook_id: one.body for one in receiver.received}
        successor = Engine(open_context, keys)
        await successor.deliver()
        held = len(first)
        clock.at += LEASE
        await successor.deliver()
        await successor.close()
        assert len(receiver.received) == 3 + held
        assert len(set(receiver.ids())) == 3
        assert all(first.get(one.webhook_id, one.body) == one.body for one in receiver.received)
        assert {row["attempt"] for row in await hooks.deliveries()} == {1}
        assert await hooks.statuses() == {"succeeded"}

    async def test_a_zombie_records_nothing_over_its_successor(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        open_context: Context,
        keys: KeyRing,
        clock: FixedClock,
    ) -> None:
        """Stopped for longer than its lease, it wakes up and finds the work done."""
        receiver.manner = slow(TIMEOUT_S / 2, answer(500))
        await hooks.endpoint(receiver.url())
        await hooks.happen()
        await engine.quiet_fan_out.work(hooks.tenant_id)
        sending = asyncio.create_task(engine.deliver())
        await eventually(lambda: len(receiver.received) == 1)
        clock.at += LEASE
        receiver.manner = answer(200)
        successor = Engine(open_context, keys)
        await successor.deliver()
        await successor.close()
        await sending
        (delivery,) = await hooks.deliveries()
        assert (delivery["status"], delivery["attempt"]) == ("succeeded", 1)
        assert len(await hooks.attempts(delivery["delivery_id"])) == 1


class TestSharing:
    async def test_two_processes_send_each_delivery_once(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        open_context: Context,
        keys: KeyRing,
    ) -> None:
        for path in ("/a", "/b", "/c"):
            await hooks.endpoint(receiver.url(path))
        await hooks.happen(60)
        other = Engine(open_context, keys)
        await asyncio.gather(
            engine.deliver(hooks.tenant_id), other.deliver(hooks.tenant_id), engine.sender.look()
        )
        await asyncio.gather(engine.deliver(), other.deliver())
        await other.close()
        assert len(receiver.received) == 180
        assert len({(one.path, one.webhook_id) for one in receiver.received}) == 180


class TestEverythingArrives:
    @pytest.mark.parametrize("seed", range(3))
    async def test_engines_that_die_at_random_and_a_flaky_receiver(
        self,
        hooks: Hooks,
        receiver: Receiver,
        open_context: Context,
        keys: KeyRing,
        clock: FixedClock,
        seed: int,
    ) -> None:
        """Received ids = committed ids; every repeat has the bytes of the first."""
        chance = random.Random(seed)

        async def flaky(request: Received, writer: asyncio.StreamWriter) -> None:
            manner = chance.choice([answer(), answer(), answer(500), hang_up, answer(302)])
            await manner(request, writer)

        receiver.manner = flaky
        await hooks.endpoint(receiver.url())
        committed: set[str] = set()
        for _ in range(8):
            happened = await hooks.happen(chance.randint(1, 12))
            committed |= {format_id("evt", event_id) for event_id in happened}
            engine = Engine(open_context, keys, chance=chance.random)
            working = asyncio.create_task(engine.deliver(hooks.tenant_id))
            await asyncio.wait([working], timeout=chance.random() * 0.2)
            working.cancel()  # as dead as a process: nothing more is recorded
            await engine.close()
            await asyncio.gather(working, return_exceptions=True)
            clock.at += LEASE
        receiver.manner = answer()
        last = Engine(open_context, keys)
        for _ in range(10):
            await last.deliver(hooks.tenant_id)
            clock.at += timedelta(hours=25)
            if await hooks.statuses() == {"succeeded"}:
                break
        await last.close()
        assert set(receiver.ids()) == committed
        bodies: dict[str, set[bytes]] = {}
        for one in receiver.received:
            bodies.setdefault(one.webhook_id, set()).add(one.body)
        assert all(len(versions) == 1 for versions in bodies.values())
        assert await hooks.statuses() == {"succeeded"}

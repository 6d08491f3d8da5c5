"""When deliveries are tried again, with time skipped: the ten offsets, pauses, ends."""

import os
import random
from datetime import datetime, timedelta
from email.utils import format_datetime

import asyncpg
import pytest

from services.orchestrator.context import Context
from services.orchestrator.webhooks.repository import SQL
from shared.clock import FixedClock
from shared.db.keys import KeyRing
from shared.webhooks.schedule import ATTEMPTS, DELAYS_S
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Receiver, answer

LEAST = timedelta(microseconds=1)


async def _exhaust(hooks: Hooks, engine: Engine, clock: FixedClock) -> list[datetime]:
    """Deliver until nothing is pending; return the moments of the attempts."""
    await hooks.happen()
    await engine.deliver(hooks.tenant_id)
    while True:
        (delivery,) = await hooks.deliveries()
        if delivery["status"] != "pending":
            break
        clock.at = delivery["next_attempt_at"] - LEAST
        await engine.deliver()
        assert (await hooks.deliveries())[0]["attempt"] == delivery["attempt"], "tried too early"
        clock.at += LEAST
        await engine.deliver()
    attempts = await hooks.attempts(delivery["delivery_id"])
    assert delivery["attempt"] == len(attempts)
    return [attempt["started_at"] for attempt in attempts]


class TestTenAttempts:
    async def test_offsets_without_chance(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        receiver.manner = answer(500, body=b"x" * 5000)
        await hooks.endpoint(receiver.url())
        start = clock.at
        moments = await _exhaust(hooks, engine, clock)
        total, wanted = 0, []
        for delay in DELAYS_S:
            total += delay
            wanted.append(timedelta(seconds=total))
        assert [moment - start for moment in moments] == wanted
        assert wanted[-1] == timedelta(hours=75, minutes=35, seconds=5)
        assert await hooks.statuses() == {"failed"}
        assert len({(one.webhook_id, one.body) for one in receiver.received}) == 1
        stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.received]
        assert stamps == [int(moment.timestamp()) for moment in moments]
        attempts = await hooks.attempts((await hooks.deliveries())[0]["delivery_id"])
        assert await hooks.response(attempts[0]) == b"x" * 2048
        assert {(one["error"], one["status_code"]) for one in attempts} == {("status", 500)}

    async def test_jitter_stays_within_a_fifth(
        self,
        hooks: Hooks,
        receiver: Receiver,
        clock: FixedClock,
        open_context: Context,
        keys: KeyRing,
    ) -> None:
        receiver.manner = answer(503)
        await hooks.endpoint(receiver.url())
        engine = Engine(open_context, keys, chance=random.Random(7).random)
        moments = await _exhaust(hooks, engine, clock)
        await engine.close()
        ratios = [
            (later - earlier).total_seconds() / delay
            for earlier, later, delay in zip(moments, moments[1:], DELAYS_S[1:], strict=False)
        ]
        assert len(ratios) == ATTEMPTS - 1
        assert all(0.8 <= ratio <= 1.2 for ratio in ratios)
        assert len({round(ratio, 3) for ratio in ratios}) > 5

    async def test_a_success_ends_it(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        receiver.manner = answer(500)
        endpoint = await hooks.endpoint(receiver.url())
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert (await hooks.row(endpoint))["failures"] == 1
        receiver.manner = answer(204, body=b"")
        clock.at += timedelta(seconds=5)
        await engine.deliver()
        (delivery,) = await hooks.deliveries()
        assert (delivery["status"], delivery["attempt"]) == ("succeeded", 2)
        assert (await hooks.row(endpoint))["failures"] == 0


class TestAnswers:
    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    async def test_a_redirect_is_a_failure_and_is_not_followed(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, status: int
    ) -> None:
        receiver.manner = answer(status, f"Location: {receiver.url('/elsewhere')}")
        await hooks.endpoint(receiver.url("/here"))
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert [one.path for one in receiver.received] == ["/here"]
        (delivery,) = await hooks.deliveries()
        (attempt,) = await hooks.attempts(delivery["delivery_id"])
        assert (delivery["status"], attempt["error"]) == ("pending", "redirect")

    async def test_the_receiver_may_abort_a_message(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        receiver.manner = answer(400, "Webhook-Delivery: abort-message")
        endpoint = await hooks.endpoint(receiver.url())
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert await hooks.statuses() == {"aborted"}
        assert (await hooks.row(endpoint))["failures"] == 0

    async def test_gone_switches_the_endpoint_off(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        receiver.manners["/gone"] = answer(410)
        gone = await hooks.endpoint(receiver.url("/gone"), event_types=["turn.completed"])
        await hooks.endpoint(receiver.url("/other"), event_types=["endpoint.disabled"])
        await hooks.happen(5)
        await engine.deliver(hooks.tenant_id)
        row = await hooks.row(gone)
        assert (row["status"], row["disabled_reason"]) == ("disabled", "gone")
        assert await hooks.statuses(gone) <= {"failed", "discarded"}
        await hooks.place()
        await engine.deliver(hooks.tenant_id)
        (told,) = [one for one in receiver.received if one.path == "/other"]
        assert told.event["data"]["reason"] == "gone"
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert len(receiver.ids("/gone")) <= 2

    @pytest.mark.parametrize("is_date", [False, True])
    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    async def test_retry_after_pauses_the_whole_endpoint(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        clock: FixedClock,
        status: int,
        *,
        is_date: bool,
    ) -> None:
        clock.at = clock.at.replace(microsecond=0)
        until = clock.at + timedelta(seconds=90)
        value = format_datetime(until, usegmt=True) if is_date else "90"
        receiver.manner = answer(status, f"Retry-After: {value}")
        endpoint = await hooks.endpoint(receiver.url())
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert (await hooks.row(endpoint))["not_before"] == until
        assert (await hooks.deliveries())[0]["next_attempt_at"] == until
        receiver.manner = answer()
        await hooks.happen()
        clock.at = until - LEAST
        await engine.deliver(hooks.tenant_id)
        assert len(receiver.received) == 1
        clock.at = until
        await engine.deliver()
        assert len(receiver.received) == 3
        assert await hooks.statuses() == {"succeeded"}

    async def test_an_endless_pause_is_cut_to_a_day(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        receiver.manner = answer(429, "Retry-After: 99999999999999999999")
        endpoint = await hooks.endpoint(receiver.url())
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert (await hooks.row(endpoint))["not_before"] == clock.at + timedelta(hours=24)


class TestRate:
    async def test_an_endpoint_gets_no_more_than_its_rate(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        await hooks.endpoint(receiver.url(), rate_per_s=10)
        await hooks.happen(30)
        start, counts = clock.at, []
        await engine.quiet_fan_out.work(hooks.tenant_id)
        while len(receiver.received) < 30 and clock.at < start + timedelta(seconds=10):
            await engine.deliver()
            counts.append(len(receiver.received))
            clock.at += timedelta(milliseconds=100)
        assert len(receiver.received) == 30
        assert all(count <= 2 + number for number, count in enumerate(counts))
        assert timedelta(seconds=2.5) <= clock.at - start <= timedelta(seconds=4)


class TestManyWaiting:
    async def test_finding_what_is_due_costs_one_look_per_endpoint(
        self, hooks: Hooks, receiver: Receiver, database_url: str, clock: FixedClock
    ) -> None:
        """10,000 rows at three dead endpoints: the plan reads a handful of them."""
        for _ in range(3):
            endpoint = await hooks.endpoint(receiver.url(), failures=4)
            await hooks.world.execute(
                "insert into webhook_deliveries (tenant_id, delivery_id, endpoint_id, event_id,"
                " event_type, trigger, body, status, attempt, next_attempt_at, created_at)"
                " select $1, gen_random_uuid(), $2, gen_random_uuid(), 'turn.completed', 'event',"
                "        $3, 'pending', 3, $4::timestamptz + make_interval(secs => n), now()"
                "   from generate_series(1, 3334) as n",
                endpoint.endpoint_id,
                os.urandom(300),
                clock.at,
            )
        owner = await asyncpg.connect(database_url)
        try:
            await owner.execute("analyze app.webhook_deliveries; set search_path to app")
            lines = await owner.fetch(
                f"explain (analyze, buffers, costs off, timing off) {SQL['due_endpoints']}"
            )
        finally:
            await owner.close()
        plan = "\n".join(line[0] for line in lines).split("Planning:")[0]
        assert "webhook_deliveries_due" in plan
        assert "Seq Scan on webhook_deliveries" not in plan, plan
        touched = max(
            int(part.removeprefix("hit="))
            for line in plan.splitlines()
            for part in line.split()
            if part.startswith("hit=")
        )
        assert touched < 100, plan

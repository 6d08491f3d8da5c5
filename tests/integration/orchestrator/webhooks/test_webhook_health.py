"""Five days of only failures switch an endpoint off; the tenant's others are told."""

from datetime import timedelta

from shared.clock import FixedClock
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Receiver, answer

TOLD = ["endpoint.warning", "endpoint.disabled", "endpoint.recovered"]


async def _try(hooks: Hooks, engine: Engine) -> None:
    """Send what is due, with the news that come of it."""
    for _ in range(3):
        await engine.deliver(hooks.tenant_id)
        await hooks.place()


def _told(receiver: Receiver) -> list[str]:
    return [one.event["type"] for one in receiver.received if one.path == "/other"]


class TestFiveDays:
    async def test_warned_at_three_days_off_at_five(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        receiver.manners["/bad"] = answer(500)
        bad = await hooks.endpoint(receiver.url("/bad"))
        await hooks.endpoint(receiver.url("/other"), event_types=TOLD)
        start = clock.at
        seen: dict[str, timedelta] = {}
        while clock.at - start < timedelta(days=5, hours=12):
            await hooks.happen()
            await _try(hooks, engine)
            for event_type in _told(receiver):
                seen.setdefault(event_type, clock.at - start)
            clock.at += timedelta(hours=6)
        assert seen == {
            "endpoint.warning": timedelta(days=3),
            "endpoint.disabled": timedelta(days=5),
        }
        assert _told(receiver) == ["endpoint.warning", "endpoint.disabled"]
        row = await hooks.row(bad)
        assert (row["status"], row["disabled_reason"]) == ("disabled", "failing")
        assert row["failing_since"] == start
        assert "pending" not in await hooks.statuses(bad)
        assert "discarded" in await hooks.statuses(bad)
        # The endpoint itself was never told of itself.
        assert {one.event["type"] for one in receiver.received if one.path == "/bad"} == {
            "turn.completed"
        }

    async def test_one_success_in_between_starts_the_clock_again(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        receiver.manners["/bad"] = answer(500)
        bad = await hooks.endpoint(receiver.url("/bad"), event_types=["turn.completed"])
        await hooks.endpoint(receiver.url("/other"), event_types=TOLD)
        for step in range(24):
            is_good = step == 14  # day 3.5: after the warning
            receiver.manners["/bad"] = answer(200 if is_good else 500)
            await hooks.happen()
            await _try(hooks, engine)
            clock.at += timedelta(hours=6)
        assert _told(receiver) == ["endpoint.warning", "endpoint.recovered"]
        assert (await hooks.row(bad))["status"] == "enabled"
        assert (await hooks.row(bad))["warned_at"] is None

    async def test_a_quiet_endpoint_is_not_switched_off_for_one_lost_delivery(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        """One failure a day: never several within 24 hours, so the clock never starts."""
        receiver.manners["/bad"] = answer(400, "Retry-After: 0")
        bad = await hooks.endpoint(receiver.url("/bad"))
        for _ in range(8):
            await hooks.happen()
            await engine.deliver(hooks.tenant_id)
            await hooks.world.execute(
                "update webhook_deliveries set status = 'failed', finished_at = now(),"
                " next_attempt_at = null where tenant_id = $1 and status = 'pending'"
            )
            clock.at += timedelta(hours=25)
        row = await hooks.row(bad)
        assert (row["status"], row["failures"]) == ("enabled", 1)
        assert await hooks.event_types() == []


class TestSwitchedOff:
    async def test_thousands_of_waiting_deliveries_are_discarded_in_steps(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, clock: FixedClock
    ) -> None:
        endpoint = await hooks.endpoint(
            receiver.url(), status="disabled", disabled_reason="caller", disabled_at=clock.at
        )
        await hooks.world.execute(
            "insert into webhook_deliveries (tenant_id, delivery_id, endpoint_id, event_id,"
            " event_type, trigger, body, status, next_attempt_at, created_at)"
            " select $1, gen_random_uuid(), $2, gen_random_uuid(), 'turn.completed', 'event', 'x',"
            "        'pending', now(), now() from generate_series(1, 2500)",
            endpoint.endpoint_id,
        )
        steps = 0
        while "pending" in await hooks.statuses():
            await engine.sender.look()
            steps += 1
        assert steps == 3
        assert receiver.received == []

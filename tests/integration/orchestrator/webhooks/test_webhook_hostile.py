"""Receivers that answer badly cost nobody else anything; and what is private stays out of the
logs."""

import logging
import time

import pytest
from structlog.testing import capture_logs

from services.orchestrator.webhooks.slots import WIDEST_WINDOW
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Receiver, answer, flood, hang_up, tar_pit, trickle
from tests.support.waiting import eventually


class TestSlots:
    async def test_a_tar_pit_holds_one_slot_and_gives_it_back(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        receiver.manner = tar_pit
        await hooks.endpoint(receiver.url("/tar"))
        await hooks.happen(40)
        gate = engine.sender._gate
        free = gate._all.free
        await engine.quiet_fan_out.work(hooks.tenant_id)
        await engine.sender.look()
        await eventually(lambda: len(receiver.received) >= 3)  # the first two timed out
        (lane,) = engine.sender._lanes.values()
        assert (lane.in_flight, lane.window) == (1, 1)
        assert gate._failing.free == gate_failing(free) - 1
        await engine.close()
        assert gate._all.free == free
        assert gate._failing.free == gate_failing(free)
        assert max_at_once(receiver) <= 2

    async def test_another_endpoint_does_not_wait_for_it(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        receiver.manners["/tar"] = tar_pit
        receiver.manners["/bad"] = answer(500)
        await hooks.endpoint(receiver.url("/tar"), failures=9)
        await hooks.endpoint(receiver.url("/bad"), failures=9)
        await hooks.happen(200)
        await engine.fan_out.work(hooks.tenant_id)
        await hooks.endpoint(receiver.url("/good"), after_position=200)
        await hooks.happen(20)
        began = time.perf_counter()
        await engine.fan_out.work(hooks.tenant_id)
        await eventually(lambda: len(receiver.ids("/good")) == 20)
        assert time.perf_counter() - began < 1.0, "less than one time limit of the tar pit"
        assert len(receiver.ids("/tar")) <= 2

    async def test_trust_grows_with_good_answers(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        await hooks.endpoint(receiver.url())
        await hooks.happen(120)
        windows: list[int] = []

        async def watching(*_: object) -> None:
            windows.extend(lane.window for lane in engine.sender._lanes.values())
            await answer()(*_)  # type: ignore[arg-type]  # the arguments of a manner

        receiver.manner = watching
        await engine.deliver(hooks.tenant_id)
        assert windows[0] == 2
        assert max(windows) == WIDEST_WINDOW
        assert engine.sender._lanes == {}


class TestBadAnswers:
    @pytest.mark.parametrize(
        ("manner", "error"),
        [
            (tar_pit, "timeout"),
            (trickle(in_head=True), "timeout"),
            (hang_up, "disconnected"),
            (trickle(500), "status"),
            (flood(status=500), "status"),
            (answer(200, body=b"", length=50), None),
            (flood(), None),
        ],
        ids=["tar", "endless-head", "hang-up", "trickle", "flood-500", "cut-short", "flood"],
    )
    async def test_each_ends_within_the_limit(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, manner, error: str | None
    ) -> None:
        receiver.manner = manner
        await hooks.endpoint(receiver.url())
        await hooks.happen()
        began = time.perf_counter()
        await engine.deliver(hooks.tenant_id)
        assert time.perf_counter() - began < 8.0
        (delivery,) = await hooks.deliveries()
        (attempt,) = await hooks.attempts(delivery["delivery_id"])
        assert attempt["error"] == error
        assert attempt["latency_ms"] < 7000
        if attempt["response"] is not None:
            assert len(await hooks.response(attempt)) <= 2048


class TestLogs:
    async def test_no_url_secret_body_or_answer_in_any_log(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        receiver.manners["/hush-url"] = answer(500, body=b"hush-answer")
        receiver.manners["/hush-gone"] = answer(410, body=b"hush-answer")
        learner_id = await hooks.learner("hush-person")
        simulation_id = await hooks.simulation(learner_id, said="hush-words")
        with capture_logs() as logs:
            endpoints = [
                await hooks.endpoint(receiver.url("/hush-url"), payload="fat"),
                await hooks.endpoint(receiver.url("/hush-gone"), payload="fat"),
                await hooks.endpoint("http://hush-name.invalid/", payload="fat"),
                await hooks.endpoint("http://[::1]:1/hush", payload="fat"),
                await hooks.endpoint("http://169.254.169.254/hush", payload="fat"),
            ]
            await hooks.happen(resource_id=simulation_id)
            await engine.deliver(hooks.tenant_id)
            await hooks.world.execute(
                "update webhook_deliveries set body = 'hush' where tenant_id = $1"
            )
            await hooks.happen()
            await engine.deliver(hooks.tenant_id)

            async def broken(*_: object, **__: object) -> None:
                raise RuntimeError("hush-message")

            monkeypatch.setattr(engine.recorder, "add", broken)
            await hooks.happen()
            await engine.deliver(hooks.tenant_id)
        said = repr(logs) + caplog.text
        assert "webhook.endpoint_disabled" in said
        assert "webhook.attempt_lost" in said
        assert "hush" not in said
        assert not any(one.secret in said for one in endpoints)
        assert str(receiver.port) not in said


def gate_failing(amount: int) -> int:
    return amount // 4


def max_at_once(receiver: Receiver) -> int:
    """Most requests that began within one time limit."""
    times = sorted(one.at for one in receiver.received)
    return max(sum(1 for at in times if start <= at < start + 0.9) for start in times)

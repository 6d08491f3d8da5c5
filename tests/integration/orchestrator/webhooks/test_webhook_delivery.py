"""From a committed event to a verified request, once per endpoint that wants it."""

from datetime import timedelta
from uuid import UUID

import msgspec
import standardwebhooks
import svix

from shared.contracts.events import EventType
from shared.contracts.webhooks import MAX_BODY_BYTES
from shared.ids import format_id
from tests.integration.orchestrator.orchestrator_world import IDS, World
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Receiver


class _Ended(msgspec.Struct):
    reason: str = "goal_met"


class TestDelivery:
    async def test_an_event_arrives_once_signed_and_is_noted(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        endpoint = await hooks.endpoint(receiver.url("/hook"))
        simulation_id = IDS.new()
        (event_id,) = await hooks.happen(resource_id=simulation_id)
        await engine.deliver(hooks.tenant_id)
        await engine.deliver(hooks.tenant_id)
        (got,) = receiver.received
        assert got.path == "/hook"
        assert got.webhook_id == format_id("evt", event_id)
        assert standardwebhooks.Webhook(endpoint.secret).verify(got.body, got.headers) == got.event
        svix.Webhook(endpoint.secret).verify(got.body, got.headers)
        assert got.event["type"] == "turn.completed"
        assert got.event["data"] == {
            "resource": "simulation",
            "id": format_id("sim", simulation_id),
            "url": f"/v1/simulations/{format_id('sim', simulation_id)}",
            "seq": 2,
        }
        (delivery,) = await hooks.deliveries()
        assert (delivery["status"], delivery["attempt"]) == ("succeeded", 1)
        assert await hooks.body(delivery) == got.body
        (attempt,) = await hooks.attempts(delivery["delivery_id"])
        assert (attempt["result"], attempt["status_code"]) == ("succeeded", 200)
        assert await hooks.response(attempt) == b"ok"

    async def test_every_endpoint_gets_what_it_wants(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        await hooks.endpoint(receiver.url("/all"))
        await hooks.endpoint(receiver.url("/ends"), event_types=["simulation.ended"])
        await hooks.endpoint(receiver.url("/later"), after_position=2)
        await hooks.endpoint(
            receiver.url("/off"),
            status="disabled",
            disabled_reason="caller",
            disabled_at=hooks.context.clock.now(),
        )
        await hooks.happen(2)
        await hooks.happen(event_type=EventType.SIMULATION_ENDED, facts=_Ended())
        await engine.deliver(hooks.tenant_id)
        paths = [(one.path, one.event["position"]) for one in receiver.received]
        assert sorted(paths) == [("/all", 1), ("/all", 2), ("/all", 3), ("/ends", 3), ("/later", 3)]

    async def test_a_new_endpoint_is_not_read_the_past(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        await hooks.happen(30)
        await hooks.endpoint(receiver.url(), after_position=30)
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        assert [one.event["position"] for one in receiver.received] == [31]
        await engine.fan_out.sweep()
        assert hooks.tenant_id not in engine.fan_out._waiting

    async def test_a_team_endpoint_hears_of_its_people_on_that_day(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, world: World
    ) -> None:
        team_id = await _team(hooks)
        stranger = await hooks.learner()
        today = hooks.context.clock.now().date()
        await world.execute(
            "insert into memberships values ($1, $2, $3, $4, $5)",
            world.learner_id,
            team_id,
            today - timedelta(days=10),
            today,
        )
        before = await world.simulation()
        await hooks.endpoint(receiver.url(), team_ids=[team_id])
        await hooks.happen(resource_id=before, at=hooks.context.clock.now() - timedelta(days=3))
        await hooks.happen(resource_id=before)  # today the learner is in no team any more
        other = await hooks.simulation(stranger)
        await hooks.happen(resource_id=other)
        await engine.deliver(hooks.tenant_id)
        assert [one.event["position"] for one in receiver.received] == [1]


class TestFat:
    async def test_it_says_who_what_and_the_reply(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        learner_id = await hooks.learner("agent-7")
        simulation_id = await hooks.simulation(learner_id, said="I see. Thank you.")
        await hooks.endpoint(receiver.url("/fat"), payload="fat")
        await hooks.endpoint(receiver.url("/thin"))
        await hooks.happen(resource_id=simulation_id)
        await engine.deliver(hooks.tenant_id)
        bodies = {one.path: one.event["data"] for one in receiver.received}
        fat = bodies["/fat"].pop("object")
        assert bodies["/fat"] == bodies["/thin"]
        assert fat["status"] == "open"
        assert fat["learner"] == {"id": format_id("lrn", learner_id), "external_id": "agent-7"}
        assert fat["turn"] == {"seq": 2, "role": "customer", "text": "I see. Thank you."}

    async def test_what_would_be_too_large_goes_out_thin(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        learner_id = await hooks.learner("agent-8")
        simulation_id = await hooks.simulation(learner_id, said="long " * 5000)
        await hooks.endpoint(receiver.url(), payload="fat")
        await hooks.happen(resource_id=simulation_id)
        await engine.deliver(hooks.tenant_id)
        (got,) = receiver.received
        assert "object" not in got.event["data"]
        assert len(got.body) < MAX_BODY_BYTES

    async def test_a_person_who_is_erased_meanwhile_is_not_told_of(
        self, hooks: Hooks, engine: Engine, receiver: Receiver, world: World
    ) -> None:
        learner_id = await hooks.learner("agent-9")
        simulation_id = await hooks.simulation(learner_id, said="private")
        await hooks.endpoint(receiver.url(), payload="fat")
        await hooks.happen(resource_id=simulation_id)
        await engine.quiet_fan_out.work(hooks.tenant_id)
        await world.execute(
            "delete from learner_keys where tenant_id = $1 and learner_id = $2", learner_id
        )
        await engine.deliver(hooks.tenant_id)
        assert receiver.received == []
        assert await hooks.statuses() == {"discarded"}
        await hooks.happen(resource_id=simulation_id)
        await engine.deliver(hooks.tenant_id)
        (got,) = receiver.received
        assert "object" not in got.event["data"]


async def _team(hooks: Hooks) -> UUID:
    team_id = IDS.new()
    await hooks.world.execute(
        "insert into teams (tenant_id, team_id, name, created_at) values ($1, $2, 'x', now())",
        team_id,
    )
    return team_id

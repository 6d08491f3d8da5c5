"""The real worker behind a stream: its pieces are the reply that it stores."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from litestar import Litestar
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.api.app import create_app
from services.api.context import ProcessContext
from services.sim_worker.context import Context
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import EmbeddedWording
from shared.contracts.jobs import JobMessage
from shared.contracts.live import LiveDelta, LiveNews
from tests.integration.api.conftest import Partner
from tests.integration.api.stream_world import events_of, speak
from tests.support.waiting import eventually


@pytest.fixture
async def worker(context: ProcessContext, nats: Client) -> AsyncIterator[None]:
    handler = TurnHandler(
        Context(
            settings=context.settings,
            database=context.database,
            publisher=context.publisher,
            wording=EmbeddedWording(),
            reader=SimulationReader(context.database, context.keys),
            clock=context.clock,
            ids=context.ids,
        )
    )

    async def take(message: Msg) -> None:
        await handler.handle(msgspec.json.decode(message.data, type=JobMessage))

    subscription = await nats.subscribe("jobs.turn.*", cb=take)
    yield
    await subscription.unsubscribe()


@pytest.mark.usefixtures("worker")
async def test_the_pieces_are_the_reply(context: ProcessContext, partner: Partner) -> None:
    app: Litestar = create_app(context)
    simulation = (await partner.simulation())["id"]

    events = await events_of(await speak(app, partner, simulation, 0))

    told = [event.data for event in events if event.name == "turn.delta"]
    stored = (await partner.get(f"/v1/simulations/{simulation}/turns")).json()["data"]
    assert "".join(each["text"] for each in told) == stored[2]["text"]
    assert [each["index"] for each in told] == list(range(len(told)))
    assert {(each["seq"], each["attempt"]) for each in told} == {(2, 1)}


@pytest.mark.usefixtures("worker")
async def test_nobody_reads_along_and_nothing_is_told_in_pieces(
    context: ProcessContext, partner: Partner, nats: Client
) -> None:
    told: list[LiveNews] = []

    async def hear(message: Msg) -> None:
        told.append(msgspec.json.decode(message.data, type=LiveNews))

    subscription = await nats.subscribe("live.>", cb=hear)
    simulation = (await partner.simulation())["id"]
    assert (await partner.say(simulation, 0)).status_code == 200
    await eventually(lambda: len(told) == 1)
    await subscription.unsubscribe()

    assert not isinstance(told[0], LiveDelta)

"""Streams over real connections: who leaves is forgotten, and a process that stops lets them go."""

import asyncio
import socket

import httpx
import msgspec
import pytest

from services.api.live import LiveReplies
from services.api.main import serve
from shared.config import Settings
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.sse_client import SseReader
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


async def test_leaving_and_stopping(
    settings: Settings,
    tenants: TenantFactory,
    worker: FakeWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lives: list[LiveReplies] = []
    monkeypatch.setattr(
        "services.api.app.LiveReplies",
        lambda client: lives.append(LiveReplies(client)) or lives[-1],
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    stop, ready = asyncio.Event(), asyncio.Event()
    own = msgspec.structs.replace(settings, api_port=port, stream_heartbeat_s=0.1)
    process = asyncio.create_task(serve(own, stop=stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        partner = Partner(client, await tenants.new())
        path = f"/v1/simulations/{(await partner.simulation())['id']}/events"
        async with client.stream("GET", path, headers=partner.headers) as answer:
            await anext(answer.aiter_raw())
            assert lives[0]._listening
        await eventually(lambda: not lives[0]._listening)

        async with client.stream("GET", path, headers=partner.headers) as answer:
            reader = SseReader()
            chunks = answer.aiter_raw()
            reader.feed(await anext(chunks))
            stop.set()
            events = [event async for chunk in chunks for event in reader.feed(chunk)]
        assert "done" not in {event.name for event in events}
    await asyncio.wait_for(process, 10)

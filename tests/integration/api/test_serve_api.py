"""The process: it listens, finishes requests in hand when told to stop, and sums each request up."""

import asyncio
import socket

import httpx
import msgspec
import pytest
import structlog

from services.api.main import serve
from shared.config import Settings
from tests.integration.api.conftest import FakeWorker, Partner
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_a_request_in_hand_is_finished(
    settings: Settings, port: int, tenants: TenantFactory, worker: FakeWorker
) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    own = msgspec.structs.replace(settings, api_port=port)
    process = asyncio.create_task(serve(own, stop=stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        partner = Partner(client, await tenants.new())
        simulation = await partner.simulation()
        worker.delay_s = 0.5
        try:
            turn = asyncio.create_task(partner.say(simulation["id"], 0))
            await eventually(lambda: _last_seq_is(partner, simulation["id"], 1))
            stop.set()
            response = await turn
        finally:
            worker.delay_s = 0.0
    await asyncio.wait_for(process, 10)

    assert response.status_code == 200
    assert response.json()["reply"]["seq"] == 2
    with pytest.raises(OSError, match=r"refused|failed"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


async def _last_seq_is(partner: Partner, simulation_id: str, seq: int) -> bool:
    response = await partner.get(f"/v1/simulations/{simulation_id}")
    return bool(response.json()["last_seq"] == seq)


async def test_a_taken_port_is_an_error(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = msgspec.structs.replace(settings, api_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            await serve(own, stop=asyncio.Event(), ready=lambda: None)


async def test_one_line_sums_a_request_up_without_its_text(
    partner: Partner, worker: FakeWorker
) -> None:
    simulation = await partner.simulation()
    with structlog.testing.capture_logs() as lines:
        response = await partner.say(simulation["id"], 0, "something very private")

    done = [line for line in lines if line["event"] == "request.done"]
    assert len(done) == 1
    assert done[0]["route"] == "/v1/simulations/{simulation_id}/turns"
    assert done[0]["status"] == 200
    assert done[0]["request_id"] == response.headers["request-id"]
    assert done[0]["tenant_id"] == str(partner.tenant.tenant_id)
    assert "private" not in str(lines)

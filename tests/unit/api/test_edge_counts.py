"""What the edge counts of a request besides the time by route."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send

from services.api.edge import Edge
from shared.ids import Uuid7Maker
from shared.telemetry import metrics


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.begin(with_process=False)
    yield
    metrics.end()


async def _ask(status: int, *headers: tuple[bytes, bytes]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def send(_: Any) -> None:
        return None

    scope = {"type": "http", "method": "POST", "headers": list(headers), "state": {}}
    await Edge(app, Uuid7Maker())(scope, None, send)  # type: ignore[arg-type]  # no whole scope


@pytest.mark.usefixtures("counting")
async def test_accepting_is_timed_where_nobody_asked_to_wait() -> None:
    await _ask(202, (b"prefer", b"wait=5"))
    await _ask(200)
    assert b"http_accept_seconds" not in metrics.exposition()
    await _ask(202)
    assert b"http_accept_seconds_count 1.0" in metrics.exposition()

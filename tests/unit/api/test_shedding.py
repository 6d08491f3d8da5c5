"""Refusing while things wait: by what waiting was measured, learners last."""

from typing import Any

import msgspec
import pytest

from services.api.shedding import FIRST, LEAST, MOST, TARGET_S, WINDOW_S, Shedder, Shedding
from shared.telemetry import metrics


class Time:
    """Moves on when it is told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def shedder(time: Time) -> Shedder:
    return Shedder(lambda n: b"\x02" * n, time)


def wait(shedder: Shedder, time: Time, seconds: float, times: int = 1) -> None:
    """Let windows pass in which everything waited so long."""
    for _ in range(times):
        time.seconds += WINDOW_S
        shedder.note("worker", seconds)


def fill(shedder: Shedder, kind: str) -> int:
    """Enter until there is a refusal; return how many were admitted."""
    admitted = 0
    while shedder.enter(kind) is None:
        admitted += 1
    return admitted


def test_learners_are_refused_last(shedder: Shedder) -> None:
    work = fill(shedder, "work")
    reads = fill(shedder, "read")
    turns = fill(shedder, "turn")
    assert (work, work + reads, work + reads + turns) == (700, 850, FIRST)


def test_a_refusal_says_when_to_come_back(shedder: Shedder) -> None:
    fill(shedder, "turn")
    refusal = shedder.enter("turn")
    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, "temporary-reduced-capacity")
    assert refusal.retry_after_s == 3


def test_long_waits_admit_fewer_but_never_too_few(shedder: Shedder, time: Time) -> None:
    for _ in range(400):
        shedder.enter("turn")
    wait(shedder, time, 2 * TARGET_S)
    assert shedder.limit == 360  # nine tenths of what was in hand
    wait(shedder, time, 2 * TARGET_S, 50)
    assert shedder.limit == LEAST
    for _ in range(400):
        shedder.leave()
    assert fill(shedder, "work") == LEAST


def test_it_grows_only_while_it_is_used(shedder: Shedder, time: Time) -> None:
    wait(shedder, time, 0.0, 20)
    assert shedder.limit == FIRST
    for _ in range(FIRST):
        shedder.enter("turn")
    wait(shedder, time, 0.0)
    assert FIRST < shedder.limit < FIRST + 20
    wait(shedder, time, 0.0, 10_000)
    assert shedder.limit <= MOST


def test_one_long_wait_among_many_short_ones_is_nothing(shedder: Shedder, time: Time) -> None:
    for _ in range(300):
        shedder.enter("turn")
    shedder.note("worker", 60.0)
    for _ in range(5):
        shedder.note("worker", 0.001)
    wait(shedder, time, 0.001)
    assert shedder.limit >= FIRST


def test_whoever_left_makes_room(shedder: Shedder) -> None:
    fill(shedder, "turn")
    shedder.leave()
    assert shedder.enter("turn") is None
    assert shedder.enter("turn") is not None


def test_the_slowest_queue_counts(shedder: Shedder, time: Time) -> None:
    for _ in range(400):
        shedder.enter("turn")
    for _ in range(50):
        shedder.note("worker", 0.001)
    shedder.note("connections", 2 * TARGET_S)
    wait(shedder, time, 0.001)
    assert shedder.limit == 360


async def test_a_refused_request_gets_a_whole_problem_and_nobody_looks_at_it() -> None:
    async def inner(*_: object) -> None:
        raise AssertionError("it was looked at")

    shedder = Shedder(lambda n: b"\x02" * n)
    fill(shedder, "turn")
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    path = "/v1/simulations/sim_1/turns"
    scope = {"path": path, "method": "POST", "headers": [], "state": {"request_id": "req_1"}}
    metrics.begin(with_process=False)
    try:
        await Shedding(inner, shedder)(scope, None, send)  # type: ignore[arg-type]  # no whole one
        assert b'http_server_shed_total{kind="turn"} 1.0' in metrics.exposition()
    finally:
        metrics.end()
    start, body = sent
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"retry-after"] == b"3"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    problem = msgspec.json.decode(body["body"])
    assert problem["code"] == "temporary-reduced-capacity"
    assert problem["request_id"] == "req_1"
    assert problem["retryable"] is True

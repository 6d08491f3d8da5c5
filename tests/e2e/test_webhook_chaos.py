"""Kill -9 by chance while a flaky receiver gets webhooks: what it received in the end is exactly
what was committed. [R-B8]
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec
import pytest

from shared.ids import format_id, parse_id
from shared.webhooks.schedule import DELAYS_S, JITTER
from tests.e2e.partner import PATIENCE_S, PAUSE_S, Partner
from tests.e2e.truth import settled
from tests.support.chaos import LATE_S, FlakyReceiver, Killer
from tests.support.product import Product
from tests.support.waiting import eventually

SETTINGS: Final = {
    "RAPPORT_WORDING_DELAY_MS": "200",
    "RAPPORT_JOB_LEASE_S": "3",
    "RAPPORT_JOB_FIRST_RETRY_S": "1",
    # Shorter than the receiver's late answers, and what a killed sender held is due again sooner.
    "RAPPORT_WEBHOOK_TIMEOUT_S": str(LATE_S - 1),
}

VICTIMS: Final = ("api", "orchestrator", "sim-worker", "scoring-worker", "reporting", "nats")

PATHS: Final = {"/thin": "thin", "/fat": "fat"}
"""Endpoints at the receiver, and their payload."""

DELIVERED_TIMEOUT_S: Final = 90.0

UNDELIVERED = """
select (select count(*) from webhook_deliveries
         where tenant_id = $1 and status = 'pending') as deliveries,
       coalesce((select position from event_heads where tenant_id = $1), 0)
         - coalesce((select position from consumer_positions
                      where tenant_id = $1 and consumer = 'webhooks'), 0) as events
"""

Work = Callable[[Partner, str, "Told"], Awaitable[None]]


class Told(Counter[tuple[str, str]]):
    """Events that must be there, by what the API said: how many, by type and resource."""

    def add(self, resource_id: str, *types: str) -> None:
        """Expect these events of a resource."""
        self.update((each, resource_id) for each in types)


# -- load


async def _read(partner: Partner, path: str, **query: Any) -> Any:
    """Return the body of an answer; try again while there is none."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        said: object
        try:
            response = await partner.http.get(path, params=query)
        except httpx.TransportError as error:
            said = error
        else:
            if response.status_code == 200:
                return response.json()
            said = f"{response.status_code} {response.text}"
            assert response.status_code in {429, 503}, f"{path}: {said}"
        assert time.monotonic() < deadline, f"{path} after {PATIENCE_S} s: {said!r}"
        await asyncio.sleep(PAUSE_S)


async def _has(partner: Partner, path: str, status: str) -> dict[str, Any]:
    """Wait until a resource has a status; return it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found: dict[str, Any] = await _read(partner, path)
        if found["status"] == status:
            return found
        assert found["status"] != "failed", found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(PAUSE_S)


async def _practice(partner: Partner, learner: str, told: Told) -> None:
    simulation = (await partner.simulation(learner))["id"]
    await partner.talk(simulation, 2)
    await partner.end(simulation)
    replies = sum(1 for said_in, _ in partner.exchanges if said_in == simulation)
    told.add(simulation, "simulation.started", "simulation.ended", *["turn.completed"] * replies)
    await _has(partner, f"/v1/simulations/{simulation}", "scored")
    told.add(format_id("scr", parse_id("sim", simulation)), "scoring.completed")


async def _hand_in(partner: Partner, learner: str, told: Told) -> None:
    scoring = await partner.score(learner, exchanges=6)
    await _has(partner, f"/v1/scorings/{scoring}", "completed")
    told.add(scoring, "scoring.completed")


async def _review(partner: Partner, learner: str, told: Told) -> None:
    """Acknowledge, dispute, uphold and override: every kind of news that people make."""
    scoring = await partner.score(learner, exchanges=4)
    scored = await _has(partner, f"/v1/scorings/{scoring}", "completed")
    path = f"/v1/assessments/{scored['assessment_id']}"
    first = await _read(partner, path)
    await partner.insist(f"{path}/acknowledgment", {"actor": "learner-1"})
    objection = {"reason_code": "unfair", "comment": "I did ask that.", "actor": "learner-1"}
    dispute = (await partner.insist(f"{path}/disputes", objection)).json()
    answer = {"outcome": "upheld", "comment": "It stands.", "actor": "lead-1"}
    await partner.insist(f"/v1/disputes/{dispute['id']}/resolution", answer)
    key = next(each["key"] for each in first["criteria"] if each["score"] is not None)
    change = {"key": key, "score": 0, "comment": "Not heard on the call."}
    override = {"criteria": [change], "reason_code": "not_heard", "expected_revision": 1}
    await partner.insist(f"{path}/overrides", override)
    told.add(
        scoring,
        *("scoring.completed", "scoring.acknowledged", "scoring.disputed"),
        *("scoring.dispute_resolved", "scoring.revised"),
    )


async def _batch(partner: Partner, learner: str, told: Told) -> None:
    fields = {"scenarios": ["support-angry-late-delivery"], "profiles": ["average"], "repeat": 2}
    body = {"learner_id": learner, **fields}
    operation = (await partner.insist("/v1/simulation_batches", body)).json()
    await _has(partner, f"/v1/operations/{operation['id']}", "succeeded")
    told.add(operation["id"], "operation.ended")


LOAD: Final[tuple[Work, ...]] = (*[_practice] * 5, *[_hand_in] * 2, _review, _batch)
"""What goes on side by side, each again and again."""


async def _again_and_again(
    work: Work, partner: Partner, learner: str, told: Told, seconds: float
) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await work(partner, learner, told)


# -- what must be true


async def _follow(partner: Partner, feed: list[dict[str, Any]]) -> None:
    """Read the feed as it grows, and never see a gap."""
    while True:
        page = await _read(partner, "/v1/events", after=len(feed), limit=200)
        positions = [event["position"] for event in page["data"]]
        assert positions == list(range(len(feed) + 1, len(feed) + 1 + len(positions)))
        assert page["skipped"] == 0
        assert page["next_after"] == len(feed) + len(positions)
        feed.extend(page["data"])
        await asyncio.sleep(PAUSE_S)


async def _delivered(partner: Partner, retry_scale: float) -> None:
    """Wait until nothing is left to send; what failed before its last try waits for that."""
    longest_s = DELAYS_S[-1] * (1 + JITTER) * retry_scale
    deadline = time.monotonic() + DELIVERED_TIMEOUT_S + longest_s
    while True:
        left = dict((await partner.product.sql(UNDELIVERED, partner.tenant_id))[0])
        if not any(left.values()):
            return
        assert time.monotonic() < deadline, f"not delivered: {left}"
        await asyncio.sleep(PAUSE_S)


async def _committed(partner: Partner) -> list[str]:
    """Return the ids of all events in order; each has its position, without gaps."""
    rows = await partner.product.sql(
        "select event_id, position from events where tenant_id = $1 order by position",
        partner.tenant_id,
    )
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [format_id("evt", row["event_id"]) for row in rows]


async def _check(
    partner: Partner,
    receiver: FlakyReceiver,
    committed: list[str],
    feed: list[dict[str, Any]],
    told: Told,
) -> None:
    assert [event["id"] for event in feed] == committed
    assert receiver.faults == []
    for path in PATHS:
        received = receiver.bodies[path]
        assert set(received) == set(committed), f"{path}: received is not what was committed"
        assert receiver.acknowledged[path] == set(committed), f"{path}: not acknowledged"
    for event in feed:
        thin, fat = (
            msgspec.json.decode(receiver.bodies[path][event["id"]]) for path in ("/thin", "/fat")
        )
        fat["data"].pop("object", None)
        assert thin == fat == event
    ours = {resource_id for _, resource_id in told}
    seen = Counter(
        (event["type"], event["data"]["id"]) for event in feed if event["data"]["id"] in ours
    )
    assert seen == told, "events are not what the API told"
    states = await partner.product.sql(
        "select status, trigger, count(*) from webhook_deliveries where tenant_id = $1"
        " group by status, trigger",
        partner.tenant_id,
    )
    assert [tuple(row) for row in states] == [("succeeded", "event", len(PATHS) * len(committed))]


# -- the storm


async def _storm(
    product: Product, receiver: FlakyReceiver, seconds: float, retry_scale: float, chance: Random
) -> str:
    """Let it rage, wait until it has healed, check everything; return what happened."""
    partner = Partner.new(product, "webhook-chaos")
    try:
        for path, payload in PATHS.items():
            body = {"url": receiver.url(path), "payload": payload}
            made = (await partner.insist("/v1/webhook_endpoints", body)).json()
            receiver.expect(path, made["secret"])
        learner = await partner.learner(await partner.team("Storm"))
        feed: list[dict[str, Any]] = []
        following = partner.begin(_follow(partner, feed))
        told, killer = Told(), Killer(product, VICTIMS, chance, {"orchestrator": receiver.arrival})
        async with asyncio.TaskGroup() as group:
            for work in LOAD:
                group.create_task(_again_and_again(work, partner, learner, told, seconds))
            group.create_task(killer.rage(seconds))
            group.create_task(receiver.suffer(seconds))
        receiver.is_calm = True
        start = time.monotonic()
        await settled(partner)
        await _delivered(partner, retry_scale)
        healed = time.monotonic() - start
        committed = await _committed(partner)
        await eventually(lambda: len(feed) >= len(committed) or following.done())
        if following.done():
            following.result()
        await _check(partner, receiver, committed, feed, told)
    finally:
        await partner.close()
    kills = " ".join(f"{name}:{killer.kills[name]}" for name in VICTIMS)
    outcomes = ", ".join(f"{name} {n}" for name, n in sorted(receiver.outcomes.items()))
    return f"{len(feed)} events; kills {kills}; receiver {outcomes}; healed after {healed:.1f} s"


@pytest.mark.parametrize(
    ("seconds", "retry_scale", "seed"),
    [
        # Settings, not patches: the ten attempts fall into 135 s, and into 9 min.
        pytest.param(30, 0.0005, 8, id="a-minute", marks=pytest.mark.timeout(300)),
        pytest.param(
            600, 0.002, 10, id="ten-minutes", marks=[pytest.mark.slow, pytest.mark.timeout(1300)]
        ),
    ],
)
async def test_received_is_what_was_committed(
    tmp_path: Path,
    recovered: Callable[[str], None],
    seconds: float,
    retry_scale: float,
    seed: int,
) -> None:
    settings = {**SETTINGS, "RAPPORT_WEBHOOK_RETRY_SCALE": str(retry_scale)}
    product = Product(tmp_path / "data", settings)
    chance = Random(seed)
    try:
        product.start()
        async with FlakyReceiver(Random(chance.random())) as receiver:
            told = await _storm(product, receiver, seconds, retry_scale, chance)
            recovered(f"webhooks {told}")
    finally:
        product.clean_up()

"""Kill -9 between two steps that must look like one, and the client's retry: still one effect. [R-A3]

The short form kills the API at each of its points while it starts a simulation, and relay and
worker at theirs while a conversation is scored; the long form has every kind of request.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared import failpoints
from tests.e2e.partner import LINES, SCENARIO, Partner, transcript
from tests.e2e.test_llm_faults import POINTS as OF_MODELS
from tests.e2e.test_one_effect import ROWS
from tests.e2e.truth import assert_whole, settled
from tests.support.product import Product
from tests.support.waiting import eventually

OF_THE_API = ("api.before_claim", "api.after_claim_commit", "api.before_response")
OF_OTHERS = (
    ("relay.after_mark", "orchestrator"),
    ("relay.after_publish_before_mark", "orchestrator"),
    ("consumer.after_effect_before_ack", None),
)
"""With the process that dies; None: whichever takes the next job."""

Request = tuple[str, Mapping[str, Any], dict[str, int]]
"""Path, body, and the rows that one effect adds."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file arms a point."""
    return tmp_path_factory.mktemp("failpoints")


@pytest.fixture(scope="module")
def crashing(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    settings = {"RAPPORT_FAILPOINTS": f"watch:{folder}", "RAPPORT_JOB_LEASE_S": "3"}
    running = Product(tmp_path_factory.mktemp("crashing") / "data", settings)
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture
async def victim(crashing: Product) -> AsyncIterator[Partner]:
    """A tenant of the product whose points are armed."""
    made = Partner.new(crashing, "victim")
    yield made
    await made.close()


async def _simulation(partner: Partner) -> Request:
    body = {"scenario": SCENARIO, "learner_id": await partner.learner(), "mode": "interactive"}
    return "/v1/simulations", body, {"simulations": 1, "turns": 1}


async def _turn(partner: Partner) -> Request:
    simulation = await partner.simulation(await partner.learner())
    body = {"text": LINES[0], "expected_seq": 0}
    return f"/v1/simulations/{simulation['id']}/turns", body, {"turns": 2, "replies": 1}


async def _scoring(partner: Partner) -> Request:
    body = {"learner_id": await partner.learner(), "conversation": transcript(4)}
    added = {"scorings": 1, "conversations": 1, "assessments": 1}
    return "/v1/scorings", body, added


KINDS: dict[str, Callable[[Partner], Awaitable[Request]]] = {
    "simulation": _simulation,
    "turn": _turn,
    "scoring": _scoring,
}


def _cases() -> list[Any]:
    return [
        pytest.param(
            point,
            kind,
            id=f"{kind}-{point}",
            marks=() if (kind, point) in _SHORT else pytest.mark.slow,
        )
        for point in OF_THE_API
        for kind in KINDS
    ]


_SHORT = {
    ("simulation", "api.before_claim"),
    ("simulation", "api.after_claim_commit"),
    ("turn", "api.before_response"),
}
"""One of each; the rest takes seconds more and belongs to the whole suite."""


@pytest.mark.parametrize(("point", "kind"), _cases())
async def test_the_api_dies_and_the_client_repeats(
    crashing: Product, victim: Partner, folder: Path, point: str, kind: str
) -> None:
    path, body, added = await KINDS[kind](victim)
    await settled(victim)
    before = dict((await crashing.sql(ROWS, victim.tenant_id))[0])
    (folder / point).touch()
    pid = crashing.up.pids["api"]

    with pytest.raises(httpx.TransportError):
        await victim.post(path, body, key="once")
    assert not (folder / point).exists(), "the point was passed"
    await crashing.back({"api": pid})
    answer = await victim.insist(path, body, key="once")
    again = await victim.post(path, body, key="once")

    is_done_before = point != "api.before_claim"
    assert ("idempotent-replayed" in answer.headers) == is_done_before
    assert again.headers["idempotent-replayed"] == "true"
    if kind == "turn":
        assert again.json()["learner_turn"]["id"] == answer.json()["learner_turn"]["id"]
    else:
        assert again.json()["id"] == answer.json()["id"]
    if kind == "scoring":
        victim.scorings["once"] = answer.json()["id"]
    await settled(victim)
    after = dict((await crashing.sql(ROWS, victim.tenant_id))[0])
    expected = {name: before[name] + added.get(name, 0) for name in before}
    assert after == expected | {"claims": before["claims"] + 1}
    await assert_whole(victim)


@pytest.mark.parametrize(
    ("point", "process"),
    [
        pytest.param(*each, id=each[0], marks=pytest.mark.slow if "publish" in each[0] else ())
        for each in OF_OTHERS
    ],
)
async def test_others_die_and_nothing_is_lost_or_done_twice(
    crashing: Product, victim: Partner, folder: Path, point: str, process: str | None
) -> None:
    learner = await victim.learner(await victim.team("Failpoints"))
    pids = crashing.up.pids
    (folder / point).touch()

    await asyncio.gather(*(victim.score(learner) for _ in range(5)))
    simulation = await victim.simulation(learner)
    await victim.talk(simulation["id"], 2)

    await eventually(lambda: not (folder / point).exists(), timeout_s=30)

    def dead() -> dict[str, int]:
        now = crashing.up.pids
        return {name: pid for name, pid in pids.items() if now.get(name) != pid}

    await eventually(lambda: bool(dead()), timeout_s=30)
    if process is not None:
        assert set(dead()) == {process}
    await settled(victim)
    await assert_whole(victim)


def test_every_point_is_tried_here_or_where_it_belongs() -> None:
    tried = {*OF_THE_API, *(point for point, _ in OF_OTHERS)}
    elsewhere = {"webhook.after_send_before_record", "erase.between_stores", *OF_MODELS}
    assert set(failpoints.NAMES) - tried == elsewhere

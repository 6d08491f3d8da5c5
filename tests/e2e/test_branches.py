"""Rewind and compare on the whole product: same prefix, other words, another outcome."""

from typing import Any

from tests.e2e.partner import LINES, SCENARIO, Partner
from tests.e2e.truth import settled

RUDE = (
    "That's not my problem. You should have been at home.",
    "Calm down. It's only a telescope.",
    "As I already told you, our policy is clear.",
)
"""What the learner says the first time."""


async def _say(partner: Partner, simulation_id: str, seq: int, text: str) -> dict[str, Any]:
    answer = await partner.insist(
        f"/v1/simulations/{simulation_id}/turns", {"text": text, "expected_seq": seq}
    )
    exchange: dict[str, Any] = answer.json()
    return exchange


async def _talk(partner: Partner, simulation_id: str, seq: int, lines: tuple[str, ...]) -> None:
    for text in lines:
        exchange = await _say(partner, simulation_id, seq, text)
        if exchange["simulation"]["status"] != "open":
            return
        seq += 2
    await partner.end(simulation_id)


async def test_another_try_from_the_same_turn(partner: Partner) -> None:
    learner = await partner.learner(await partner.team("Second chances"))
    body = {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive", "seed": 7}
    parent = (await partner.insist("/v1/simulations", {**body, "hints": True})).json()["id"]
    first = await _say(partner, parent, 0, LINES[0])
    await _talk(partner, parent, 2, RUDE)
    before = await partner.get(f"/v1/simulations/{parent}/turns")

    branch = (await partner.insist(f"/v1/simulations/{parent}/branches", {"from_seq": 2})).json()[
        "id"
    ]
    await _talk(partner, branch, 2, LINES[1:])
    await settled(partner)

    assert await partner.get(f"/v1/simulations/{parent}/turns") == before
    comparison = await partner.get(f"/v1/simulations/{parent}/comparison", other=branch)
    left, right = comparison["left"], comparison["right"]
    assert comparison["common_seq"] == 2
    assert left["prefix_hash"] == right["prefix_hash"]
    difference = comparison["difference"]
    assert difference["mind"]["trust"] > 0
    assert difference["mind"]["frustration"] < 0
    assert difference["overall"] == right["overall"] - left["overall"] > 0
    for side in (left, right):
        assert side["result"]["simulator_fault"] is False
        assert side["result"]["faults"] == []
    assert first["reply"]["seq"] == 2
    assert right["result"]["hints_given"] == 0

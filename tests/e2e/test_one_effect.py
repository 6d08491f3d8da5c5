"""Fifty equal requests at the same time have one effect, and all get the same answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from tests.e2e.partner import LINES, SCENARIO, Partner, transcript
from tests.e2e.truth import assert_whole, settled

TWINS = 50

ROWS = """
select (select count(*) from simulations where tenant_id = $1) as simulations,
       (select count(*) from turns where tenant_id = $1) as turns,
       (select count(*) from scorings where tenant_id = $1) as scorings,
       (select count(*) from conversations where tenant_id = $1) as conversations,
       (select count(*) from assessments where tenant_id = $1) as assessments,
       (select count(*) from events where tenant_id = $1 and type = 'turn.completed') as replies,
       (select count(*) from idempotency_claims where tenant_id = $1) as claims
"""


async def _rows(partner: Partner) -> dict[str, int]:
    return dict((await partner.product.sql(ROWS, partner.tenant_id))[0])


async def _fifty(partner: Partner, path: str, body: Mapping[str, Any]) -> list[httpx.Response]:
    """Send the same request fifty times at once; exactly one does the work."""
    answers = await asyncio.gather(*(partner.post(path, body, key="twin") for _ in range(TWINS)))
    assert {answer.status_code for answer in answers} <= {200, 201, 202}, answers
    first = [answer for answer in answers if "idempotent-replayed" not in answer.headers]
    assert len(first) == 1
    return answers


async def test_fifty_simulations(partner: Partner) -> None:
    learner = await partner.learner()
    before = await _rows(partner)

    answers = await _fifty(
        partner,
        "/v1/simulations",
        {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive"},
    )

    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["turns"][0]["id"] for answer in answers}) == 1
    after = await _rows(partner)
    assert after == before | {"simulations": 1, "turns": 1, "claims": before["claims"] + 1}
    await settled(partner)
    await assert_whole(partner)


async def test_fifty_turns(partner: Partner) -> None:
    simulation = await partner.simulation(await partner.learner())
    before = await _rows(partner)

    answers = await _fifty(
        partner,
        f"/v1/simulations/{simulation['id']}/turns",
        {"text": LINES[0], "expected_seq": 0},
    )

    assert len({answer.json()["learner_turn"]["id"] for answer in answers}) == 1
    assert len({answer.json()["reply"]["id"] for answer in answers}) == 1
    after = await _rows(partner)
    assert after == before | {"turns": 3, "replies": 1, "claims": before["claims"] + 1}
    await settled(partner)
    await assert_whole(partner)


async def test_fifty_scorings(partner: Partner) -> None:
    learner = await partner.learner()
    before = await _rows(partner)

    answers = await _fifty(
        partner, "/v1/scorings", {"learner_id": learner, "conversation": transcript(4)}
    )

    ids = {answer.json()["id"] for answer in answers}
    assert len(ids) == 1
    assert {answer.headers["location"] for answer in answers} == {f"/v1/scorings/{min(ids)}"}
    partner.scorings["twin"] = min(ids)
    await settled(partner)
    after = await _rows(partner)
    assert after == before | {
        "scorings": 1,
        "conversations": 1,
        "assessments": 1,
        "claims": before["claims"] + 1,
    }
    await assert_whole(partner)


async def test_fifty_ends(partner: Partner) -> None:
    simulation = await partner.simulation(await partner.learner())
    await partner.talk(simulation["id"], 1)
    path = f"/v1/simulations/{simulation['id']}/end"

    answers = await asyncio.gather(*(partner.post(path, key="twin") for _ in range(TWINS)))

    assert {(each.status_code, each.json()["end_reason"]) for each in answers} == {
        (200, "learner_ended")
    }
    await settled(partner)
    rows = await _rows(partner)
    assert (rows["scorings"], rows["assessments"]) == (1, 1)
    await assert_whole(partner)

"""Many conversations in one request on the whole product, with a worker that dies among them."""

import asyncio
import time
from typing import Any

from tests.e2e.partner import Partner, transcript
from tests.support.product import Product

PATIENCE_S = 90.0
PAUSE_S = 0.2
AMOUNT = 80


async def _ended(partner: Partner, batch: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        view: dict[str, Any] = await partner.get(f"/v1/scoring_batches/{batch}")
        if view["operation"]["ended_at"] is not None:
            return view
        assert time.monotonic() < deadline, view["operation"]
        await asyncio.sleep(PAUSE_S)


async def test_a_worker_dies_among_many_scorings(product: Product, partner: Partner) -> None:
    learner = await partner.learner(await partner.team("Day shift"))
    one = {"learner_id": learner, "conversation": transcript(6)}
    items: list[Any] = [one] * AMOUNT + [{"learner_id": learner}]
    sent = (await partner.insist("/v1/scoring_batches", {"conversations": items}, key="k")).json()
    assert (sent["accepted"], sent["refused"]) == (AMOUNT, 1)

    async def some_are_scored() -> bool:
        rows = await product.sql(
            "select count(*) from assessments where tenant_id = $1", partner.tenant_id
        )
        return int(rows[0][0]) >= 5

    killed = await product.kill_during("scoring-worker", some_are_scored)
    await product.back(killed)
    again = (await partner.insist("/v1/scoring_batches", {"conversations": items}, key="k")).json()
    ended = await _ended(partner, sent["id"])

    assert again["id"] == sent["id"]
    assert ended["operation"]["status"] == "succeeded"
    assert ended["operation"]["progress"] == {
        "total": AMOUNT,
        "done": AMOUNT,
        "scored": AMOUNT,
        "failed": 0,
    }
    assert len({each["overall"] for each in ended["conversations"][:AMOUNT]}) == 1
    rows = await product.sql(
        "select count(*) as assessments, count(distinct scoring_id) as scorings"
        "  from assessments where tenant_id = $1",
        partner.tenant_id,
    )
    assert (rows[0]["assessments"], rows[0]["scorings"]) == (AMOUNT, AMOUNT)
    left = await product.sql("select count(*) from jobs where tenant_id = $1", partner.tenant_id)
    assert left[0][0] == 0
    events = await product.sql(
        "select type, count(*) from events where tenant_id = $1 group by type", partner.tenant_id
    )
    assert {row["type"]: row["count"] for row in events} == {
        "scoring.completed": AMOUNT,
        "operation.ended": 1,
    }

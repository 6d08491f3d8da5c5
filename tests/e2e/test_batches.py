"""A batch on the whole product: played, scored, canceled, and not lost when its worker dies."""

import asyncio
import time
from typing import Any

from tests.e2e.partner import Partner
from tests.support.product import Product
from tests.support.waiting import eventually

PATIENCE_S = 90.0
PAUSE_S = 0.2


async def _batch(partner: Partner, **fields: Any) -> dict[str, Any]:
    body = {"learner_id": await partner.learner(await partner.team("Testers")), **fields}
    answer = await partner.insist("/v1/simulation_batches", body)
    operation: dict[str, Any] = answer.json()
    return operation


async def _ended(partner: Partner, operation: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while operation["ended_at"] is None:
        assert time.monotonic() < deadline, operation
        await asyncio.sleep(PAUSE_S)
        operation = await partner.get(f"/v1/operations/{operation['id']}")
    return operation


async def _whole(partner: Partner) -> None:
    """Every conversation has its turns once, in order, and ends with a reply."""
    rows = await partner.product.sql(
        "select s.last_seq, array_agg(t.seq order by t.seq) as seqs"
        "  from simulations s join turns t using (tenant_id, simulation_id)"
        " where s.tenant_id = $1 group by s.tenant_id, s.simulation_id",
        partner.tenant_id,
    )
    for row in rows:
        assert row["seqs"] == list(range(row["last_seq"] + 1))
        assert row["last_seq"] % 2 == 0


async def test_a_batch_counts_in_no_trend(partner: Partner) -> None:
    operation = await _batch(
        partner,
        scenarios=["support-angry-late-delivery", "fraud-nervous-card-alert"],
        profiles=["skilled", "rude"],
        repeat=2,
    )
    ended = await _ended(partner, operation)

    assert ended["status"] == "succeeded"
    assert ended["progress"] == {"total": 8, "done": 8, "scored": 8, "failed": 0}
    groups = (await partner.get(ended["result"]))["groups"]
    assert len(groups) == 4
    for group in groups:
        assert group["simulator_faults"] == 0
        assert group["goal_met"] == (2 if group["profile"] == "skilled" else 0)
    by_profile = {name: [g for g in groups if g["profile"] == name] for name in ("skilled", "rude")}
    worst = min(group["min_score"] for group in by_profile["skilled"])
    assert worst > max(group["max_score"] for group in by_profile["rude"])
    await _whole(partner)
    facts = await partner.product.sql(
        "select count(*) from report.facts where tenant_id = $1", partner.tenant_id
    )
    assert facts[0][0] == 0


async def test_a_worker_that_dies_in_the_middle_loses_and_doubles_nothing(
    product: Product, partner: Partner
) -> None:
    operation = await _batch(
        partner,
        scenarios=["support-angry-late-delivery"],
        profiles=["skilled", "average", "rude"],
        repeat=10,
        score=False,
    )

    async def is_in_the_middle() -> bool:
        rows = await product.sql(
            "select count(*) from turns where tenant_id = $1 and seq >= 4", partner.tenant_id
        )
        return int(rows[0][0]) >= 20

    killed = await product.kill_during("sim-worker", is_in_the_middle)
    await product.back(killed)
    ended = await _ended(partner, operation)
    assert ended["status"] == "succeeded"
    assert ended["progress"] == {"total": 30, "done": 30, "scored": 0, "failed": 0}
    await _whole(partner)
    left = await product.sql("select count(*) from jobs where tenant_id = $1", partner.tenant_id)
    assert left[0][0] == 0


async def test_cancel_keeps_what_was_played(product: Product, partner: Partner) -> None:
    operation = await _batch(
        partner,
        scenarios=["collections-defensive-missed-payments"],
        profiles=["average"],
        repeat=120,
        score=False,
    )

    async def some_are_played() -> bool:
        rows = await product.sql(
            "select count(*) from turns where tenant_id = $1 and seq >= 2", partner.tenant_id
        )
        return int(rows[0][0]) > 0

    await eventually(some_are_played, timeout_s=PATIENCE_S)
    canceled = (await partner.insist(f"/v1/operations/{operation['id']}/cancel")).json()
    assert canceled["status"] == "canceled"

    async def nothing_is_left() -> bool:
        return not await product.sql(
            "select 1 from jobs where tenant_id = $1 limit 1", partner.tenant_id
        )

    await eventually(nothing_is_left, timeout_s=PATIENCE_S)
    ended = await partner.get(f"/v1/operations/{operation['id']}")
    assert ended["status"] == "canceled"
    assert ended["progress"]["done"] == 120
    await _whole(partner)
    rows = await product.sql(
        "select count(*) from simulations where tenant_id = $1 and end_reason = 'cancelled'",
        partner.tenant_id,
    )
    assert int(rows[0][0]) > 0

"""An erasure that dies between any two steps is taken up and comes to the same end. [R-C12]"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.api.context import ProcessContext
from services.orchestrator.privacy.worker import PrivacyWorker
from shared import failpoints
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.privacy import erasure as module
from shared.privacy.map import personal
from shared.privacy.tasks import TaskLostError, claim, keep
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import furnish_person


class DiedError(BaseException):
    """As if the process were gone: nothing catches it."""


@pytest.fixture(autouse=True)
async def _nobody_else_has_it(eyes: Eyes) -> None:
    await eyes.run("update privacy_tasks set lease_until = null where is_open")


async def test_it_dies_between_each_two_stores_and_ends_once(
    partner: Partner,
    context: ProcessContext,
    eyes: Eyes,
    worker: FakeWorker,
    privacy: PrivacyWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = await furnish_person(partner, context, eyes, worker)
    erasure = await person.erase()
    operation_id = parse_id("op", erasure["id"])
    stores = [each.name for each in personal() if each.erase in {"blank", "delete"}]
    for last in range(1, len(stores) + 1):
        hits = 0

        def hit(name: str, last: int = last) -> None:
            nonlocal hits
            assert name in failpoints.NAMES
            hits += name == "erase.between_stores"
            if hits == last:
                raise DiedError

        monkeypatch.setattr(failpoints, "hit", hit)
        with pytest.raises(DiedError):
            await privacy.work_off()
        stage = await eyes.value(
            "select stage from privacy_tasks where operation_id = $1", operation_id
        )
        assert stage == (stores[last - 2] if last > 1 else "app.learner_keys")
        assert (await partner.get(f"/v1/learners/{person.learner}")).status_code == 404
        assert await privacy.work_off() == 0, "whoever died still has the lease"
        await eyes.run(
            "update privacy_tasks set lease_until = null where operation_id = $1", operation_id
        )
    monkeypatch.undo()
    assert await privacy.work_off() == 1

    found = (await partner.get(f"/v1/erasures/{erasure['id']}")).json()
    assert found["status"] == "succeeded"
    for table in personal():
        if table.erase == "delete":
            assert await person.rows(table) == [], table.name
    told = await eyes.rows("select type from events where resource_id = $1", operation_id)
    assert sorted(row["type"] for row in told) == ["learner.erased", "operation.ended"]
    assert (
        await eyes.value("select starts from privacy_tasks where operation_id = $1", operation_id)
        == len(stores) + 1
    )


async def test_who_lost_the_lease_changes_nothing(
    partner: Partner, privacy: PrivacyWorker, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = await partner.learner(name="Ann")
    ordered = (await partner.post(f"/v1/learners/{learner}/erasure")).json()
    tenant_id, operation_id = partner.tenant.tenant_id, parse_id("op", ordered["id"])
    shop = privacy._shop
    slow = await claim(shop, tenant_id, operation_id)
    assert slow is not None
    assert await claim(shop, tenant_id, operation_id) is None
    await eyes.run(
        "update privacy_tasks set lease_until = $2 where operation_id = $1",
        operation_id,
        _ago(shop),
    )
    fast = await claim(shop, tenant_id, operation_id)
    assert fast is not None

    with pytest.raises(TaskLostError):
        await module.erase(shop, slow)

    assert (await partner.get(f"/v1/learners/{learner}")).status_code == 200, (
        "its transaction did not commit"
    )
    await module.erase(shop, fast)
    assert (await partner.get(f"/v1/learners/{learner}")).status_code == 404
    with pytest.raises(TaskLostError):
        await module.erase(shop, fast)


async def test_a_conversation_that_began_with_the_key_in_hand_is_ended_too(
    partner: Partner, privacy: PrivacyWorker, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = await partner.learner(name="Ann")
    learner_id = parse_id("lrn", learner)
    simulation = (
        await partner.post(
            "/v1/simulations",
            {"scenario": await partner.scenario(), "learner_id": learner, "mode": "interactive"},
        )
    ).json()
    await partner.post(f"/v1/learners/{learner}/erasure")
    take = module._take_key

    async def overtaken(*arguments: Any) -> None:
        await take(*arguments)
        await eyes.run(
            "update simulations set status = 'open', end_reason = null, ended_at = null"
            " where learner_id = $1",
            learner_id,
        )

    monkeypatch.setattr(module, "_take_key", overtaken)
    assert await privacy.work_off() == 1
    row = (
        await eyes.rows(
            "select status, end_reason from simulations where simulation_id = $1",
            parse_id("sim", simulation["id"]),
        )
    )[0]
    assert (row["status"], row["end_reason"]) == ("ended", "cancelled")


async def test_nothing_is_signed_while_somebody_still_writes(
    partner: Partner, privacy: PrivacyWorker, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = await partner.learner(name="Ann")
    ordered = (await partner.post(f"/v1/learners/{learner}/erasure")).json()

    async def never_empty(*_: Any) -> int:
        return 1

    monkeypatch.setattr(module, "_one_pass", never_empty)
    assert await privacy.work_off() == 0
    found = (await partner.get(f"/v1/erasures/{ordered['id']}")).json()
    assert (found["status"], found["receipt"]) == ("running", None)
    monkeypatch.undo()
    await eyes.run("update privacy_tasks set lease_until = null where is_open")
    assert await privacy.work_off() == 1


async def test_an_export_that_takes_long_keeps_nobody_waiting(
    partner: Partner, privacy: PrivacyWorker, eyes: Eyes, database: Database
) -> None:
    """Its renewals of the lease are in one transaction, so that from outside it looks dead."""
    learner, other = await partner.learner(name="Ann"), await partner.learner(name="Bob")
    ordered = (await partner.post(f"/v1/learners/{learner}/export")).json()
    tenant_id, operation_id = partner.tenant.tenant_id, parse_id("op", ordered["id"])
    task = await claim(privacy._shop, tenant_id, operation_id)
    assert task is not None
    await eyes.run(
        "update privacy_tasks set lease_until = $2 where operation_id = $1",
        operation_id,
        _ago(privacy._shop),
    )
    erased = (await partner.post(f"/v1/learners/{other}/erasure")).json()
    async with tenant_tx(database, tenant_id) as connection:
        await keep(connection, privacy._shop, task, "app.turns", "app.turns", 1)
        async with asyncio.timeout(20):
            assert await privacy.work_off() == 1
    assert (await partner.get(f"/v1/erasures/{erased['id']}")).json()["status"] == "succeeded"


async def test_erasures_have_a_hand_of_their_own(partner: Partner, privacy: PrivacyWorker) -> None:
    learner, other = await partner.learner(name="Ann"), await partner.learner(name="Bob")
    await partner.post(f"/v1/learners/{other}/export")
    await partner.post(f"/v1/learners/{learner}/erasure")
    assert await privacy.work_off(["learner_erasure"]) == 1
    assert (await partner.get(f"/v1/learners/{learner}")).status_code == 404
    assert await privacy.work_off() >= 1


def _ago(shop: Any) -> Any:
    return shop.clock.now() - timedelta(seconds=1)

"""A tenant that leaves: closed, destroyed in time, and nobody else is touched. [R-C12]"""

import json
from datetime import timedelta
from typing import Any

import pytest

from services.api.context import ProcessContext
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.config import Settings
from shared.db.keys import KeyRing, read_master
from shared.db.pool import Database
from shared.errors import NotFoundError
from shared.ids import format_id
from shared.privacy import offboarding
from shared.privacy.map import tables
from shared.privacy.offboarding import begin_offboarding, call_off
from shared.privacy.ordering import ledger
from shared.privacy.receipts import is_genuine
from shared.privacy.rotation import begin_rotation
from shared.trail.entries import SYSTEM
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import furnish_person
from tests.support.tenants import TenantFactory


async def _everything(eyes: Eyes, tenant_id: Any) -> dict[str, str]:
    found = {}
    for table in tables():
        if "tenant_id" in table.columns and not table.name.startswith(
            "app.trail"
        ):  # readings come late
            found[table.name] = await eyes.value(
                f"select count(*) || coalesce(md5(string_agg(t::text, '|' order by t::text)), '')"
                f" from {table.name} t where tenant_id = $1",
                tenant_id,
            )
    return found


@pytest.fixture(scope="module")
async def departure(
    partner: Partner,
    stranger: Partner,
    context: ProcessContext,
    eyes: Eyes,
    worker: FakeWorker,
    privacy: PrivacyWorker,
) -> dict[str, Any]:
    await furnish_person(partner, context, eyes, worker)
    await furnish_person(stranger, context, eyes, worker)
    tenant_id, other_id = partner.tenant.tenant_id, stranger.tenant.tenant_id
    before = await _everything(eyes, other_id)
    operation_id = await begin_offboarding(privacy._shop, tenant_id, SYSTEM, wait=timedelta(0))
    assert (
        await begin_offboarding(privacy._shop, tenant_id, SYSTEM, wait=timedelta(0)) == operation_id
    )
    assert await privacy.work_off() == 1
    row = (await eyes.rows("select * from privacy_tasks where operation_id = $1", operation_id))[0]
    return {"task": dict(row), "other": (before, await _everything(eyes, other_id))}


async def test_nothing_of_the_tenant_is_left(
    departure: dict[str, Any], partner: Partner, eyes: Eyes
) -> None:
    for table in tables():
        if "tenant_id" not in table.columns:
            continue
        left = await eyes.value(
            f"select count(*) from {table.name} where tenant_id = $1", partner.tenant.tenant_id
        )
        if not table.is_kept:
            assert left == 0, table.name
    row = (
        await eyes.rows(
            "select slug, status from tenants where tenant_id = $1", partner.tenant.tenant_id
        )
    )[0]
    assert row["status"] == "suspended"
    assert row["slug"].startswith("gone-")


async def test_other_tenants_are_untouched(departure: dict[str, Any]) -> None:
    before, after = departure["other"]
    assert after == before
    assert sum(not value.startswith("0") for value in before.values()) > 40


async def test_the_receipt_counts_what_was_destroyed(departure: dict[str, Any]) -> None:
    task = departure["task"]
    receipt = json.loads(task["receipt"])
    assert is_genuine(task["receipt"], task["signature"], receipt["public_key"])
    stores = {each["store"]: each for each in receipt["stores"]}
    assert stores["app.tenant_keys"]["action"] == "key destroyed"
    assert stores["app.turns"]["rows"] > 0
    assert receipt["receipt"] == "offboarding"
    assert receipt["learner"] is None


async def test_the_trail_and_the_billed_usage_stay(
    departure: dict[str, Any], partner: Partner, eyes: Eyes
) -> None:
    actions = [
        row["action"]
        for row in await eyes.rows(
            "select action from trail where tenant_id = $1 and action like 'tenant.%' order by number",
            partner.tenant.tenant_id,
        )
    ]
    assert actions[-2:] == ["tenant.offboarding", "tenant.offboarded"]


async def test_no_process_opens_anything_any_more(
    departure: dict[str, Any], partner: Partner, database: Database, settings: Settings
) -> None:
    with pytest.raises(NotFoundError):
        await KeyRing(read_master(settings)).warm(database, partner.tenant.tenant_id)


async def test_it_waits_and_can_be_called_off(
    tenants: TenantFactory, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    tenant = await tenants.new()
    await begin_offboarding(privacy._shop, tenant.tenant_id, SYSTEM)
    assert (
        await eyes.value("select status from tenants where tenant_id = $1", tenant.tenant_id)
        == "suspended"
    )
    assert await privacy.work_off() == 0
    assert await call_off(privacy._shop, tenant.tenant_id, SYSTEM)
    assert not await call_off(privacy._shop, tenant.tenant_id, SYSTEM)
    assert (
        await eyes.value("select count(*) from tenant_keys where tenant_id = $1", tenant.tenant_id)
        == 1
    )


async def test_the_name_is_free_again(
    departure: dict[str, Any], partner: Partner, tenants: TenantFactory
) -> None:
    again = await tenants.registry.create_tenant(partner.tenant.slug)
    assert again != partner.tenant.tenant_id


async def test_who_was_opened_again_is_not_destroyed(
    tenants: TenantFactory, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    tenant = await tenants.new()
    await begin_offboarding(privacy._shop, tenant.tenant_id, SYSTEM, wait=timedelta(0))
    await eyes.run("update tenants set status = 'active' where tenant_id = $1", tenant.tenant_id)
    assert await privacy.work_off() == 1
    row = (await eyes.rows("select * from tenants where tenant_id = $1", tenant.tenant_id))[0]
    assert (row["status"], row["slug"]) == ("active", tenant.slug)
    assert await eyes.value(
        "select count(*) from tenant_keys where tenant_id = $1", tenant.tenant_id
    )
    stage = await eyes.value(
        "select stage from privacy_tasks where tenant_id = $1 and not is_open", tenant.tenant_id
    )
    assert stage == "called off"
    named = {each.tenant for each in await ledger(privacy._shop)}
    assert format_id("ten", tenant.tenant_id) not in named, "nor after a restore"
    assert await privacy.work_off() == 0


async def test_the_order_is_told_of_although_the_tenant_was_suspended_before(
    tenants: TenantFactory, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    tenant = await tenants.new()
    await eyes.run("update tenants set status = 'suspended' where tenant_id = $1", tenant.tenant_id)
    for _ in range(2):
        await begin_offboarding(privacy._shop, tenant.tenant_id, SYSTEM)
    told = await eyes.rows(
        "select 1 from trail where tenant_id = $1 and action = 'tenant.offboarding'",
        tenant.tenant_id,
    )
    assert len(told) == 1


async def test_a_crash_before_the_last_word_leaves_nothing_half_done(
    tenants: TenantFactory, privacy: PrivacyWorker, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await tenants.new()
    await begin_offboarding(privacy._shop, tenant.tenant_id, SYSTEM, wait=timedelta(0))

    async def die(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(offboarding, "end", die)
    assert await privacy.work_off() == 0
    slug = await eyes.value("select slug from tenants where tenant_id = $1", tenant.tenant_id)
    assert slug.startswith("gone-"), "whoever takes the name must not get the one that leaves"
    again = await tenants.registry.create_tenant(tenant.slug)
    assert again != tenant.tenant_id
    monkeypatch.undo()
    await eyes.run(
        "update privacy_tasks set lease_until = null where tenant_id = $1", tenant.tenant_id
    )
    assert await privacy.work_off() == 1
    receipt = await eyes.value(
        "select receipt from privacy_tasks where tenant_id = $1", tenant.tenant_id
    )
    assert json.loads(receipt)["receipt"] == "offboarding"
    told = await eyes.value(
        "select count(*) from trail where tenant_id = $1 and action = 'tenant.offboarded'",
        tenant.tenant_id,
    )
    assert told >= 1


async def test_what_else_was_ordered_ends_with_the_tenant(
    tenants: TenantFactory, privacy: PrivacyWorker, settings: Settings, eyes: Eyes
) -> None:
    tenant = await tenants.new()
    shop = privacy._shop
    await begin_rotation(shop, read_master(settings), tenant.tenant_id, SYSTEM)
    await begin_offboarding(shop, tenant.tenant_id, SYSTEM, wait=timedelta(0))
    assert await privacy.work_off() == 1
    open_ones = await eyes.value(
        "select count(*) from privacy_tasks where tenant_id = $1 and is_open", tenant.tenant_id
    )
    assert open_ones == 0, "else it is tried for ever"
    assert tenant.tenant_id not in await tenants.registry.list_tenants(), "nothing is seeded there"

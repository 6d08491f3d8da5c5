"""The ledger of erasures, kept apart, makes them again in a restored backup. [R-C12]"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from services.orchestrator.privacy.worker import PrivacyWorker
from shared.errors import NotFoundError
from shared.ids import InvalidIdError, format_id, parse_id
from shared.privacy.offboarding import begin_offboarding, call_off
from shared.privacy.ordering import Erased, ledger, order_erasure, read_ledger, reapply_all
from shared.trail.entries import SYSTEM
from tests.integration.api.conftest import IDS, Partner
from tests.integration.privacy.conftest import Eyes
from tests.support.tenants import TenantFactory


def _lines(found: list[Erased]) -> Iterator[bytes]:
    for each in found:
        yield msgspec.json.encode(each)


async def test_who_is_back_after_a_restore_is_erased_again(
    partner: Partner, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    shop, tenant_id = privacy._shop, partner.tenant.tenant_id
    learner = await partner.learner(name="Ann")
    learner_id = parse_id("lrn", learner)
    # As the restored backup has them: the person with their key, and no word of the erasure.
    before = {
        name: await eyes.rows(
            f"select * from {name} where tenant_id = $1 and learner_id = $2", tenant_id, learner_id
        )
        for name in ("learners", "learner_keys")
    }
    await order_erasure(shop, tenant_id, learner_id, SYSTEM)
    assert await privacy.work_off() == 1
    kept = b"\n".join(_lines(await ledger(shop))) + b"\n\n"
    await eyes.run("delete from privacy_tasks where learner_id = $1", learner_id)
    await eyes.run("delete from operations where learner_id = $1", learner_id)
    await eyes.run("delete from learners where learner_id = $1", learner_id)
    for name, rows in before.items():
        await eyes.run(
            f"insert into {name} select * from json_populate_record(null::{name}, $1)",
            _json(rows[0]),
        )
    assert (await partner.get(f"/v1/learners/{learner}")).json()["name"] == "Ann"

    assert await reapply_all(shop, [*read_ledger(kept), *read_ledger(kept)]) == 1
    assert await reapply_all(shop, read_ledger(kept)) == 0
    assert await privacy.work_off() == 1
    assert (await partner.get(f"/v1/learners/{learner}")).status_code == 404


async def test_a_tenant_that_is_back_leaves_again(
    tenants: TenantFactory, privacy: PrivacyWorker, eyes: Eyes
) -> None:
    tenant = await tenants.new()
    line = Erased(
        kind="offboarding",
        tenant=format_id("ten", tenant.tenant_id),
        operation=format_id("op", IDS.new()),
        ordered_at="2026-11-22T21:00:00Z",
    )
    assert await reapply_all(privacy._shop, [line]) == 1
    assert not [each for each in await ledger(privacy._shop) if each.kind == "offboarding"], (
        "not begun yet"
    )
    assert await privacy.work_off() == 1
    assert (
        await eyes.value("select count(*) from tenant_keys where tenant_id = $1", tenant.tenant_id)
        == 0
    )
    assert await reapply_all(privacy._shop, [line]) == 0


async def test_what_is_no_ledger_is_refused(partner: Partner, privacy: PrivacyWorker) -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(
            read_ledger(
                b'{"kind":"offboarding","tenant":"t","operation":"o","ordered_at":"x"}\nnonsense'
            )
        )
    strange = Erased(kind="learner_erasure", tenant="nobody", operation="op_x", ordered_at="x")
    with pytest.raises(InvalidIdError):
        await reapply_all(privacy._shop, [strange])
    unknown = Erased(
        kind="learner_erasure",
        tenant=format_id("ten", partner.tenant.tenant_id),
        learner=format_id("lrn", IDS.new()),
        operation="op_x",
        ordered_at="x",
    )
    assert await reapply_all(privacy._shop, [unknown]) == 0, (
        "made after the backup: nothing of them is in it"
    )
    with pytest.raises(NotFoundError):
        await order_erasure(privacy._shop, partner.tenant.tenant_id, IDS.new(), SYSTEM)


async def test_a_departure_that_was_called_off_is_in_no_ledger(
    tenants: TenantFactory, privacy: PrivacyWorker
) -> None:
    tenant = await tenants.new()
    await begin_offboarding(privacy._shop, tenant.tenant_id, SYSTEM, wait=timedelta(days=3))
    assert await call_off(privacy._shop, tenant.tenant_id, SYSTEM)
    named = {each.tenant for each in await ledger(privacy._shop)}
    assert format_id("ten", tenant.tenant_id) not in named


def _json(row: object) -> str:
    def plain(value: object) -> object:
        return f"\\x{value.hex()}" if isinstance(value, bytes) else value

    return msgspec.json.encode({name: plain(value) for name, value in dict(row).items()}).decode()  # type: ignore[call-overload]  # a record

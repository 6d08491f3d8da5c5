"""What is asked for a tenant that has left already: nothing is made of it again, nothing is written of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.api.context import ProcessContext
from services.api.ops.usage import Period, UsageLedger
from services.orchestrator.context import Context
from services.orchestrator.privacy.worker import PrivacyWorker
from services.orchestrator.retention.activities import RetentionActivities
from services.orchestrator.retention.enforcing import Enforcer
from services.orchestrator.trail.sealer import Sealer
from shared.clock import Clock
from shared.config import Settings
from shared.db.keys import KeyRing, read_hash_key
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.privacy.offboarding import begin_offboarding
from shared.trail.chain import HeadSigner
from shared.trail.entries import SYSTEM, Entry, record
from tests.integration.api.conftest import IDS
from tests.integration.api.ops_world import Operator
from tests.integration.api.retention_world import LaterClock
from tests.integration.privacy.conftest import Eyes
from tests.support.tenants import TenantFactory


@pytest.fixture(scope="module")
async def signer(database: Database, settings: Settings) -> HeadSigner:
    return HeadSigner(await read_hash_key(database, settings))


@pytest.fixture
async def operator(http: Any, tenants: TenantFactory) -> Operator:
    return await Operator.new(http, tenants)


async def _leave(privacy: PrivacyWorker, tenant_id: UUID) -> None:
    await begin_offboarding(privacy._shop, tenant_id, SYSTEM, wait=timedelta(0))
    assert await privacy.work_off() == 1


def _activities(context: Context, enforcer: Enforcer, clock: Clock) -> RetentionActivities:
    return RetentionActivities(
        Context(
            settings=context.settings,
            database=context.database,
            publisher=context.publisher,
            temporal=context.temporal,
            clock=clock,
            ids=context.ids,
        ),
        enforcer,
    )


class TestMakingAgain:
    async def test_the_same_request_again_is_told_that_it_left(
        self, operator: Operator, privacy: PrivacyWorker, eyes: Eyes
    ) -> None:
        body, key = {"slug": f"leaves-{IDS.new().hex[-12:]}"}, str(IDS.new())
        first = (await operator.send("POST", "/tenants", body, key=key)).json()
        tenant_id = parse_id("ten", first["id"])
        await _leave(privacy, tenant_id)
        again = await operator.send("POST", "/tenants", body, key=key)
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
        assert "has left" in again.json()["detail"]
        for table in ("tenant_keys", "api_keys", "scenarios"):
            assert not await eyes.value(
                f"select count(*) from {table} where tenant_id = $1", tenant_id
            )

        anew = await operator.send("POST", "/tenants", body, key=str(IDS.new()))
        assert anew.status_code == 201, anew.text
        assert anew.json()["id"] != first["id"]
        late = await operator.send("POST", "/tenants", body, key=key)
        assert (late.status_code, late.json()["code"]) == (409, "conflict")


class TestNothingIsWritten:
    async def test_retention_asks_no_more_and_writes_nothing(
        self,
        tenants: TenantFactory,
        privacy: PrivacyWorker,
        database: Database,
        keys: KeyRing,
        signer: HeadSigner,
        eyes: Eyes,
    ) -> None:
        tenant = await tenants.new()
        clock = LaterClock()
        enforcer = Enforcer(database, keys, clock, signer)
        activities = _activities(privacy._context, enforcer, clock)
        assert tenant.tenant_id in await activities.list_due()
        await _leave(privacy, tenant.tenant_id)
        assert tenant.tenant_id not in await activities.list_due()
        await enforcer.enforce(tenant.tenant_id)  # one that was listed a moment before
        for table in ("retention_passes", "retention", "removed_texts"):
            assert not await eyes.value(
                f"select count(*) from {table} where tenant_id = $1", tenant.tenant_id
            )

    async def test_its_audit_trail_is_pruned_all_the_same(
        self,
        tenants: TenantFactory,
        privacy: PrivacyWorker,
        database: Database,
        keys: KeyRing,
        signer: HeadSigner,
        eyes: Eyes,
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        entry = Entry(
            tenant_id=tenant_id,
            actor=SYSTEM,
            action="key.created",
            target="settings/x",
            request_id="",
            at=datetime.now(UTC) - timedelta(days=1200),
        )
        async with tenant_tx(database, tenant_id) as connection:
            for _ in range(3):
                await record(connection, entry)
        await eyes.run("delete from tenant_keys where tenant_id = $1", tenant_id)
        clock = LaterClock()
        while await Sealer(database, clock, signer).seal():
            pass
        enforcer = Enforcer(database, keys, clock, signer)
        activities = _activities(privacy._context, enforcer, clock)
        assert tenant_id in await activities.list_due()
        assert await enforcer.enforce(tenant_id) == {"audit_log": 2}
        assert tenant_id not in await activities.list_due(), "the newest entry stays, for good"
        assert await eyes.value("select count(*) from trail where tenant_id = $1", tenant_id) == 1

    async def test_a_closed_period_has_no_row_of_it(
        self, tenants: TenantFactory, privacy: PrivacyWorker, context: ProcessContext, eyes: Eyes
    ) -> None:
        tenant = await tenants.new()
        await _leave(privacy, tenant.tenant_id)
        day = context.clock.now().date() - timedelta(days=3)
        period = Period(first_day=day, end_day=day + timedelta(days=1))
        told = await UsageLedger(context).everybody(period)
        assert format_id("ten", tenant.tenant_id) not in {each.tenant_id for each in told}
        assert not await eyes.value(
            "select count(*) from usage_periods where tenant_id = $1", tenant.tenant_id
        )

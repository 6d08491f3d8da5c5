"""A tenant's model from the command line: only what is named changes, and no key changes hosts."""

import asyncio

import pytest

from infra.tenant_llm import ModelChange, ModelRegistry
from infra.tenants import TenantError
from shared.contracts.llm import Judging
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.llm.stored import hold_settings
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

SOME = ModelChange(
    base_url="https://api.example.com/v1/",
    api_key="k1",
    model="gpt-4o",
    judging=Judging.CASCADE,
    monthly_usd="12.50",
    max_in_flight=9,
    is_redacted=False,
)


@pytest.fixture
def models(database: Database, keys: KeyRing) -> ModelRegistry:
    return ModelRegistry(database, keys)


class TestModelRegistry:
    async def test_only_what_is_named_changes(
        self, models: ModelRegistry, tenants: TenantFactory
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        await models.change(tenant_id, SOME)
        after = await models.change(tenant_id, ModelChange(model="gpt-4.1", monthly_usd=""))
        assert after.revision == 2
        assert after == await models.get(tenant_id)
        settings = after.settings
        assert settings.endpoint is not None
        assert settings.endpoint.base_url == "https://api.example.com/v1"
        assert settings.endpoint.key.reveal == "k1"
        assert settings.policy.default_model == "gpt-4.1"
        assert settings.policy.judging is Judging.CASCADE
        assert not settings.policy.is_redacted
        assert settings.monthly_microusd is None
        assert settings.max_in_flight == 9

    async def test_a_key_is_not_sent_to_another_host(
        self, models: ModelRegistry, tenants: TenantFactory
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        await models.change(tenant_id, SOME)
        moved = "https://api.example.net/v1"
        for url in (moved, "http://api.example.com/v1", "https://api.example.com:8443/v1"):
            with pytest.raises(TenantError, match="give its key"):
                await models.change(tenant_id, ModelChange(base_url=url))
        after = await models.change(tenant_id, ModelChange(base_url=moved, api_key="k2"))
        assert after.settings.endpoint is not None
        assert after.settings.endpoint.key.reveal == "k2"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (ModelChange(api_key="k"), "give its base URL"),
            (ModelChange(base_url="ftp://x"), "may not be called"),
            (ModelChange(monthly_usd="12,50"), "dollars are written"),
        ],
    )
    async def test_what_cannot_be_used_is_refused(
        self, change: ModelChange, words: str, models: ModelRegistry, tenants: TenantFactory
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        with pytest.raises(TenantError, match=words):
            await models.change(tenant_id, change)
        assert (await models.get(tenant_id)).revision == 0

    async def test_removing_forgets_the_key(
        self, models: ModelRegistry, tenants: TenantFactory
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        await models.change(tenant_id, SOME)
        await models.remove(tenant_id)
        assert (await models.get(tenant_id)).settings.endpoint is None

    async def test_what_is_removed_waits_for_who_writes_and_stays_removed(
        self, models: ModelRegistry, database: Database, tenants: TenantFactory
    ) -> None:
        tenant_id = (await tenants.new()).tenant_id
        await models.change(tenant_id, SOME)
        async with tenant_tx(database, tenant_id) as connection:
            await hold_settings(connection, tenant_id)
            removing = asyncio.create_task(models.remove(tenant_id))

            async def waits() -> bool:
                return bool(
                    await connection.fetchval(
                        "select count(*) from pg_locks where locktype = 'advisory' and not granted"
                    )
                )

            await eventually(waits)
            assert not removing.done()
        await removing
        assert (await models.get(tenant_id)).revision == 0

"""A tenant's model from the command line: only what is named changes, and no key changes hosts."""

import pytest

from infra.tenant_llm import ModelChange, ModelRegistry
from infra.tenants import TenantError
from shared.contracts.llm import Judging
from shared.db.keys import KeyRing
from shared.db.pool import Database
from tests.support.tenants import TenantFactory

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
        with pytest.raises(TenantError, match="give its key"):
            await models.change(tenant_id, ModelChange(base_url=moved))
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

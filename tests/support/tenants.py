"""Tenants with keys, teams and learners, for tests."""

import base64
from collections.abc import Sequence
from itertools import count
from uuid import UUID

import msgspec

from infra.tenants import Registry
from shared.config import Settings
from shared.db.pool import Database
from shared.db.sealed import MasterKey
from shared.keys import SCOPES, Environment

_NUMBERS = count(1)


class Tenant(msgspec.Struct, frozen=True):
    """A tenant and a key with every scope."""

    tenant_id: UUID
    slug: str
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"}


class TenantFactory:
    """Makes tenants; each call a new one."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.master = MasterKey(base64.b64decode(settings.master_key.reveal))
        self.registry = Registry(database, self.master, is_told=False)

    async def new(self, time_zone: str = "UTC") -> Tenant:
        slug = f"tenant-{next(_NUMBERS)}"
        tenant_id = await self.registry.create_tenant(slug, time_zone)
        return Tenant(tenant_id, slug, await self.registry.create_key(tenant_id, "live"))

    async def key(
        self,
        tenant: Tenant,
        scopes: Sequence[str] = SCOPES,
        environment: Environment = "live",
    ) -> str:
        return await self.registry.create_key(tenant.tenant_id, environment, scopes)

"""A tenant's language model, set from the command line: only what is named changes."""

import re
from uuid import UUID

import msgspec

from infra.tenants import TenantError
from shared.clock import Clock, SystemClock
from shared.config import Secret
from shared.contracts.llm import Judging
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.llm.egress import TRUSTED, check_base_url
from shared.llm.endpoint import Endpoint
from shared.llm.failures import BaseUrlRefusedError
from shared.llm.money import PATTERN, microusd
from shared.llm.stored import (
    ModelSettings,
    StoredSettings,
    delete_settings,
    find_settings,
    hold_settings,
    put_settings,
)


class ModelChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be set; None leaves it as it is."""

    base_url: str | None = None
    api_key: str | None = None
    """Empty: none; blanks around it are no part of it."""
    api_version: str | None = None
    model: str | None = None
    judging: Judging | None = None
    monthly_usd: str | None = None
    """Dollars as text; empty: no bound."""
    max_in_flight: int | None = None
    is_redacted: bool | None = None


class ModelRegistry:
    """Reads and changes what tenants have set about their language model."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock | None = None) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock or SystemClock()

    async def get(self, tenant_id: UUID) -> StoredSettings:
        """Return what a tenant has set."""
        async with tenant_tx(self._database, tenant_id) as connection:
            return await find_settings(connection, await self._keys.tenant(connection, tenant_id))

    async def change(self, tenant_id: UUID, change: ModelChange) -> StoredSettings:
        """Set what is named; processes see it within 5 seconds.

        Raises:
            TenantError: a value cannot be used, or a stored key would go to another host.
        """
        async with tenant_tx(self._database, tenant_id) as connection:
            await hold_settings(connection, tenant_id)
            tenant = await self._keys.tenant(connection, tenant_id)
            before = await find_settings(connection, tenant)
            wanted = changed(before.settings, change)
            await put_settings(connection, tenant, wanted, self._clock.now())
            return await find_settings(connection, tenant)

    async def remove(self, tenant_id: UUID) -> None:
        """Forget everything that a tenant has set, its key with it."""
        async with tenant_tx(self._database, tenant_id) as connection:
            await delete_settings(connection, tenant_id)


def changed(before: ModelSettings, change: ModelChange) -> ModelSettings:
    """Return the settings after a change.

    Raises:
        TenantError: see `ModelRegistry.change`.
    """
    policy = before.policy
    if change.model is not None:
        policy = msgspec.structs.replace(policy, default_model=change.model or None)
    if change.judging is not None:
        policy = msgspec.structs.replace(policy, judging=change.judging)
    if change.is_redacted is not None:
        policy = msgspec.structs.replace(policy, is_redacted=change.is_redacted)
    after = msgspec.structs.replace(
        before, policy=policy, endpoint=_endpoint(before.endpoint, change)
    )
    if change.max_in_flight is not None:
        after = msgspec.structs.replace(after, max_in_flight=change.max_in_flight)
    if change.monthly_usd is not None:
        after = msgspec.structs.replace(after, monthly_microusd=_money(change.monthly_usd))
    return after


def _endpoint(before: Endpoint | None, change: ModelChange) -> Endpoint | None:
    base_url = change.base_url or (before.base_url if before else None)
    if base_url is None:
        if change.api_key is not None or change.api_version is not None:
            raise TenantError("a key belongs to an endpoint: give its base URL")
        return None
    try:
        check_base_url(TRUSTED, base_url)
    except BaseUrlRefusedError as error:
        raise TenantError(f"the base URL may not be called: {error}") from None
    wanted = Endpoint(base_url=base_url.rstrip("/"))
    if before is not None and before.origin != wanted.origin:
        if change.api_key is None and before.key.reveal:
            raise TenantError("the endpoint is another one: give its key, or an empty one for none")
        before = None
    kept = before or wanted
    return Endpoint(
        base_url=wanted.base_url,
        key=kept.key if change.api_key is None else Secret(change.api_key.strip()),
        api_version=kept.api_version if change.api_version is None else change.api_version,
        headers=kept.headers,
    )


def _money(amount: str) -> int | None:
    if not amount:
        return None
    if re.fullmatch(PATTERN, amount) is None:
        raise TenantError("dollars are written like 20 or 12.50")
    return microusd(amount)

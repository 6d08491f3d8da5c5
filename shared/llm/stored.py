"""What a tenant has set about its language model, as it rests in Postgres: secrets sealed."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from shared.config import Secret
from shared.contracts.base import Record
from shared.contracts.llm import ModelPolicy
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.llm.endpoint import Endpoint
from shared.llm.ledger import SQL

ENDPOINT_COLUMN: Final = "llm_settings.endpoint"
"""JSON of `_Address`. Row: the tenant's id."""
KEY_COLUMN: Final = "llm_settings.api_key"
"""Row: the tenant's id."""

MAX_IN_FLIGHT: Final = 50
"""Calls at once of a tenant that says nothing."""


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant has set; opened, so never logged."""

    endpoint: Endpoint | None = None
    """None: the installation's."""
    policy: ModelPolicy = msgspec.field(default_factory=ModelPolicy)
    monthly_microusd: int | None = None
    """None: no bound of the tenant's own."""
    simulation_microusd: int | None = None
    scoring_microusd: int | None = None
    max_in_flight: int = MAX_IN_FLIGHT


class StoredSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings, and how often they were set."""

    settings: ModelSettings
    revision: int
    """0: nothing is set. Never the same for two settings, also when they were deleted between."""
    updated_at: datetime | None


class _Address(Record, frozen=True, kw_only=True):
    """The sealed part about the endpoint, its key apart."""

    base_url: str
    api_version: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)


_ADDRESS: Final = msgspec.json.Decoder(_Address)
_POLICY: Final = msgspec.json.Decoder(ModelPolicy)

_FORGOTTEN: Final = "{}"
"""In place of a policy whose row only remembers the revision."""

NOTHING: Final = StoredSettings(settings=ModelSettings(), revision=0, updated_at=None)


async def find_settings(connection: Connection, tenant: TenantKey) -> StoredSettings:
    """Return what a tenant has set; `NOTHING` where it has set nothing.

    Raises:
        UnsealError: a sealed part was changed.
    """
    row = await connection.fetchrow(SQL["find_settings"], tenant.tenant_id)
    if row is None or row["policy"] == _FORGOTTEN:
        return NOTHING
    return open_settings(row, tenant)


def open_settings(row: asyncpg.Record, tenant: TenantKey) -> StoredSettings:
    """Return the settings behind a row; raises `UnsealError`."""
    settings = ModelSettings(
        endpoint=_endpoint(row, tenant),
        policy=_POLICY.decode(row["policy"]),
        monthly_microusd=row["monthly_budget_microusd"],
        simulation_microusd=row["simulation_budget_microusd"],
        scoring_microusd=row["scoring_budget_microusd"],
        max_in_flight=row["max_in_flight"],
    )
    return StoredSettings(settings=settings, revision=row["revision"], updated_at=row["updated_at"])


async def hold_settings(connection: Connection, tenant_id: UUID) -> None:
    """Let nobody else write a tenant's settings before the transaction ends."""
    await connection.execute(SQL["lock_settings"], tenant_id)


async def put_settings(
    connection: Connection, tenant: TenantKey, settings: ModelSettings, now: datetime
) -> None:
    """Set a tenant's settings in place of earlier ones; the caller holds them."""
    endpoint = settings.endpoint
    sealed, key = (None, None) if endpoint is None else _sealed(endpoint, tenant)
    await connection.execute(
        SQL["put_settings"],
        tenant.tenant_id,
        sealed,
        key,
        msgspec.json.encode(settings.policy).decode(),
        settings.monthly_microusd,
        settings.simulation_microusd,
        settings.scoring_microusd,
        settings.max_in_flight,
        now,
    )


async def delete_settings(connection: Connection, tenant_id: UUID) -> None:
    """Forget what a tenant has set, its key with it; nobody who writes meanwhile brings it back."""
    await hold_settings(connection, tenant_id)
    await connection.execute(SQL["delete_settings"], tenant_id, MAX_IN_FLIGHT)


def _sealed(endpoint: Endpoint, tenant: TenantKey) -> tuple[bytes, bytes | None]:
    address = _Address(
        base_url=endpoint.base_url,
        api_version=endpoint.api_version,
        headers={name: value.reveal for name, value in endpoint.headers.items()},
    )
    row, key = tenant.tenant_id.bytes, endpoint.key.reveal
    return (
        tenant.seal(msgspec.json.encode(address), ENDPOINT_COLUMN, row),
        tenant.seal_text(key, KEY_COLUMN, row) if key else None,
    )


def _endpoint(row: asyncpg.Record, tenant: TenantKey) -> Endpoint | None:
    if row["endpoint"] is None:
        return None
    place = tenant.tenant_id.bytes
    address = _ADDRESS.decode(tenant.open(row["endpoint"], ENDPOINT_COLUMN, place))
    key = row["api_key"]
    return Endpoint(
        base_url=address.base_url,
        key=Secret("" if key is None else tenant.open_text(key, KEY_COLUMN, place)),
        api_version=address.api_version,
        headers={name: Secret(value) for name, value in address.headers.items()},
    )

"""Tenants' settings as the gateway sees them, remembered for some seconds per process."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec

from shared.config import ConfigError, Secret, Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_reads
from shared.llm.endpoint import Endpoint
from shared.llm.money import whole_microusd
from shared.llm.prices import Prices, PricesError, load_prices
from shared.llm.records import Bounds, TenantModel
from shared.llm.stored import NOTHING, ModelSettings, StoredSettings, find_settings

FRESH_S: Final = 5.0
"""Seconds until a change of a tenant's settings is seen by every process."""

REMEMBERED: Final = 5_000
"""Tenants of whom a process remembers the settings."""


class TenantSettings:
    """The settings book of a process; see `shared.llm.records.SettingsBook`."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        keys: KeyRing,
        *,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read what the installation has set.

        Raises:
            ConfigError: a setting cannot be used.
        """
        self._database = database
        self._keys = keys
        self._now_s = now_s
        self._endpoint = installation_endpoint(settings)
        self._model = settings.llm_model or None
        self._bound = whole_microusd(settings.llm_monthly_budget_usd)
        self._prices = _prices(settings)
        self._found: dict[UUID, tuple[float, TenantModel | None]] = {}

    async def find(self, tenant_id: UUID) -> TenantModel | None:
        """Return the tenant's endpoint with its policy, or the installation's; None without any.

        Raises:
            asyncpg.PostgresError, OSError: the database does not answer, and nothing is remembered.
            UnsealError: a sealed part was changed.
        """
        now = self._now_s()
        known = self._found.get(tenant_id)
        if known is not None and now < known[0]:
            return known[1]
        tenant = await self._keys.warm(self._database, tenant_id)
        stored = await find_settings(tenant_reads(self._database), tenant)
        model = self.model_of(stored)
        if len(self._found) >= REMEMBERED:
            self._found.pop(next(iter(self._found)))
        self._found[tenant_id] = (now + FRESH_S, model)
        return model

    def model_of(self, stored: StoredSettings = NOTHING) -> TenantModel | None:
        """Return what the gateway needs to know of a tenant that has set this."""
        own = stored.settings.endpoint
        endpoint = own or self._endpoint
        if endpoint is None:
            return None
        policy = stored.settings.policy
        return TenantModel(
            endpoint=endpoint,
            is_own=own is not None,
            policy=policy,
            fallback_model=None if own is not None else self._model,
            bounds=self._bounds(stored.settings, is_own=own is not None),
            # At the installation's endpoint a tenant does not say what it costs.
            prices=self._prices.owned_by(policy.prices if own is not None else {}),
        )

    def _bounds(self, settings: ModelSettings, *, is_own: bool) -> Bounds:
        return Bounds(
            monthly_microusd=settings.monthly_microusd,
            installation_microusd=None if is_own else self._bound,
            simulation_microusd=settings.simulation_microusd,
            scoring_microusd=settings.scoring_microusd,
            max_in_flight=settings.max_in_flight,
        )


def installation_endpoint(settings: Settings) -> Endpoint | None:
    """Return the endpoint that the installation has set; None where it has none.

    Raises:
        ConfigError: the extra headers are no JSON object of texts.
    """
    if not settings.llm_base_url:
        return None
    try:
        text = settings.llm_headers.reveal or "{}"
        headers = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeError):
        raise ConfigError("RAPPORT_LLM_HEADERS is not a JSON object of texts") from None
    return Endpoint(
        base_url=settings.llm_base_url.rstrip("/"),
        key=settings.llm_api_key,
        api_version=settings.llm_api_version,
        headers={name: Secret(value) for name, value in headers.items()},
    )


def _prices(settings: Settings) -> Prices:
    try:
        return load_prices(settings.llm_prices)
    except PricesError as error:
        raise ConfigError(f"RAPPORT_LLM_PRICES: {error}") from None

"""What the language model did cost, and what is left of the budgets."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.llm_settings.service import check_whole
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.usage.repository import Group, GroupBy, Month, Sums, Turn, UsageRepository
from shared.db.tx import tenant_tx
from shared.llm.records import TenantModel
from shared.llm.settings import TenantSettings
from shared.llm.stored import StoredSettings, find_settings


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time; `end` is exclusive."""

    start: datetime
    end: datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Budgets and what is left of them."""

    first_day: date
    month: Month
    stored: StoredSettings
    model: TenantModel | None
    """None: there is no endpoint."""


class UsageService:
    """Reads the ledger."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._book = TenantSettings(context.settings, context.database, context.keys)

    async def groups(
        self, principal: Principal, window: Window, group_by: GroupBy, page: PageRequest
    ) -> tuple[list[Group], Sums]:
        """Return one more group than the page holds, and the sums of the whole time.

        Raises:
            ScopeMissingError: the key is bound.
        """
        check_whole(principal)
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = UsageRepository(connection, principal.bounds(now), now)
            groups = await repository.list_groups(window.start, window.end, group_by, page)
            return groups, await repository.total(window.start, window.end)

    async def simulation(
        self, principal: Principal, simulation_id: UUID
    ) -> tuple[Sums, list[Turn]]:
        """Return the sums of a simulation and of its turns; raises `NotFoundError`."""
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await UsageRepository(connection, principal.bounds(now), now).simulation(
                simulation_id
            )

    async def scoring(self, principal: Principal, scoring_id: UUID) -> Sums:
        """Return the sums of a scoring; raises `NotFoundError`."""
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await UsageRepository(connection, principal.bounds(now), now).scoring(scoring_id)

    async def standing(self, principal: Principal) -> Standing:
        """Return what is left of this month's budgets.

        Raises:
            ScopeMissingError: the key is bound.
        """
        check_whole(principal)
        context = self._context
        now = context.clock.now()
        first_day = now.date().replace(day=1)
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            stored = await find_settings(connection, tenant)
            repository = UsageRepository(connection, principal.bounds(now), now)
            month = await repository.month(first_day)
        model = self._book.model_of(stored)
        return Standing(first_day=first_day, month=month, stored=stored, model=model)

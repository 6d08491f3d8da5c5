"""Reading scenarios, and the way to writing them."""

from uuid import UUID

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.scenarios.authoring import AuthoringService
from services.api.scenarios.drift import DriftService
from services.api.scenarios.repository import Scenario, ScenarioRepository
from shared.db.tx import tenant_tx


class ScenarioService:
    """Reads published scenarios; every key of the tenant sees all of them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self.authoring = AuthoringService(context)
        """For keys that may see what customers hide."""
        self.drift = DriftService(context)

    async def get(self, principal: Principal, scenario_id: UUID) -> Scenario:
        """Return a scenario; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await ScenarioRepository(connection, tenant).get(scenario_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, slug: str | None
    ) -> list[Scenario]:
        """Return one more scenario than the page holds, in order of creation."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await ScenarioRepository(connection, tenant).list_page(page, slug)

"""Reading rubrics, and the ways to writing them and to trying them out."""

from uuid import UUID

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.rubrics.authoring import AuthoringService
from services.api.rubrics.repository import Rubric, RubricRepository
from services.api.rubrics.trials import TrialService
from shared.db.tx import tenant_tx


class RubricService:
    """Reads published rubrics; every key of the tenant sees all of them."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self.authoring = AuthoringService(context)
        """For keys that may decide what others are scored by."""
        self.trials = TrialService(context)
        """Likewise."""

    async def get(self, principal: Principal, rubric_id: UUID) -> Rubric:
        """Return a rubric; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            return await RubricRepository(connection, tenant).get(rubric_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, slug: str | None, archived: bool | None
    ) -> list[Rubric]:
        """Return one more rubric than the page holds, in order of creation."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = RubricRepository(connection, tenant)
            return await repository.list_page(page, slug, archived=archived)

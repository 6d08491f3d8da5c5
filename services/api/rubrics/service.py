"""Reading rubrics."""

from uuid import UUID

from services.api.context import ProcessContext
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.rubrics.repository import Rubric, RubricRepository
from shared.db.tx import tenant_tx


class RubricService:
    """Reads rubrics; every key of the tenant sees all of them."""

    def __init__(self, context: ProcessContext) -> None:
        self._database = context.database

    async def get(self, principal: Principal, rubric_id: UUID) -> Rubric:
        """Return a rubric; raises `NotFoundError`."""
        async with tenant_tx(self._database, principal.tenant_id) as connection:
            return await RubricRepository(connection, principal.tenant_id).get(rubric_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, slug: str | None
    ) -> list[Rubric]:
        """Return one more rubric than the page holds, in order of creation."""
        async with tenant_tx(self._database, principal.tenant_id) as connection:
            return await RubricRepository(connection, principal.tenant_id).list_page(page, slug)

"""Making and reading teams."""

from collections.abc import Mapping
from uuid import UUID

from services.api.context import ProcessContext
from services.api.idempotency import Claim, claim_or_find
from services.api.metadata import merged
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.teams.repository import Team, TeamRepository
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import ScopeMissingError


class TeamService:
    """Makes and reads teams."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def create(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        name: str,
        external_id: str | None,
        metadata: dict[str, str],
    ) -> tuple[Team, bool]:
        """Make a team; say as well whether this is a repeat.

        Raises:
            ScopeMissingError: a key bound to teams or to a learner cannot make teams.
            ConflictError: another team has this external id.
        """
        if principal.team_ids is not None or principal.learner_id is not None:
            raise ScopeMissingError("A key bound to teams or to a learner cannot make teams")
        context = self._context
        now = context.clock.now()
        team = Team(
            team_id=context.ids.new(),
            name=name,
            external_id=external_id,
            metadata=metadata,
            created_at=now,
        )
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = TeamRepository(connection, principal.bounds(now), tenant)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, team.team_id, now)
            if earlier is not None:
                return await repository.get(earlier.resource_id), True
            await repository.insert(team)
        return team, False

    async def attach(
        self, principal: Principal, team_id: UUID, changes: Mapping[str, str | None]
    ) -> Team:
        """Change the metadata of a team.

        Raises:
            NotFoundError: none that the caller may see.
            ValidationFailedError: that would be too many keys.
        """
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = TeamRepository(connection, bounds, tenant)
            await repository.lock(team_id)
            team = await repository.get(team_id)
            await repository.set_metadata(team_id, merged(team.metadata, changes))
            return await repository.get(team_id)

    async def get(self, principal: Principal, team_id: UUID) -> Team:
        """Return a team; raises `NotFoundError`."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        reads = tenant_reads(context.database)
        tenant = await context.keys.tenant(reads, principal.tenant_id)
        return await TeamRepository(reads, bounds, tenant).get(team_id)

    async def list(
        self, principal: Principal, page: PageRequest, *, external_id: str | None
    ) -> list[Team]:
        """Return one more team than the page holds, in order of creation."""
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            return await TeamRepository(connection, bounds, tenant).list_page(page, external_id)

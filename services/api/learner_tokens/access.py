"""What a learner token opens: few operations, and with a conversation in it only that one."""

from collections.abc import Mapping
from typing import Final, Literal
from uuid import UUID

from services.api.origins.book import OriginBook
from services.api.principal import Principal, TokenBounds
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError, OriginNotAllowedError, ScopeMissingError

_SQL = Queries("services.api.learner_tokens")

Subject = Literal["learner", "simulation", "scoring", "assessment"]

OPERATIONS: Final[Mapping[str, Subject]] = {
    "GET /v1/simulations": "learner",
    "POST /v1/simulations": "learner",
    "GET /v1/simulations/{simulation_id}": "simulation",
    "POST /v1/simulations/{simulation_id}/turns": "simulation",
    "GET /v1/simulations/{simulation_id}/turns": "simulation",
    "POST /v1/simulations/{simulation_id}/end": "simulation",
    "GET /v1/simulations/{simulation_id}/events": "simulation",
    "GET /v1/simulations/{simulation_id}/result": "simulation",
    "GET /v1/scorings/{scoring_id}": "scoring",
    "GET /v1/assessments/{assessment_id}": "assessment",
}
"""What each is about. A token for one conversation reaches no others, and no lists."""


class TokenGate:
    """Checks a token's bounds, beside scopes and people, which count for it as for every key."""

    def __init__(self, database: Database, origins: OriginBook) -> None:
        self._database = database
        self._origins = origins

    async def admit(
        self, principal: Principal, operation: str, ids: Mapping[str, UUID], origin: str | None
    ) -> None:
        """Let a token into an operation, `<METHOD> <template>`.

        Raises:
            ScopeMissingError: no token opens this.
            OriginNotAllowedError: the page is not the one it was made for, or not the tenant's.
            NotFoundError: it is for another conversation.
        """
        token = principal.token
        if token is None:
            return
        subject = OPERATIONS.get(operation)
        if subject is None:
            raise ScopeMissingError("A learner token does not open this")
        await self._check_origin(principal, token, operation, origin)
        if token.simulation_id is not None:
            about = await self._simulation(principal.tenant_id, subject, ids)
            if about != token.simulation_id:
                raise NotFoundError

    async def _simulation(
        self, tenant_id: UUID, subject: Subject, ids: Mapping[str, UUID]
    ) -> UUID | None:
        """Return the conversation that a request is about."""
        if subject == "learner":
            return None
        if subject != "assessment":
            return ids[f"{subject}_id"]  # the scoring of a simulation has the simulation's id
        async with tenant_tx(self._database, tenant_id) as connection:
            row = await connection.fetchrow(_SQL["simulation_of"], tenant_id, ids["assessment_id"])
        return None if row is None else row["simulation_id"]

    async def _check_origin(
        self, principal: Principal, token: TokenBounds, operation: str, origin: str | None
    ) -> None:
        if token.origin is not None and origin != token.origin:
            raise OriginNotAllowedError("This token was made for another page")
        is_write = not operation.startswith("GET ")
        if is_write and origin is not None and not await self._origins.allows(principal, origin):
            raise OriginNotAllowedError


def check_scenario(principal: Principal, scenario: str) -> None:
    """Keep a token for one scenario from starting another.

    Raises:
        NotFoundError: it is another one.
    """
    token = principal.token
    if token is not None and token.scenario is not None and scenario not in token.scenario:
        raise NotFoundError

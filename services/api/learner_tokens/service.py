"""Makes learner tokens; nothing is stored."""

from datetime import datetime, timedelta
from uuid import UUID

from services.api.context import ProcessContext
from services.api.learner_tokens.schemas import TokenCreate
from services.api.origins.book import OriginBook
from services.api.principal import Principal
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError, ScopeMissingError, ValidationFailedError
from shared.ids import format_id, parse_id
from shared.tokens import SCOPES, LearnerToken, TokenSecrets, sign

_SQL = Queries("services.api.learner_tokens")


class TokenService:
    """Signs what a key may hand on."""

    def __init__(self, context: ProcessContext, secrets: TokenSecrets, origins: OriginBook) -> None:
        self._context = context
        self._secrets = secrets
        self._origins = origins

    async def make(self, principal: Principal, wanted: TokenCreate) -> tuple[LearnerToken, str]:
        """Return a token and its text.

        Raises:
            NotFoundError: no such learner, conversation of theirs, or scenario; all are named.
            ScopeMissingError: the key lacks what it wants to hand on.
            ValidationFailedError: the origin is not among the tenant's.
        """
        scopes = _scopes(principal, wanted)
        await self._check_origin(principal, wanted.origin)
        context, tenant_id = self._context, principal.tenant_id
        now = context.clock.now().replace(microsecond=0)
        learner_id = parse_id("lrn", wanted.learner_id)
        simulation_id = (
            None if wanted.simulation_id is None else parse_id("sim", wanted.simulation_id)
        )
        async with tenant_tx(context.database, tenant_id) as connection:
            scenario = await _find(connection, principal, wanted, learner_id, simulation_id, now)
        token = LearnerToken(
            token_id=context.ids.new(),
            key_id=principal.key_id,
            learner_id=learner_id,
            simulation_id=simulation_id,
            scenario=scenario,
            scopes=scopes,
            origin=wanted.origin,
            issued_at=now,
            expires_at=now + timedelta(seconds=wanted.ttl_s),
        )
        return token, sign(token, self._secrets.of(tenant_id, principal.key_id))

    async def _check_origin(self, principal: Principal, origin: str | None) -> None:
        if origin is None or await self._origins.allows(principal, origin):
            return
        detail = "Not one of your allowed origins"
        error = FieldError(pointer="/origin", code="not-allowed", detail=detail)
        raise ValidationFailedError(errors=(error,))


def _scopes(principal: Principal, wanted: TokenCreate) -> frozenset[str]:
    asked = SCOPES if wanted.scopes is None else tuple(wanted.scopes)
    held = frozenset(asked) & principal.scopes
    if not held or (wanted.scopes is not None and len(held) < len(set(asked))):
        lacking = ", ".join(sorted(set(asked) - held))
        raise ScopeMissingError(f"The key cannot hand on what it does not have: {lacking}")
    return held


async def _find(
    connection: Connection,
    principal: Principal,
    wanted: TokenCreate,
    learner_id: UUID,
    simulation_id: UUID | None,
    now: datetime,
) -> tuple[str, str] | None:
    """Check that all is there; return the scenario's id and slug."""
    missing = []
    tenant_id = principal.tenant_id
    if not await connection.fetchval(_SQL["find_learner"], *principal.bounds(now), learner_id):
        missing.append(("/learner_id", "No such learner"))
    elif simulation_id is not None and not await connection.fetchval(
        _SQL["find_simulation"], tenant_id, simulation_id, learner_id
    ):
        missing.append(("/simulation_id", "This learner has no such conversation"))
    scenario = None
    if wanted.scenario is not None:
        by_id = wanted.scenario.startswith("scn_")
        scenario = await connection.fetchrow(
            _SQL["find_scenario"],
            tenant_id,
            None if by_id else wanted.scenario,
            parse_id("scn", wanted.scenario) if by_id else None,
        )
        if scenario is None:
            missing.append(("/scenario", "No such scenario"))
    if missing:
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=pointer, code="not-found", detail=detail)
                for pointer, detail in missing
            )
        )
    return None if scenario is None else (format_id("scn", scenario[0]), scenario[1])

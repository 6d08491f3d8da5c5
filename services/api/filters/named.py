"""From the parameters of a query to what they stand for."""

from uuid import UUID

from services.api.filters.asked import ConversationQuery, FilterQuery, Filters
from services.api.filters.page import SQL
from services.api.principal import Principal
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.errors import FieldError, ValidationFailedError
from shared.ids import parse_id


async def find_filters(
    connection: Connection,
    principal: Principal,
    tenant: TenantKey,
    query: FilterQuery,
    *,
    status: str | None = None,
    operation_id: UUID | None = None,
    language: str | None = None,
    is_assessed: bool | None = None,
) -> Filters:
    """Return what a query asks for.

    A learner that the caller cannot see is no mistake: nothing of theirs is found.

    Raises:
        ValidationFailedError: no such team, scenario or rubric for this caller; all are named.
    """
    rubric = source = occurred_after = occurred_before = None
    if isinstance(query, ConversationQuery):
        rubric, source = query.rubric, query.source
        occurred_after, occurred_before = query.occurred_after, query.occurred_before
    named = _Named(query.scenario, rubric, query.team_id)
    await named.find(connection, principal)
    return Filters(
        learner_id=None if query.learner_id is None else parse_id("lrn", query.learner_id),
        scenario_id=named.scenario_id,
        rubric_id=named.rubric_id,
        operation_id=operation_id,
        status=status,
        language=language,
        source=source,
        external_id=None if query.external_id is None else tenant.lookup(query.external_id),
        created_after=query.created_after,
        created_before=query.created_before,
        occurred_after=occurred_after,
        occurred_before=occurred_before,
        score_min=query.score_min,
        score_max=query.score_max,
        is_assessed=is_assessed,
        team=None if named.team_id is None else (named.team_id, principal.time_zone.key),
    )


class _Named:
    """Things that a query names."""

    def __init__(self, scenario: str | None, rubric: str | None, team: str | None) -> None:
        self._asked = {"scenario": scenario, "rubric": rubric, "team_id": team}
        self.scenario_id: UUID | None = None
        self.rubric_id: UUID | None = None
        self.team_id = None if team is None else parse_id("team", team)

    async def find(self, connection: Connection, principal: Principal) -> None:
        """Look them up; raises `ValidationFailedError`."""
        if not any(self._asked.values()):
            return
        row = await connection.fetchrow(
            SQL["find_named"],
            principal.tenant_id,
            *_reference("scn", self._asked["scenario"]),
            *_reference("rub", self._asked["rubric"]),
            self.team_id,
            principal.learner_id,
            None if principal.team_ids is None else list(principal.team_ids),
        )
        if row is None:
            raise AssertionError("a select of expressions has one row")
        self.scenario_id, self.rubric_id = row["scenario_id"], row["rubric_id"]
        known = {
            "scenario": self.scenario_id,
            "rubric": self.rubric_id,
            "team_id": row["has_team"],
        }
        errors = tuple(
            FieldError(pointer=f"query:{name}", code="not-found", detail="There is none")
            for name, asked in self._asked.items()
            if asked is not None and not known[name]
        )
        if errors:
            raise ValidationFailedError(errors=errors)


def _reference(prefix: str, text: str | None) -> tuple[str | None, UUID | None]:
    """Return slug and id of a reference; one of them is None."""
    if text is not None and text.startswith(f"{prefix}_"):
        return None, parse_id(prefix, text)
    return text, None

"""Lists of assessments: the revision of each conversation that counts, without its words."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.api.assessments.records import Item, RubricPin, SkillNumber
from services.api.assessments.repository import SQL
from services.api.context import ProcessContext
from services.api.filters.asked import ConversationQuery, Filters
from services.api.filters.named import find_filters
from services.api.filters.page import in_order
from services.api.paging import PageRequest
from services.api.principal import Bounds, Principal
from services.api.scorings.repository import PAGES
from shared.contracts.scoring import SkillStatus
from shared.db.pool import Connection
from shared.db.tx import tenant_tx

_NO_SCORE = -1


class ItemRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds

    async def list_page(self, page: PageRequest, filters: Filters) -> list[Item]:
        """Return `page.limit + 1` assessments, if there are so many."""
        ids = await PAGES.fetch(self._connection, self._bounds, page, filters)
        rows = await self._connection.fetch(SQL["get_counting"], *self._bounds, ids)
        return in_order(ids, {row["scoring_id"]: _item(row) for row in rows})

    async def get_many(self, assessment_ids: Sequence[UUID]) -> list[Item]:
        """Return those of the revisions that the caller may see, in no order."""
        rows = await self._connection.fetch(SQL["get_items"], *self._bounds, list(assessment_ids))
        return [_item(row) for row in rows]


class ListingService:
    """Lists assessments."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def list(
        self, principal: Principal, page: PageRequest, query: ConversationQuery
    ) -> list[Item]:
        """Return one more assessment than the page holds, in the order of their scorings.

        Raises:
            ValidationFailedError: a filter names something that the caller cannot see.
        """
        context = self._context
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            filters = await find_filters(connection, principal, tenant, query, is_assessed=True)
            bounds = principal.bounds(context.clock.now())
            return await ItemRepository(connection, bounds).list_page(page, filters)


def _item(row: asyncpg.Record) -> Item:
    return Item(
        assessment_id=row["assessment_id"],
        scoring_id=row["scoring_id"],
        learner_id=row["learner_id"],
        simulation_id=row["simulation_id"],
        conversation_id=row["conversation_id"],
        source=row["source"],
        rubric=RubricPin(
            rubric_id=row["judged_by"], slug=row["slug"], version=row["judged_version"]
        ),
        revision=row["revision"],
        origin=row["origin"],
        cause=row["cause"],
        is_latest=row["is_latest"],
        overall=row["overall"],
        skills=tuple(map(_skill, row["skills"] or ())),
        occurred_at=row["occurred_at"],
        created_at=row["created_at"],
    )


def _skill(text: str) -> SkillNumber:
    skill, status, score = text.split(" ")
    return SkillNumber(
        skill=skill,
        status=SkillStatus(status),
        score=None if int(score) == _NO_SCORE else int(score),
    )

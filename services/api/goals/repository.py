"""Goals in Postgres, read for a caller."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.goals")

Kind = Literal["score", "attempts"]


class Goal(Record, frozen=True, kw_only=True):
    """What a learner wants to reach."""

    goal_id: UUID
    learner_id: UUID
    kind: Kind
    skill: str | None
    target: int
    """A proficiency, or attempts a week."""
    starts_on: date
    due_on: date
    created_at: datetime
    updated_at: datetime


class GoalRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]

    async def hold_learner(self, learner_id: UUID) -> bool:
        """Keep others from adding goals for a learner; False when the caller sees no such one."""
        row = await self._connection.fetchrow(_SQL["hold_learner"], *self._bounds, learner_id)
        return row is not None

    async def count(self, learner_id: UUID) -> int:
        """Return how many goals a learner has."""
        found: int = await self._connection.fetchval(
            _SQL["count_goals"], self._tenant_id, learner_id
        )
        return found

    async def insert(self, goal: Goal) -> None:
        """Store a new goal."""
        await self._connection.execute(
            _SQL["insert_goal"],
            self._tenant_id,
            goal.goal_id,
            goal.learner_id,
            goal.kind,
            goal.skill,
            goal.target,
            goal.starts_on,
            goal.due_on,
            goal.created_at,
        )

    async def get(self, goal_id: UUID) -> Goal:
        """Return a goal; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_goal"], *self._bounds, goal_id)
        if row is None:
            raise NotFoundError
        return msgspec.convert(dict(row), Goal)

    async def hold(self, goal_id: UUID) -> Goal:
        """Return a goal that nobody else changes until the transaction ends.

        Raises:
            NotFoundError: none that the caller may see.
        """
        await self.get(goal_id)  # locks nothing that the caller may not see
        await self._connection.execute(_SQL["lock_goal"], self._tenant_id, goal_id)
        return await self.get(goal_id)

    async def list_page(self, page: PageRequest, learner_id: UUID | None) -> list[Goal]:
        """Return `page.limit + 1` goals, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_goals"], *self._bounds, page.after, learner_id, page.limit + 1
        )
        return [msgspec.convert(dict(row), Goal) for row in rows]

    async def change(self, goal: Goal) -> None:
        """Store target and due day; the caller holds the goal."""
        await self._connection.execute(
            _SQL["change_goal"],
            self._tenant_id,
            goal.goal_id,
            goal.target,
            goal.due_on,
            goal.updated_at,
        )

    async def delete(self, goal_id: UUID) -> None:
        """Delete a goal; the caller holds it."""
        await self._connection.execute(_SQL["delete_goal"], self._tenant_id, goal_id)

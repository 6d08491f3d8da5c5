"""Making, changing and reading goals."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.goals.repository import Goal, GoalRepository
from services.api.goals.schemas import GoalCreate, GoalPatch, wrong_days, wrong_target
from services.api.idempotency import Claim, claim_or_find
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.skills.service import SkillService
from services.api.validation import broken
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, NotFoundError, ValidationFailedError
from shared.ids import parse_id

MAX_GOALS: Final = 50
"""Of one learner, those of the past too."""


class GoalService:
    """Goals of the learners whom a caller may see."""

    def __init__(self, context: ProcessContext, skills: SkillService) -> None:
        self._context = context
        self._skills = skills

    async def create(
        self, principal: Principal, claim: Claim | None, wish: GoalCreate
    ) -> tuple[Goal, bool]:
        """Make a goal; say as well whether this is a repeat.

        Raises:
            ValidationFailedError: the days do not fit together.
            NotFoundError: no such learner or skill; all are named.
            ConflictError: the learner has fifty goals.
        """
        goal = self._goal(wish, principal.today(self._context.clock.now()))
        _refuse(wrong_days(goal.kind, goal.starts_on, goal.due_on))
        missing = [*await self._unknown_skill(principal, goal.skill)]
        context, tenant_id, now = self._context, principal.tenant_id, goal.created_at
        async with tenant_tx(context.database, tenant_id) as connection:
            repository = GoalRepository(connection, principal.bounds(now))
            earlier = await claim_or_find(connection, tenant_id, claim, goal.goal_id, now)
            if earlier is not None:
                return await repository.get(earlier.resource_id), True
            if not await repository.hold_learner(goal.learner_id):
                missing = [broken("/learner_id", "not-found", "No such learner"), *missing]
            if missing:
                raise NotFoundError(errors=tuple(missing))
            if await repository.count(goal.learner_id) >= MAX_GOALS:
                raise ConflictError(f"A learner has at most {MAX_GOALS} goals")
            await repository.insert(goal)
        return goal, False

    async def get(self, principal: Principal, goal_id: UUID) -> Goal:
        """Return a goal; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await GoalRepository(connection, bounds).get(goal_id)

    async def list(
        self, principal: Principal, page: PageRequest, learner_id: UUID | None
    ) -> list[Goal]:
        """Return one more goal than the page holds, in order of creation."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await GoalRepository(connection, bounds).list_page(page, learner_id)

    async def change(self, principal: Principal, goal_id: UUID, patch: GoalPatch) -> Goal:
        """Change target or due day.

        Raises:
            NotFoundError: none that the caller may see.
            ValidationFailedError: the goal as a whole would be wrong.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = GoalRepository(connection, principal.bounds(now))
            before = await repository.hold(goal_id)
            target, due_on = patch.target or before.target, patch.due_on or before.due_on
            if (target, due_on) == (before.target, before.due_on):
                return before
            after = msgspec.structs.replace(before, target=target, due_on=due_on, updated_at=now)
            _refuse(
                wrong_target(after.kind, after.target)
                + wrong_days(after.kind, after.starts_on, after.due_on)
            )
            await repository.change(after)
        return after

    async def delete(self, principal: Principal, goal_id: UUID) -> None:
        """Delete a goal; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = GoalRepository(connection, bounds)
            await repository.hold(goal_id)
            await repository.delete(goal_id)

    def _goal(self, wish: GoalCreate, today: date) -> Goal:
        now = self._context.clock.now()
        return Goal(
            goal_id=self._context.ids.new(),
            learner_id=parse_id("lrn", wish.learner_id),
            kind=wish.kind,
            skill=wish.skill,
            target=wish.target,
            starts_on=wish.starts_on or today,
            due_on=wish.due_on,
            created_at=now,
            updated_at=now,
        )

    async def _unknown_skill(self, principal: Principal, skill: str | None) -> Sequence[FieldError]:
        if skill is None:
            return ()
        taxonomy = await self._skills.taxonomy(principal)
        if any(each.key == skill and not each.hidden for each in taxonomy.skills):
            return ()
        return (broken("/skill", "not-found", "No such skill"),)


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise ValidationFailedError(errors=tuple(errors))

"""Estimates: what is asked for, what is measured, what is left of the budgets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import msgspec

from services.api.batches.schemas import BatchCreate
from services.api.batches.service import ingredients
from services.api.context import ProcessContext
from services.api.estimates.estimate import (
    ENOUGH,
    Habit,
    Spread,
    TaskEstimate,
    Work,
    estimate_tasks,
    seconds,
    why_none,
)
from services.api.principal import Principal
from services.api.scorings.records import HandedIn
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.schemas import ScoringCreate
from services.api.scorings.storing import missing
from services.api.simulations.repository import SimulationRepository
from services.api.usage.repository import Month, UsageRepository
from services.api.validation import MAX_ERRORS
from shared.contracts.llm import Task, WhyEmbedded
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.llm.records import TenantModel
from shared.llm.settings import TenantSettings
from shared.llm.stored import find_settings

_SQL = Queries("services.api.estimates")

LOOKED_BACK: Final = timedelta(days=30)
"""How old a measurement may be."""

AT_ONCE: Final = 50
"""Conversations that are played or judged at once by one worker of each kind."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch will take."""

    conversations: int
    why: WhyEmbedded | None
    """Why no model will be asked; None when one will."""
    parts: list[TaskEstimate]
    seconds: Spread
    left_microusd: int | None
    """Of the tightest monthly budget; None: there is none."""


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """What an estimate is made of."""

    now: datetime
    tenant: TenantModel | None
    measured: dict[Task, Habit]
    month: Month


class EstimateService:
    """Estimates batches; stores nothing."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._book = TenantSettings(context.settings, context.database, context.keys)

    async def simulations(self, principal: Principal, body: BatchCreate) -> Estimate:
        """Return what a batch of autopilot conversations will take.

        Raises:
            NotFoundError: no such learner, or scenarios; all of them are named.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            await ingredients(SimulationRepository(connection, principal.bounds(now)), body)
            known = await self._known(connection, principal, now)
        count = len(body.scenarios) * len(body.profiles) * body.repeat
        return _estimate(principal, Work(conversations=count, plays=True, scores=body.score), known)

    async def scorings(
        self, principal: Principal, conversations: Sequence[ScoringCreate]
    ) -> Estimate:
        """Return what scoring these will take.

        Raises:
            NotFoundError: no such learners, or rubrics; all of them are named.
        """
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = ScoringRepository(connection, principal.bounds(now), tenant)
            await _check(repository, [each.handed_in() for each in conversations])
            known = await self._known(connection, principal, now)
        work = Work(
            conversations=len(conversations),
            plays=False,
            scores=True,
            foreign=sum(not _is_english(each) for each in conversations),
            characters=sum(
                len(turn.text) for each in conversations for turn in each.conversation.turns
            ),
        )
        return _estimate(principal, work, known)

    async def _known(self, connection: Connection, principal: Principal, now: datetime) -> _Known:
        context, tenant_id = self._context, principal.tenant_id
        stored = await find_settings(connection, await context.keys.tenant(connection, tenant_id))
        rows = await connection.fetch(_SQL["measured"], tenant_id, now - LOOKED_BACK)
        usage = UsageRepository(connection, principal.bounds(now), now)
        return _Known(
            now=now,
            tenant=self._book.model_of(stored),
            measured={Task(row["task"]): _habit(row) for row in rows if row["things"] >= ENOUGH},
            month=await usage.month(now.date().replace(day=1)),
        )


async def _check(repository: ScoringRepository, wanted: Sequence[HandedIn]) -> None:
    keys = await repository.find_learner_keys(list({each.learner_id for each in wanted}))
    rubrics = await repository.find_rubrics(list({each.rubric for each in wanted}))
    errors = tuple(
        msgspec.structs.replace(error, pointer=f"/conversations/{item}{error.pointer}")
        for item, each in enumerate(wanted)
        for error in missing(keys.get(each.learner_id), rubrics.get(each.rubric))
    )
    if errors:
        raise NotFoundError(errors=errors[:MAX_ERRORS])


def _estimate(principal: Principal, work: Work, known: _Known) -> Estimate:
    tenant = known.tenant
    why = _why(principal, tenant, work)
    parts = []
    if tenant is not None and why is None:
        parts = estimate_tasks(work, tenant, known.measured, known.now)
        why = None if parts else why_none(work, tenant)
    at_once = AT_ONCE if tenant is None else min(AT_ONCE, tenant.bounds.max_in_flight)
    return Estimate(
        conversations=work.conversations,
        why=why,
        parts=parts,
        seconds=seconds(parts, work.conversations, at_once),
        left_microusd=_left(tenant, known.month),
    )


def _is_english(body: ScoringCreate) -> bool:
    return body.conversation.language.lower().partition("-")[0] == "en"


def _why(principal: Principal, tenant: TenantModel | None, work: Work) -> WhyEmbedded | None:
    if principal.environment == "test":
        return WhyEmbedded.TEST_KEY
    return WhyEmbedded.NO_MODEL if tenant is None or not work.conversations else None


def _left(tenant: TenantModel | None, month: Month) -> int | None:
    if tenant is None:
        return None
    used = month.spent + month.reserved
    at_installation = month.installation_spent + month.installation_reserved
    left = [
        bound - spent
        for bound, spent in (
            (tenant.bounds.monthly_microusd, used),
            (tenant.bounds.installation_microusd, at_installation),
        )
        if bound is not None
    ]
    return max(0, min(left)) if left else None


def _habit(row: asyncpg.Record) -> Habit:
    return Habit(
        calls=Spread(*row["calls_per_thing"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        latency_ms=row["latency_ms"],
        is_measured=True,
    )

"""Money set aside before a call and settled after it, in Postgres; nothing is spent without it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.clock import Clock
from shared.contracts.base import Record
from shared.contracts.llm import Usage, WhyEmbedded
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import tenant_once
from shared.llm.grouping import Grouping
from shared.llm.ports import ModelFailedError
from shared.llm.records import NO_DAY_BOUNDS, CallDraft, CallOutcome, DayBounds, Reserved
from shared.log import get_logger

log = get_logger()

SQL: Final = Queries("shared.llm")

WAIT_S: Final = 5.0
"""Seconds the database has to set money aside or to settle; then the call is not made."""

TRIES: Final = 2
"""Of settling; what could not be settled counts as spent at its most until somebody settles it."""

VOID: Final = CallOutcome(
    usage=Usage(input_tokens=0, output_tokens=0),
    cost_microusd=0,
    latency_ms=0,
    first_delta_ms=None,
    finish_reason="",
    failure=WhyEmbedded.TIMEOUT,
)
"""Of a call that was never made, because nobody waited any more."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is over."""

    call_id: UUID
    outcome: CallOutcome
    answer: bytes | None


class Parameters(Record, frozen=True, kw_only=True):
    """How a call was asked (`llm_calls.parameters`)."""

    temperature: float | None
    max_output_tokens: int
    seed: int | None


DayBook = Callable[[UUID], Awaitable[DayBounds]]
"""What a tenant's plan allows; remembered for some seconds."""


async def _unbounded(_tenant_id: UUID) -> DayBounds:
    return NO_DAY_BOUNDS


class PostgresLedger:
    """The ledger of a process; many calls share a statement. See `docs/costs.md`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        bounds: DayBook = _unbounded,
        wait_s: float = WAIT_S,
    ) -> None:
        """Spend nothing yet; `bounds` knows what the plans of tenants allow."""
        self._database = database
        self._bounds = bounds
        self._clock = clock
        self._wait_s = wait_s
        self._reserving = Grouping(self._reserve_all, self._abandon)
        self._settling = Grouping(self._settle_all)
        self._late: set[asyncio.Task[None]] = set()

    async def reserve(self, draft: CallDraft) -> Reserved:
        """Set the most that a call can cost aside.

        Raises:
            ModelFailedError: BUDGET or BUSY when a bound refuses it; UNACCOUNTED when the database
                does not answer: then nothing is spent.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                refused = await self._reserving.do(draft.purpose.tenant_id, draft)
        except Exception as error:  # whatever a dying connection raises: fail closed
            log.warning("llm.reserve_failed", error=type(error).__name__)
            raise ModelFailedError(WhyEmbedded.UNACCOUNTED) from error
        if refused is not None:
            busy = refused == "in_flight"
            raise ModelFailedError(WhyEmbedded.BUSY if busy else WhyEmbedded.BUDGET)
        return Reserved(draft=draft)

    async def settle(self, reserved: Reserved, outcome: CallOutcome, answer: bytes | None) -> None:
        """Put the real cost in place of the reserved one; trouble is logged, not raised.

        Being canceled meanwhile changes nothing: the call is settled all the same.
        """
        draft = reserved.draft
        item = Settlement(call_id=draft.call_id, outcome=outcome, answer=answer)
        task = asyncio.create_task(self._settle(draft.purpose.tenant_id, item))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """Wait until everything is settled."""
        await self._reserving.close()
        while self._late:
            await asyncio.gather(*self._late, return_exceptions=True)
        await self._settling.close()

    async def _settle(self, tenant_id: UUID, item: Settlement) -> None:
        for number in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._settling.do(tenant_id, item)
            except Exception as error:
                log.warning("llm.settle_failed", error=type(error).__name__, attempt=number)
            else:
                return

    def _abandon(self, tenant_id: UUID, draft: CallDraft, refused: str | None) -> None:
        """Give back what was set aside for somebody who no longer waits."""
        if refused is not None:
            return
        item = Settlement(call_id=draft.call_id, outcome=VOID, answer=None)
        task = asyncio.create_task(self._settle(tenant_id, item))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _reserve_all(self, tenant_id: UUID, drafts: Sequence[CallDraft]) -> list[str | None]:
        try:
            return await self._reserve_once(tenant_id, drafts, again=False)
        except Exception:
            # A broken connection would cost the whole group its model.
            return await self._reserve_once(tenant_id, drafts, again=True)

    async def _reserve_once(
        self, tenant_id: UUID, drafts: Sequence[CallDraft], *, again: bool
    ) -> list[str | None]:
        columns = [list(map(column, drafts)) for column in _DRAFT]
        day = await self._bounds(tenant_id)
        plan = (day.max_in_flight, day.microusd, day.tokens)
        now = self._clock.now()
        rows = await tenant_once(
            self._database, tenant_id, SQL["reserve"], now, again, *columns, *plan
        )
        return [row["refused"] for row in rows]

    async def _settle_all(self, tenant_id: UUID, items: Sequence[Settlement]) -> list[None]:
        columns = [list(map(column, items)) for column in _SETTLEMENT]
        await tenant_once(self._database, tenant_id, SQL["settle"], *columns)
        return [None for _ in items]


def _parameters(draft: CallDraft) -> str:
    parameters = Parameters(
        temperature=draft.temperature, max_output_tokens=draft.max_output_tokens, seed=draft.seed
    )
    return msgspec.json.encode(parameters).decode()


_DRAFT: Final[tuple[Callable[[CallDraft], Any], ...]] = (
    lambda draft: draft.call_id,
    lambda draft: draft.purpose.task.value,
    lambda draft: draft.purpose.learner_id,
    lambda draft: draft.purpose.simulation_id,
    lambda draft: draft.purpose.seq,
    lambda draft: draft.purpose.scoring_id,
    lambda draft: draft.purpose.operation_id,
    lambda draft: draft.number,
    lambda draft: draft.model,
    lambda draft: draft.host,
    lambda draft: draft.prompt_version,
    _parameters,
    lambda draft: draft.most_microusd,
    lambda draft: draft.started_at,
    lambda draft: draft.expires_at,
    lambda draft: draft.bounds.monthly_microusd,
    lambda draft: draft.bounds.installation_microusd,
    lambda draft: draft.bounds.simulation_microusd,
    lambda draft: draft.bounds.scoring_microusd,
    lambda draft: draft.bounds.max_in_flight,
    lambda draft: draft.most_tokens,
)
"""Columns of `reserve_calls_v2`, in its order."""

_SETTLEMENT: Final[tuple[Callable[[Settlement], Any], ...]] = (
    lambda item: item.call_id,
    lambda item: item.outcome.usage.input_tokens,
    lambda item: item.outcome.usage.output_tokens,
    lambda item: item.outcome.usage.cached_tokens,
    lambda item: item.outcome.usage.is_estimated,
    lambda item: item.outcome.cost_microusd,
    lambda item: item.outcome.latency_ms,
    lambda item: item.outcome.first_delta_ms,
    lambda item: item.outcome.finish_reason,
    lambda item: None if item.outcome.failure is None else item.outcome.failure.value,
    lambda item: item.answer,
)
"""Columns of `settle_calls_v2`, in its order."""

"""Calls of a language model in the ledger, as the gateway writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clock import FixedClock
from shared.contracts.llm import Task, Usage, WhyEmbedded
from shared.db.pool import Database
from shared.ids import Uuid7Maker
from shared.llm.ledger import PostgresLedger
from shared.llm.ports import Purpose
from shared.llm.records import Bounds, CallDraft, CallOutcome

IDS = Uuid7Maker()
BOUNDS = Bounds(
    monthly_microusd=None,
    installation_microusd=None,
    simulation_microusd=None,
    scoring_microusd=None,
    max_in_flight=100,
)
FIRST = datetime(2026, 3, 14, 9, tzinfo=UTC)


class Caller:
    """Writes calls into the ledger as the gateway does."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self._clock = FixedClock(FIRST)
        self._ledger = PostgresLedger(database, self._clock)
        self._tenant_id = tenant_id

    async def call(
        self,
        at: datetime = FIRST,
        *,
        model: str = "gpt-4o",
        task: Task = Task.WORDING,
        cost: int = 1000,
        latency: int = 100,
        failure: WhyEmbedded | None = None,
        is_settled: bool = True,
        bounds: Bounds = BOUNDS,
        **ids: Any,
    ) -> None:
        self._clock.at = at
        draft = CallDraft(
            call_id=IDS.new(),
            purpose=Purpose(tenant_id=self._tenant_id, task=task, environment="live", **ids),
            model=model,
            host="api.example.com",
            prompt_version="0123456789ab",
            temperature=None,
            max_output_tokens=100,
            seed=None,
            number=0,
            most_microusd=5000,
            bounds=bounds,
            started_at=at,
            expires_at=at + timedelta(seconds=30),
        )
        reserved = await self._ledger.reserve(draft)
        if not is_settled:
            return
        outcome = CallOutcome(
            usage=Usage(input_tokens=90, output_tokens=10, cached_tokens=40),
            cost_microusd=cost,
            latency_ms=latency,
            first_delta_ms=None,
            finish_reason="stop",
            failure=failure,
        )
        await self._ledger.settle(reserved, outcome, None)

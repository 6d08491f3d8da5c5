"""Activities under the real names that do what a test says, and remember what they were asked."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from shared.workflows import activity_api, retention
from shared.workflows.activity_api import (
    BatchPartRef,
    DueReports,
    ScoringFailure,
    ScoringRef,
    SimulationLook,
    SimulationRef,
)

Body = Callable[[Any], Awaitable[Any]]


async def succeed(_asked: Any) -> None:
    """Finish at once, as an activity does whose work was done before."""


async def wait_for_worker(_asked: Any) -> None:
    """Leave the activity open; somebody completes it by id."""
    activity.raise_complete_async()


def refuse(code: str) -> Body:
    """A domain failure: an error that no retry mends."""

    async def body(_asked: Any) -> None:
        raise ApplicationError(code, type=code, non_retryable=True)

    return body


def looks(*answers: SimulationLook) -> Body:
    """Answers of `simulation.check`, one per look."""
    left = iter(answers)

    async def body(_asked: Any) -> SimulationLook:
        return next(left)

    return body


def found_ids(*found: UUID) -> Body:
    """What finds something: scorings of a batch, tenants with something too old."""

    async def body(_asked: Any) -> tuple[UUID, ...]:
        return found

    return body


def due(*tenants: DueReports) -> Body:
    """What `reports.list_due` finds."""

    async def body(_asked: Any) -> tuple[DueReports, ...]:
        return tenants

    return body


ENDED = SimulationLook(ended=True, wait_s=0)


def still_open(wait_s: float) -> SimulationLook:
    return SimulationLook(ended=False, wait_s=wait_s)


class FakeActivities:
    """Change `on[name]` to say what an activity does; read `calls` for what was asked, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.activity_ids: dict[str, str] = {}
        self.on: dict[str, Body] = {
            activity_api.DISPATCH_SCORING: succeed,
            activity_api.FAIL_SCORING: succeed,
            activity_api.CREATE_SIMULATION_SCORING: self._scoring_of,
            activity_api.DISPATCH_SIMULATION: succeed,
            activity_api.CHECK_SIMULATION: looks(ENDED),
            activity_api.FAIL_SIMULATION: succeed,
            activity_api.DISPATCH_BATCH: succeed,
            activity_api.FAIL_BATCH: succeed,
            activity_api.CREATE_BATCH_SCORINGS: found_ids(),
            activity_api.FINISH_BATCH: succeed,
            activity_api.LIST_DUE_REPORTS: due(),
            activity_api.MAKE_REPORTS: succeed,
            retention.LIST_DUE: found_ids(),
            retention.ENFORCE: succeed,
        }

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def count(self, name: str) -> int:
        return Counter(self.names)[name]

    def asked(self, name: str) -> list[Any]:
        return [asked for called, asked in self.calls if called == name]

    async def _do(self, name: str, asked: Any) -> Any:
        self.calls.append((name, asked))
        self.activity_ids[name] = activity.info().activity_id
        return await self.on[name](asked)

    @staticmethod
    async def _scoring_of(ref: SimulationRef) -> ScoringRef:
        return ScoringRef(tenant_id=ref.tenant_id, scoring_id=ref.simulation_id)

    def all(self) -> list[Callable[..., Any]]:
        return [
            self.dispatch_scoring,
            self.fail_scoring,
            self.create_simulation_scoring,
            self.dispatch_simulation,
            self.check_simulation,
            self.fail_simulation,
            self.dispatch_batch,
            self.fail_batch,
            self.create_batch_scorings,
            self.finish_batch,
            self.list_due_reports,
            self.make_reports,
            self.list_due_for_retention,
            self.enforce_retention,
        ]

    @activity.defn(name=activity_api.DISPATCH_SCORING)
    async def dispatch_scoring(self, ref: ScoringRef) -> None:
        await self._do(activity_api.DISPATCH_SCORING, ref)

    @activity.defn(name=activity_api.FAIL_SCORING)
    async def fail_scoring(self, failure: ScoringFailure) -> None:
        await self._do(activity_api.FAIL_SCORING, failure)

    @activity.defn(name=activity_api.CREATE_SIMULATION_SCORING)
    async def create_simulation_scoring(self, ref: SimulationRef) -> ScoringRef | None:
        found: ScoringRef | None = await self._do(activity_api.CREATE_SIMULATION_SCORING, ref)
        return found

    @activity.defn(name=activity_api.DISPATCH_SIMULATION)
    async def dispatch_simulation(self, ref: SimulationRef) -> None:
        await self._do(activity_api.DISPATCH_SIMULATION, ref)

    @activity.defn(name=activity_api.CHECK_SIMULATION)
    async def check_simulation(self, ref: SimulationRef) -> SimulationLook:
        look: SimulationLook = await self._do(activity_api.CHECK_SIMULATION, ref)
        return look

    @activity.defn(name=activity_api.FAIL_SIMULATION)
    async def fail_simulation(self, ref: SimulationRef) -> None:
        await self._do(activity_api.FAIL_SIMULATION, ref)

    @activity.defn(name=activity_api.DISPATCH_BATCH)
    async def dispatch_batch(self, ref: BatchPartRef) -> None:
        await self._do(activity_api.DISPATCH_BATCH, ref)

    @activity.defn(name=activity_api.FAIL_BATCH)
    async def fail_batch(self, ref: BatchPartRef) -> None:
        await self._do(activity_api.FAIL_BATCH, ref)

    @activity.defn(name=activity_api.CREATE_BATCH_SCORINGS)
    async def create_batch_scorings(self, ref: BatchPartRef) -> tuple[UUID, ...]:
        found: tuple[UUID, ...] = await self._do(activity_api.CREATE_BATCH_SCORINGS, ref)
        return found

    @activity.defn(name=activity_api.FINISH_BATCH)
    async def finish_batch(self, ref: BatchPartRef) -> None:
        await self._do(activity_api.FINISH_BATCH, ref)

    @activity.defn(name=activity_api.LIST_DUE_REPORTS)
    async def list_due_reports(self) -> tuple[DueReports, ...]:
        found: tuple[DueReports, ...] = await self._do(activity_api.LIST_DUE_REPORTS, None)
        return found

    @activity.defn(name=activity_api.MAKE_REPORTS)
    async def make_reports(self, one: DueReports) -> None:
        await self._do(activity_api.MAKE_REPORTS, one)

    @activity.defn(name=retention.LIST_DUE)
    async def list_due_for_retention(self) -> tuple[UUID, ...]:
        found: tuple[UUID, ...] = await self._do(retention.LIST_DUE, None)
        return found

    @activity.defn(name=retention.ENFORCE)
    async def enforce_retention(self, tenant_id: UUID) -> None:
        await self._do(retention.ENFORCE, tenant_id)

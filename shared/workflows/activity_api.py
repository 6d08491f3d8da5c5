"""Activities by name, with their inputs and outputs. Bodies live in `services/orchestrator`."""

from typing import Final
from uuid import UUID

from shared.contracts.base import Record

TASK_QUEUE: Final = "rapport"

DISPATCH_SCORING: Final = "scoring.dispatch"
"""ScoringRef -> None. Completed asynchronously when the worker's result is committed."""

FAIL_SCORING: Final = "scoring.fail"
"""ScoringFailure -> None. Marks the scoring failed; harmless when it is finished already."""

CREATE_SIMULATION_SCORING: Final = "scoring.create_for_simulation"
"""SimulationRef -> ScoringRef | None. Creates the scoring of an ended simulation, once; None when
the
simulation failed by our own fault, which says nothing about the learner."""

DISPATCH_SIMULATION: Final = "simulation.dispatch"
"""SimulationRef -> None. Has a worker play an autopilot simulation; completed asynchronously."""

CHECK_SIMULATION: Final = "simulation.check"
"""SimulationRef -> SimulationLook. Ends the simulation when it has been idle too long."""

FAIL_SIMULATION: Final = "simulation.fail"
"""SimulationRef -> None. Ends an autopilot simulation that could not be played."""

DISPATCH_BATCH: Final = "batch.dispatch"
"""BatchPartRef -> None. Publishes the part's jobs; completed asynchronously when the last of them
is played."""

FAIL_BATCH: Final = "batch.fail"
"""BatchPartRef -> None. Ends the simulations of a part that could not be played."""

CREATE_BATCH_SCORINGS: Final = "batch.create_scorings"
"""BatchPartRef -> tuple[UUID, ...]. Creates the scorings of the part's played simulations, once."""

FINISH_BATCH: Final = "batch.finish"
"""BatchPartRef -> None. Marks the part ended, and the operation when it was the last."""

LIST_DUE_REPORTS: Final = "reports.list_due"
"""() -> tuple[DueReports, ...]. Tenants whose weekly pages are due and not all made, some hundred
at most."""

MAKE_REPORTS: Final = "reports.make"
"""DueReports -> None. Makes the pages that a tenant's teams do not have yet."""


class DueReports(Record, frozen=True, kw_only=True):
    """A tenant whose weekly pages are due."""

    tenant_id: UUID
    week: str
    """Monday of the week that is over, ISO 8601; a text, for dates do not pass the sandbox."""


class BatchPartRef(Record, frozen=True, kw_only=True):
    """One part of a batch."""

    tenant_id: UUID
    operation_id: UUID
    part: int


class ScoringRef(Record, frozen=True, kw_only=True):
    """One scoring of a tenant."""

    tenant_id: UUID
    scoring_id: UUID


class ScoringFailure(Record, frozen=True, kw_only=True):
    """A scoring that cannot be finished, and why."""

    tenant_id: UUID
    scoring_id: UUID
    code: str


class SimulationRef(Record, frozen=True, kw_only=True):
    """One simulation of a tenant."""

    tenant_id: UUID
    simulation_id: UUID


class SimulationLook(Record, frozen=True, kw_only=True):
    """What Postgres says about a simulation."""

    ended: bool
    wait_s: float
    """Seconds until the next look makes sense; 0 when ended."""

"""Drafting operations in Postgres: begun by the API, done by a worker, buried by the relay."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.jobs import DraftJob, JobKind, JobMessage
from shared.contracts.llm import CallNote
from shared.db.operations import add_operation_ended
from shared.db.outbox import add_job
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.drafting.rubric_expanding import Gap
from shared.drafting.trial import TrialReport
from shared.drafting.wanted import RubricWanted, ScenarioWanted
from shared.library.findings import Finding
from shared.library.rubric_trial import Trial

Kind = Literal["scenario_draft", "scenario_trial", "rubric_draft"]

KEPT = timedelta(days=30)
"""How long an operation can be read."""

MAX_ASKED: Final = 8
"""Questions to the model for one operation, over all rounds, tries and restarts of a worker."""

T = TypeVar("T", bound=msgspec.Struct)

ASKED_TOO_OFTEN: Final = "asked_too_often"
"""Failure code: every question that an operation may ask was asked, over several crashes."""

SQL = Queries("shared.drafting")

_WANTED = "model_drafts.wanted"
_REPORT = "model_drafts.report"


class Report(Record, frozen=True, kw_only=True):
    """What became of an operation."""

    findings: tuple[Finding, ...] = ()
    """What the linter says about the draft; errors first."""
    trial: TrialReport | None = None
    """What scripted learners made of a scenario; None: it has errors, so nobody played it."""
    unmapped: tuple[Gap, ...] = ()
    """Lines of a scorecard that are not in the rubric."""
    dry_run: Trial | None = None
    """What a rubric did with the recorded conversations."""
    calls: tuple[CallNote, ...] = ()
    """What was asked of the model, and what it cost."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A drafting operation as it is stored."""

    asked: int
    scenario_id: UUID | None
    rubric_id: UUID | None
    revision: int | None
    failure_code: str | None
    report: Report | None
    wanted: bytes | None
    """Sealed; None once the operation has ended."""

    def scenario_wanted(self, tenant: TenantKey, operation_id: UUID) -> ScenarioWanted:
        """Return what an author asked for; the operation has not ended."""
        return _opened(tenant, self.wanted or b"", _WANTED, operation_id, ScenarioWanted)

    def rubric_wanted(self, tenant: TenantKey, operation_id: UUID) -> RubricWanted:
        """Return what an author asked for; the operation has not ended."""
        return _opened(tenant, self.wanted or b"", _WANTED, operation_id, RubricWanted)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation ends."""

    failure_code: str | None = None
    report: Report | None = None
    scenario_id: UUID | None = None
    rubric_id: UUID | None = None
    revision: int | None = None


class DraftBook:
    """Statements of one tenant transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tenant_id = tenant.tenant_id

    async def count_open(self) -> int:
        """Return how many operations of authors have not ended."""
        return int(await self._connection.fetchval(SQL["count_open"], self._tenant_id))

    async def open(
        self,
        operation_id: UUID,
        kind: Kind,
        wanted: ScenarioWanted | RubricWanted | None,
        *,
        now: datetime,
        scenario_id: UUID | None = None,
        revision: int | None = None,
    ) -> None:
        """Store a queued operation, with what it is to do."""
        await self._connection.execute(
            SQL["insert_operation"], self._tenant_id, operation_id, kind, now, now + KEPT
        )
        sealed = wanted and self._seal(wanted, _WANTED, operation_id)
        await self._connection.execute(
            SQL["insert_draft"], self._tenant_id, operation_id, sealed, scenario_id, revision
        )

    async def add_job(
        self, job: DraftJob, kind: JobKind, *, now: datetime, first_retry_s: float
    ) -> JobMessage:
        """Write the job of an operation, which has its id; return the message to publish."""
        return await add_job(
            self._connection,
            self._tenant_id,
            job.operation_id,
            job,
            kind,
            now=now,
            first_retry_s=first_retry_s,
        )

    async def begin(self, operation_id: UUID, now: datetime) -> Kept | None:
        """Mark an operation running and return what it is to do; None when it has ended."""
        begun = await self._connection.fetchval(SQL["begin"], self._tenant_id, operation_id, now)
        return await self.find(operation_id) if begun else None

    async def find(self, operation_id: UUID) -> Kept | None:
        """Return an operation as it is stored; None when there is none of these kinds."""
        row = await self._connection.fetchrow(SQL["find_draft"], self._tenant_id, operation_id)
        if row is None:
            return None
        report = row["report"]
        return Kept(
            asked=row["asked"],
            scenario_id=row["scenario_id"],
            rubric_id=row["rubric_id"],
            revision=row["revision"],
            failure_code=row["failure_code"],
            report=None
            if report is None
            else _opened(self._tenant, report, _REPORT, operation_id, Report),
            wanted=row["wanted"],
        )

    async def take_question(self, operation_id: UUID) -> int | None:
        """Count one more question to the model and return its number, from 1; None: no more."""
        number: int | None = await self._connection.fetchval(
            SQL["take_question"], self._tenant_id, operation_id, MAX_ASKED
        )
        return number

    async def lock_open(self, operation_id: UUID, now: datetime, *, is_done: bool) -> bool:
        """End an operation; say whether it had not ended before. The row stays locked.

        Before anything else of the transaction: who cancels waits here, or was faster.
        """
        status = "succeeded" if is_done else "failed"
        return await _end(self._connection, self._tenant_id, operation_id, status, now)

    async def note_end(
        self, operation_id: UUID, event_id: UUID, outcome: Outcome, now: datetime
    ) -> None:
        """Store what became of an operation that this transaction ended, with its event."""
        report = outcome.report
        sealed = None if report is None else self._seal(report, _REPORT, operation_id)
        await _note_end(
            self._connection, self._tenant_id, operation_id, event_id, outcome, sealed, now
        )

    def _seal(self, value: msgspec.Struct, column: str, operation_id: UUID) -> bytes:
        return self._tenant.seal(msgspec.json.encode(value), column, operation_id.bytes)


def _opened(tenant: TenantKey, sealed: bytes, column: str, operation_id: UUID, kind: type[T]) -> T:
    return msgspec.json.decode(tenant.open(sealed, column, operation_id.bytes), type=kind)


async def fail(
    connection: Connection,
    tenant_id: UUID,
    operation_id: UUID,
    event_id: UUID,
    code: str,
    now: datetime,
) -> bool:
    """End an operation that comes to nothing; say whether it had not ended before."""
    if not await _end(connection, tenant_id, operation_id, "failed", now):
        return False
    outcome = Outcome(failure_code=code)
    await _note_end(connection, tenant_id, operation_id, event_id, outcome, None, now)
    return True


async def _end(
    connection: Connection, tenant_id: UUID, operation_id: UUID, status: str, now: datetime
) -> bool:
    ended = await connection.fetchval(SQL["end"], tenant_id, operation_id, status, now)
    return ended is not None


async def _note_end(
    connection: Connection,
    tenant_id: UUID,
    operation_id: UUID,
    event_id: UUID,
    outcome: Outcome,
    report: bytes | None,
    now: datetime,
) -> None:
    await connection.execute(
        SQL["note_end"],
        tenant_id,
        operation_id,
        outcome.failure_code,
        report,
        outcome.scenario_id,
        outcome.rubric_id,
        outcome.revision,
    )
    status = "succeeded" if outcome.failure_code is None else "failed"
    await add_operation_ended(connection, tenant_id, event_id, operation_id, status, now)

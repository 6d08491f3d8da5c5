"""Answers of `/v1/operations`."""

from datetime import datetime
from typing import Final

import msgspec

from services.api.fields import utc
from services.api.operations.repository import Kind, Operation, Status
from services.api.paging import PageQuery
from shared.ids import format_id

KEPT_DAYS: Final = 30
"""How long an operation can be read."""

_RESULTS: Final[dict[Kind, str]] = {
    "simulation_batch": "/v1/simulation_batches",
    "scoring_batch": "/v1/scoring_batches",
    "scenario_draft": "/v1/scenario_drafts",
    "scenario_trial": "/v1/scenario_drafts",
    "rubric_draft": "/v1/rubric_drafts",
    "report_export": "/v1/reports/exports",
    "learner_erasure": "/v1/erasures",
    "learner_export": "/v1/learner_exports",
    "tenant_export": "/v1/tenant_exports",
}
"""Where the result of a kind of operation is read."""


class OperationQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    status: Status | None = None


class ProgressView(msgspec.Struct, frozen=True, kw_only=True):
    """How far the work is; every count is out of `total`."""

    total: int
    done: int
    """Conversations that were played or handed in and have ended, however it came out; scores of a
    file.
    """
    scored: int
    failed: int
    """Could not be played, or scored, by our own fault; or canceled before."""


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """Long work; its status never goes backwards."""

    id: str
    kind: Kind
    status: Status
    progress: ProgressView
    result: str
    """Where to read what there is of the result; while it runs, that is a part of it."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime

    @classmethod
    def of(cls, operation: Operation) -> "OperationView":
        """Return the public form."""
        public_id = format_id("op", operation.operation_id)
        started_at, ended_at = operation.started_at, operation.ended_at
        return cls(
            id=public_id,
            kind=operation.kind,
            status=operation.status,
            progress=ProgressView(
                total=operation.total,
                done=operation.played,
                scored=operation.scored,
                failed=operation.failed,
            ),
            result=f"{_RESULTS[operation.kind]}/{public_id}",
            created_at=utc(operation.created_at),
            started_at=None if started_at is None else utc(started_at),
            ended_at=None if ended_at is None else utc(ended_at),
            expires_at=utc(operation.expires_at),
        )

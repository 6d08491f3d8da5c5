"""Answers of erasures and of exports of a person."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.api.fields import utc
from services.api.operations.repository import Status
from shared.ids import format_id


class PrivacyTask(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure or an export as it is stored."""

    operation_id: UUID
    learner_id: UUID | None
    """None: of a whole tenant."""
    status: Status
    receipt: str | None
    signature: str | None
    size_bytes: int
    rows_done: int
    has_file: bool
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None

    @property
    def person(self) -> str:
        """The public id of whose it is; of work on a person only."""
        if self.learner_id is None:
            raise AssertionError("of nobody in particular")
        return format_id("lrn", self.learner_id)


class ErasureView(msgspec.Struct, frozen=True, kw_only=True):
    """The erasure of a person; it cannot be undone or canceled."""

    id: str
    """Of its operation."""
    learner_id: str
    """Answers 404 as soon as the erasure has begun."""
    status: Status
    receipt: str | None
    """What was destroyed: a JSON text, to be kept as it is; null until all of it is done."""
    signature: str | None
    """`v1a,` and an Ed25519 signature of the receipt's bytes, in base64."""
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, task: PrivacyTask) -> "ErasureView":
        """Return the public form."""
        return cls(
            id=format_id("op", task.operation_id),
            learner_id=task.person,
            status=task.status,
            receipt=task.receipt,
            signature=task.signature,
            created_at=utc(task.created_at),
            ended_at=None if task.ended_at is None else utc(task.ended_at),
        )


class LearnerExportView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is held of a person, as a ZIP of JSON and CSV."""

    id: str
    """Of its operation."""
    learner_id: str
    status: Status
    size_bytes: int
    file: str | None
    """Where to fetch it; null until it is whole, and after its time."""
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    """The file is deleted then; null when it was."""

    @classmethod
    def of(cls, task: PrivacyTask) -> "LearnerExportView":
        """Return the public form."""
        public_id = format_id("op", task.operation_id)
        is_there = task.status == "succeeded" and task.expires_at is not None
        return cls(
            id=public_id,
            learner_id=task.person,
            status=task.status,
            size_bytes=task.size_bytes,
            file=f"/v1/learner_exports/{public_id}/file" if is_there else None,
            created_at=utc(task.created_at),
            ended_at=None if task.ended_at is None else utc(task.ended_at),
            expires_at=None if task.expires_at is None else utc(task.expires_at),
        )


class TenantExportView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is held of a tenant, as a ZIP of JSON and CSV."""

    id: str
    """Of its operation."""
    status: Status
    rows_done: int
    """Read so far, of all tables."""
    size_bytes: int
    file: str | None
    """Where to fetch it; null until it is whole, after its time, and once anybody in it is erased:
    then have another made.
    """
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    """The file is deleted then; null when it was."""

    @classmethod
    def of(cls, task: PrivacyTask) -> "TenantExportView":
        """Return the public form."""
        public_id = format_id("op", task.operation_id)
        is_there = task.status == "succeeded" and task.expires_at is not None and task.has_file
        return cls(
            id=public_id,
            status=task.status,
            rows_done=task.rows_done,
            size_bytes=task.size_bytes,
            file=f"/v1/tenant_exports/{public_id}/file" if is_there else None,
            created_at=utc(task.created_at),
            ended_at=None if task.ended_at is None else utc(task.ended_at),
            expires_at=None if task.expires_at is None else utc(task.expires_at),
        )


def task_of(row: dict[str, Any]) -> PrivacyTask:
    """Return the task behind a row."""
    return msgspec.convert({name: row[name] for name in PrivacyTask.__struct_fields__}, PrivacyTask)

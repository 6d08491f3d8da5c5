"""Requests and answers of `/v1/scoring_batches`."""

from typing import Annotated, Any, Literal

import msgspec

from services.api.fields import public
from services.api.operations.repository import Operation
from services.api.operations.schemas import OperationView
from services.api.scorings.batch_repository import ItemRow
from services.api.scorings.records import Status
from services.api.scorings.schemas import ScoringCreate
from shared.errors import FieldError
from shared.ids import format_id
from shared.intake.limits import MAX_BATCH

_COUNT = msgspec.Meta(min_length=1, max_length=MAX_BATCH)


class ScoringBatchCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Score many conversations; this is what the document shows."""

    conversations: Annotated[list[ScoringCreate], _COUNT]


class ScoringBatchBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same before its conversations are looked at: each is taken or refused by itself."""

    conversations: Annotated[list[Any], _COUNT]


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one conversation of a request."""

    index: int
    """Its place in the request, from 0."""
    outcome: Literal["accepted", "held", "refused"]
    """`held`: taken, and scored once somebody says who is who."""
    scoring_id: str | None
    """None when refused."""
    status: Status | None
    failure_code: str | None
    flags: tuple[str, ...]
    assessment_id: str | None
    overall: int | None
    """The result so far; None as well where too little could be scored."""
    errors: tuple[FieldError, ...]
    """Why it was refused: what `POST /v1/scorings` would have said, with pointers into this
    request."""

    @classmethod
    def of(cls, row: ItemRow) -> "ItemView":
        """Return the public form."""
        return cls(
            index=row.item,
            outcome=row.outcome,
            scoring_id=public("scr", row.scoring_id),
            status=row.status,
            failure_code=row.failure_code,
            flags=row.flags,
            assessment_id=public("asm", row.assessment_id),
            overall=row.overall,
            errors=row.errors,
        )


class ScoringBatchView(msgspec.Struct, frozen=True, kw_only=True):
    """Many conversations that came in one request."""

    id: str
    operation: OperationView
    """Counts what was accepted; ends when all of that is scored or has failed."""
    accepted: int
    held: int
    refused: int
    conversations: tuple[ItemView, ...]
    """In the order of the request."""

    @classmethod
    def of(cls, operation: Operation, rows: list[ItemRow]) -> "ScoringBatchView":
        """Return the public form."""
        outcomes = [row.outcome for row in rows]
        return cls(
            id=format_id("op", operation.operation_id),
            operation=OperationView.of(operation),
            accepted=outcomes.count("accepted"),
            held=outcomes.count("held"),
            refused=outcomes.count("refused"),
            conversations=tuple(ItemView.of(row) for row in rows),
        )

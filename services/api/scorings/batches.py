"""Taking in many conversations at once: each is accepted, held or refused by itself."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal
from uuid import UUID

import msgspec

from services.api.admitting import admit
from services.api.assessments.records import RubricPin
from services.api.context import ProcessContext
from services.api.environments import mark_scoring_batch
from services.api.idempotency import Claim, claim_or_find
from services.api.operations.repository import Operation, OperationRepository
from services.api.principal import Principal
from services.api.scorings.batch_repository import Errors, ItemRow, ScoringBatchRepository
from services.api.scorings.records import HandedIn, NewScoring, Place
from services.api.scorings.repository import ScoringRepository
from services.api.scorings.schemas import ScoringCreate, latest_occurrence, too_late
from services.api.scorings.service import note_held
from services.api.scorings.storing import Sealer, missing
from services.api.validation import broken, wrong_fields
from shared.contracts.jobs import JobKind, JobMessage
from shared.db.operations import add_operation_ended
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.intake.taking import Taken, take_in

KEPT = timedelta(days=30)
"""How long an operation can be read."""

ROWS = 100
"""Conversations of one statement; keeps its parameters small."""

MAX_ERRORS_PER_ITEM = 100
"""Wrong fields that are named for one conversation."""

AT_ONCE = 50
"""Jobs that are published at a time."""


class _Good(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that may be stored if its learner and rubric are there."""

    item: int
    handed_in: HandedIn
    taken: Taken


class _Bad(msgspec.Struct, frozen=True, kw_only=True):
    item: int
    errors: Errors


class ScoringBatchService:
    """Requests with many conversations."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def accept(
        self, principal: Principal, claim: Claim | None, conversations: Sequence[Any]
    ) -> tuple[Operation, list[ItemRow], bool]:
        """Store what can be taken and have it scored; say as well whether this is a repeat.

        Everything is stored in one transaction: a repeat after a crash finds all of it or nothing.

        Raises:
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        # Beside the event loop: a thousand conversations are a second's work.
        looked_at = await asyncio.to_thread(_look_at, conversations, now)
        operation_id = context.ids.new()
        messages: list[JobMessage] = []
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, operation_id, now)
            if earlier is None:
                intake = _Intake(context, connection, principal, tenant, operation_id)
                messages = await intake.store(looked_at)
                await mark_scoring_batch(connection, principal, operation_id)
            else:
                operation_id = earlier.resource_id
            operation = await _get(connection, principal, operation_id, now)
            repository = ScoringBatchRepository(connection, principal.tenant_id, tenant)
            items = await repository.list_items(operation_id)
        await self._publish(messages)
        return operation, items, earlier is not None

    async def get(
        self, principal: Principal, operation_id: UUID
    ) -> tuple[Operation, list[ItemRow]]:
        """Return what became of a request so far; raises `NotFoundError`."""
        now = self._context.clock.now()
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            operation = await _get(connection, principal, operation_id, now)
            repository = ScoringBatchRepository(connection, principal.tenant_id, tenant)
            return operation, await repository.list_items(operation_id)

    async def _publish(self, messages: list[JobMessage]) -> None:
        publisher = self._context.publisher
        waiting = iter(messages)
        while some := list(islice(waiting, AT_ONCE)):
            await asyncio.gather(*map(publisher.job, some))
        publisher.wake_events()


class _Intake:
    """Stores one request, in the transaction of its caller."""

    def __init__(
        self,
        context: ProcessContext,
        connection: Connection,
        principal: Principal,
        tenant: TenantKey,
        operation_id: UUID,
    ) -> None:
        self._context = context
        self._connection = connection
        self._tenant_id = principal.tenant_id
        self._now = context.clock.now()
        self._operation_id = operation_id
        self._sealer = Sealer(context, tenant)
        self._scorings = ScoringRepository(connection, principal.bounds(self._now), tenant)
        self._batches = ScoringBatchRepository(connection, principal.tenant_id, tenant)

    async def store(self, looked_at: Sequence[_Good | _Bad]) -> list[JobMessage]:
        """Store everything; return the messages to publish after the commit."""
        good = [one for one in looked_at if isinstance(one, _Good)]
        keys = await self._scorings.find_learner_keys(
            list({one.handed_in.learner_id for one in good})
        )
        rubrics = await self._scorings.find_rubrics(list({one.handed_in.rubric for one in good}))
        refused = [(one.item, one.errors) for one in looked_at if isinstance(one, _Bad)]
        ready: list[tuple[_Good, SealKey, RubricPin]] = []
        for one in good:
            key, rubric = keys.get(one.handed_in.learner_id), rubrics.get(one.handed_in.rubric)
            if key is None or rubric is None:
                refused.append((one.item, _placed(one.item, missing(key, rubric))))
            else:
                ready.append((one, key, rubric))
        accepted = sum(not one.taken.is_held for one, _, _ in ready)
        await self._check_room(accepted)
        await self._open(accepted, is_any_taken=bool(ready))
        await self._batches.insert_refused(self._operation_id, refused)
        scoring_ids = await self._insert(ready)
        due = self._now + timedelta(seconds=self._context.settings.job_first_retry_s)
        return await self._batches.insert_jobs(self._operation_id, scoring_ids, self._now, due)

    async def _check_room(self, accepted: int) -> None:
        """Refuse the whole request where not all of it fits; an empty queue takes any."""
        await admit(
            self._context, self._connection, self._tenant_id, JobKind.SCORE,
            kind="scoring", count=accepted, lane_room=max(accepted, 1),
        )  # fmt: skip

    async def _open(self, accepted: int, *, is_any_taken: bool) -> None:
        status: Literal["running", "succeeded", "failed"] = "running"
        if not accepted:
            status = "succeeded" if is_any_taken else "failed"
        await self._batches.insert_operation(
            Operation(
                operation_id=self._operation_id,
                kind="scoring_batch",
                status=status,
                is_scored=True,
                total=accepted,
                played=0,
                scored=0,
                failed=0,
                created_at=self._now,
                started_at=self._now,
                ended_at=None if accepted else self._now,
                expires_at=self._now + KEPT,
            )
        )
        if not accepted:
            await add_operation_ended(
                self._connection,
                self._tenant_id,
                self._context.ids.new(),
                self._operation_id,
                status,
                self._now,
            )

    async def _insert(self, ready: Sequence[tuple[_Good, SealKey, RubricPin]]) -> list[UUID]:
        """Store conversations; return the ids of those that wait for nobody."""
        scoring_ids: list[UUID] = []
        rows = (self._row(one, key, rubric) for one, key, rubric in ready)
        while some := list(islice(rows, ROWS)):
            await self._scorings.insert(some)
            for row in some:
                if row.status == "held":
                    await note_held(self._context, self._connection, self._tenant_id, row)
                else:
                    scoring_ids.append(row.scoring_id)
        return scoring_ids

    def _row(self, one: _Good, key: SealKey, rubric: RubricPin) -> NewScoring:
        place = Place(operation_id=self._operation_id, item=one.item)
        scoring_id = self._context.ids.new()
        return self._sealer.row(scoring_id, one.handed_in, one.taken, key, rubric, place)


def _look_at(conversations: Sequence[Any], now: datetime) -> list[_Good | _Bad]:
    """Check every conversation as if it had come alone, and look at what it holds."""
    first: dict[str, int] = {}
    found: list[_Good | _Bad] = []
    for item, value in enumerate(conversations):
        one = _look_at_one(item, value, now)
        external_id = one.handed_in.external_id if isinstance(one, _Good) else None
        if external_id is not None and first.setdefault(external_id, item) != item:
            detail = f"The conversation {first[external_id]} of this request has the same id"
            error = broken("/conversation/external_id", "duplicate", detail)
            one = _Bad(item=item, errors=_placed(item, (error,)))
        found.append(one)
    return found


def _look_at_one(item: int, value: Any, now: datetime) -> _Good | _Bad:
    try:
        body = msgspec.convert(value, ScoringCreate, strict=True)
    except msgspec.ValidationError:
        errors = islice(wrong_fields(value, ScoringCreate), MAX_ERRORS_PER_ITEM)
        return _Bad(item=item, errors=_placed(item, errors))
    if body.occurred_at and body.occurred_at > latest_occurrence(now):
        return _Bad(item=item, errors=_placed(item, (too_late(body.occurred_at),)))
    handed_in = body.handed_in()
    taken = take_in(handed_in.turns, handed_in.language)
    return _Good(item=item, handed_in=handed_in, taken=taken)


def _placed(item: int, errors: Iterable[Any]) -> Errors:
    return tuple(
        msgspec.structs.replace(error, pointer=f"/conversations/{item}{error.pointer}")
        for error in errors
    )


async def _get(
    connection: Connection, principal: Principal, operation_id: UUID, now: datetime
) -> Operation:
    operation = await OperationRepository(connection, principal.bounds(now)).get(operation_id)
    if operation.kind != "scoring_batch":
        raise NotFoundError
    return operation

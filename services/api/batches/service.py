"""Starting batches and summing them up."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.api.admitting import admit
from services.api.batches.repository import BatchRepository, Conversation, Group
from services.api.batches.schemas import BatchCreate
from services.api.context import ProcessContext
from services.api.environments import mark_batch
from services.api.fields import MAX_SEED
from services.api.idempotency import Claim, claim_or_find
from services.api.metadata import Attached, merged
from services.api.operations.repository import Operation, OperationRepository
from services.api.operations.schemas import KEPT_DAYS
from services.api.principal import Principal
from services.api.simulations.records import Practice
from services.api.simulations.repository import SimulationRepository
from shared.contracts.jobs import JobKind, JobMessage
from shared.contracts.scenario import opening_line
from shared.contracts.simulation import PersonaState
from shared.db.pool import Connection
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.errors import FieldError, NotFoundError
from shared.ids import parse_id
from shared.workflows.sizes import BATCH

KEPT = timedelta(days=KEPT_DAYS)
"""How long an operation can be read."""


Batch = tuple[Operation, list[Group], Attached]
"""A batch with its outcomes so far, and what is attached to it."""


class BatchService:
    """Batches of autopilot conversations."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def start(
        self, principal: Principal, claim: Claim | None, body: BatchCreate
    ) -> tuple[Operation, bool]:
        """Store every conversation of a batch and have it played; say whether this is a repeat.

        Raises:
            NotFoundError: no such learner, or scenarios; all of them are named.
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        operation_id = context.ids.new()
        messages: list[JobMessage] = []
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            bounds = principal.bounds(now)
            operations = OperationRepository(connection, bounds)
            earlier = await claim_or_find(connection, principal.tenant_id, claim, operation_id, now)
            if earlier is None:
                simulations = SimulationRepository(connection, bounds)
                wrapped, practices = await ingredients(simulations, body)
                learner_id = parse_id("lrn", body.learner_id)
                tenant = await context.keys.tenant(connection, principal.tenant_id)
                key = tenant.learner_key(learner_id, wrapped)
                conversations = self._conversations(body, practices, key)
                await operations.insert(
                    self._operation(operation_id, body, len(conversations)), learner_id
                )
                if body.metadata:
                    await BatchRepository(connection, principal.tenant_id).set_metadata(
                        operation_id, body.metadata, key
                    )
                messages = await self._store(
                    connection, principal.tenant_id, operation_id, learner_id, conversations
                )
                await mark_batch(connection, principal, operation_id)
            else:
                operation_id = earlier.resource_id
            operation = await operations.get(operation_id)
        for message in messages:
            await context.publisher.job(message)
        return operation, earlier is not None

    async def get(self, principal: Principal, operation_id: UUID) -> Batch:
        """Return a batch with its outcomes so far; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            return await self._read(connection, principal, operation_id)

    async def attach(
        self, principal: Principal, operation_id: UUID, changes: Mapping[str, str | None]
    ) -> Batch:
        """Change the metadata of a batch.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
            ValidationFailedError: that would be too many keys.
        """
        context = self._context
        bounds = principal.bounds(context.clock.now())
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            await OperationRepository(connection, bounds).get(operation_id)
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = BatchRepository(connection, principal.tenant_id)
            before, key = await repository.lock_metadata(operation_id, tenant)
            await repository.set_metadata(operation_id, merged(before, changes), key)
            return await self._read(connection, principal, operation_id)

    async def _read(
        self, connection: Connection, principal: Principal, operation_id: UUID
    ) -> Batch:
        context = self._context
        repository = BatchRepository(connection, principal.tenant_id)
        operations = OperationRepository(connection, principal.bounds(context.clock.now()))
        operation = await operations.get(operation_id)
        tenant = await context.keys.tenant(connection, principal.tenant_id)
        return (
            operation,
            await repository.summarize(operation_id),
            await repository.find_metadata(operation_id, tenant),
        )

    def _operation(self, operation_id: UUID, body: BatchCreate, total: int) -> Operation:
        now = self._context.clock.now()
        return Operation(
            operation_id=operation_id,
            kind="simulation_batch",
            status="queued",
            is_scored=body.score,
            total=total,
            played=0,
            scored=0,
            failed=0,
            created_at=now,
            started_at=None,
            ended_at=None,
            expires_at=now + KEPT,
        )

    def _conversations(
        self, body: BatchCreate, practices: Sequence[Practice], key: SealKey
    ) -> list[Conversation]:
        runs = [
            (practice, profile, (body.seed + number) % (MAX_SEED + 1))
            for number in range(body.repeat)
            for practice in practices
            for profile in body.profiles
        ]
        return [
            self._conversation(number // BATCH, practice, profile, seed, key)
            for number, (practice, profile, seed) in enumerate(runs)
        ]

    def _conversation(
        self, part: int, practice: Practice, profile: str, seed: int, key: SealKey
    ) -> Conversation:
        simulation_id = self._context.ids.new()
        line = opening_line(practice.spec, seed)
        return Conversation(
            simulation_id=simulation_id,
            part=part,
            scenario_id=practice.scenario_id,
            scenario_version=practice.version,
            profile=profile,
            seed=seed,
            turn_id=self._context.ids.new(),
            opening=key.seal_text(line, "turns.text", turn_row(simulation_id, 0)),
            state=PersonaState(mind=practice.spec.opening.mind),
        )

    async def _store(
        self,
        connection: Connection,
        tenant_id: UUID,
        operation_id: UUID,
        learner_id: UUID,
        conversations: Sequence[Conversation],
    ) -> list[JobMessage]:
        context = self._context
        now = context.clock.now()
        await admit(
            context, connection, tenant_id, JobKind.FLOW, JobKind.BATCH,
            kind="autopilot", count=len(conversations),
        )  # fmt: skip
        repository = BatchRepository(connection, tenant_id)
        await repository.insert(operation_id, learner_id, conversations, now)
        job_ids = [context.ids.new() for _ in range(conversations[-1].part + 1)]
        retry_at = now + timedelta(seconds=context.settings.job_first_retry_s)
        await repository.insert_starts(operation_id, job_ids, now, retry_at)
        return [
            JobMessage(tenant_id=tenant_id, job_id=job_id, kind=JobKind.FLOW, attempt=1)
            for job_id in job_ids
        ]


async def ingredients(
    repository: SimulationRepository, body: BatchCreate
) -> tuple[bytes, list[Practice]]:
    """Return the learner's wrapped key and the scenarios.

    Raises:
        NotFoundError: there is no such learner, or scenario; all of them are named.
    """
    missing = []
    wrapped = await repository.find_learner_key(parse_id("lrn", body.learner_id))
    if wrapped is None:
        missing.append(("/learner_id", "No such learner"))
    practices = []
    for number, reference in enumerate(body.scenarios):
        by_id = reference.startswith("scn_")
        practice = await repository.find_practice(
            None if by_id else reference, parse_id("scn", reference) if by_id else None
        )
        if practice is None:
            missing.append((f"/scenarios/{number}", "No such scenario"))
        else:
            practices.append(practice)
    if wrapped is None or missing:
        raise NotFoundError(
            errors=tuple(
                FieldError(pointer=pointer, code="not-found", detail=detail)
                for pointer, detail in missing
            )
        )
    return wrapped, practices

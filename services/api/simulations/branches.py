"""Rewind and compare: a branch goes on from an earlier turn, and two conversations are set side by
side.

Both simulations stay as they are. The prefix hash is keyed per tenant, so it gives no text away.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from services.api.admitting import admit
from services.api.context import ProcessContext
from services.api.environments import mark_simulation
from services.api.idempotency import Claim, claim_or_find
from services.api.principal import Principal
from services.api.simulations.branch_repository import BranchRepository
from services.api.simulations.openings import check_key
from services.api.simulations.records import Branch, Ending, Scores, Simulation, Turn
from services.api.simulations.repository import (
    LAST_SURFACES,
    SimulationRepository,
    open_turn,
)
from services.api.simulations.service import Started
from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, JobMessage, StartSimulation
from shared.contracts.simulation import EndReason
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.tx import tenant_tx
from shared.errors import ConflictError, FieldError, NotFoundError, ValidationFailedError
from shared.rendering.records import APPRAISAL_COLUMN
from shared.retention import check_has_words

WHOLE = 1000
"""More turns than a simulation can have."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two simulations."""

    simulation: Simulation
    ending: Ending
    scores: Scores | None
    prefix_hash: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two simulations of one scenario and what they share."""

    left: Side
    right: Side
    common_seq: int
    """The last turn up to which both are identical; -1 when even the opening differs."""


class Branched(msgspec.Struct, frozen=True, kw_only=True):
    """A branch with all its turns."""

    simulation: Simulation
    turns: list[Turn]
    replayed: bool


class BranchService:
    """Branches simulations, and reads what they came to."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def branch(
        self,
        principal: Principal,
        claim: Claim | None,
        parent_id: UUID,
        *,
        from_seq: int,
        hints: bool,
        word_budget: int | None,
    ) -> Branched:
        """Start a simulation that shares the parent's turns up to `from_seq`.

        Raises:
            NotFoundError: no such simulation for this caller.
            ValidationFailedError: there is no such turn of the customer.
            ConflictError: the conversation ended with that turn, or takes a model, which a test key
                never has.
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        simulation_id = context.ids.new()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = SimulationRepository(connection, principal.bounds(now), tenant)
            parent = await repository.get(parent_id)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, simulation_id, now
            )
            if earlier is None:
                check_key(principal, parent.language)
                turns, key = await self._turns(connection, repository, parent)
                _check(parent, turns, from_seq)
                await check_has_words(connection, principal.tenant_id, simulation_id=parent_id)
                await admit(
                    context, connection, principal.tenant_id, JobKind.FLOW, kind="simulation"
                )
                branches = BranchRepository(connection, principal.tenant_id)
                read_as = await branches.list_appraisals(parent_id, from_seq)
                await branches.insert_branch(
                    Branch(
                        simulation_id=simulation_id,
                        parent_id=parent_id,
                        seq=from_seq,
                        hints=hints,
                        word_budget=word_budget,
                        turn_ids=[context.ids.new() for _ in range(from_seq + 1)],
                        texts=_resealed(turns[: from_seq + 1], simulation_id, key),
                        appraisals=_moved(read_as, from_seq, parent_id, simulation_id, key),
                        at=now,
                    )
                )
                await mark_simulation(connection, principal, simulation_id, now)
                message = await self._announce(connection, principal.tenant_id, simulation_id)
            else:
                simulation_id = earlier.resource_id
            simulation = await repository.get(simulation_id)
            copied, _ = await self._turns(connection, repository, simulation)
        if message is not None:
            context.publisher.wake_events()
            await context.publisher.job(message)
        return Branched(simulation=simulation, turns=copied, replayed=earlier is not None)

    async def ending(self, principal: Principal, simulation_id: UUID) -> tuple[Simulation, Ending]:
        """Return a simulation and what it came to so far; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = SimulationRepository(connection, bounds)
            simulation = await repository.get(simulation_id)
            branches = BranchRepository(connection, principal.tenant_id)
            return simulation, await branches.get_ending(simulation_id)

    async def compare(self, principal: Principal, left_id: UUID, right_id: UUID) -> Comparison:
        """Set two simulations of one scenario side by side.

        Raises:
            NotFoundError: one of them does not exist for this caller.
            ConflictError: they are of different scenarios.
        """
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            repository = SimulationRepository(connection, bounds)
            left, right = await repository.get(left_id), await repository.get(right_id)
            if left.scenario_id != right.scenario_id:
                raise ConflictError("The two simulations are of different scenarios")
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            left_turns, _ = await self._turns(connection, repository, left)
            right_turns, _ = await self._turns(connection, repository, right)
            common = _common(left_turns, right_turns)
            branches = BranchRepository(connection, principal.tenant_id)
            sides = [
                Side(
                    simulation=simulation,
                    ending=await branches.get_ending(simulation.simulation_id),
                    scores=await branches.get_scores(simulation.assessment_id),
                    prefix_hash=_prefix_hash(tenant, turns[: common + 1]),
                )
                for simulation, turns in ((left, left_turns), (right, right_turns))
            ]
        return Comparison(left=sides[0], right=sides[1], common_seq=common)

    async def _turns(
        self, connection: Connection, repository: SimulationRepository, simulation: Simulation
    ) -> tuple[list[Turn], SealKey]:
        rows = await repository.list_turns(simulation.simulation_id, -1, WHOLE)
        if not rows:
            raise NotFoundError  # the learner was erased
        tenant = await self._context.keys.tenant(connection, rows[0]["tenant_id"])
        key = tenant.learner_key(simulation.learner_id, rows[0]["wrapped"])
        return [open_turn(row, key) for row in rows], key

    async def _announce(
        self, connection: Connection, tenant_id: UUID, simulation_id: UUID
    ) -> JobMessage:
        context = self._context
        now = context.clock.now()
        await add_event(
            connection,
            tenant_id,
            context.ids.new(),
            EventType.SIMULATION_STARTED,
            simulation_id,
            Started(mode="interactive"),
            now=now,
        )
        return await add_job(
            connection,
            tenant_id,
            context.ids.new(),
            StartSimulation(simulation_id=simulation_id),
            JobKind.FLOW,
            now=now,
            first_retry_s=context.settings.job_first_retry_s,
        )


def _check(parent: Simulation, turns: Sequence[Turn], from_seq: int) -> None:
    if from_seq % 2 or from_seq >= len(turns):
        detail = f"A turn of the customer, 0 to {(len(turns) - 1) // 2 * 2}, even"
        raise ValidationFailedError(
            errors=(FieldError(pointer="/from_seq", code="out-of-range", detail=detail),)
        )
    last = turns[from_seq]
    is_final = last.surface in LAST_SURFACES or parent.end_reason == EndReason.OUT_OF_POLICY
    if parent.status != "open" and from_seq == len(turns) - 1 and is_final:
        raise ConflictError("The conversation ended with this turn; branch from an earlier one")


def _resealed(turns: Sequence[Turn], simulation_id: UUID, key: SealKey) -> list[bytes]:
    return [
        key.seal_text(turn.text, "turns.text", turn_row(simulation_id, turn.seq)) for turn in turns
    ]


def _moved(
    sealed: Mapping[int, bytes], last_seq: int, from_id: UUID, to_id: UUID, key: SealKey
) -> list[bytes | None]:
    """Return what turns were read as, sealed for their new rows; None where it was English."""
    moved: list[bytes | None] = [None] * (last_seq + 1)
    for seq, appraisal in sealed.items():
        opened = key.open(appraisal, APPRAISAL_COLUMN, turn_row(from_id, seq))
        moved[seq] = key.seal(opened, APPRAISAL_COLUMN, turn_row(to_id, seq))
    return moved


def _common(left: Sequence[Turn], right: Sequence[Turn]) -> int:
    """Return the last seq up to which two conversations are the same; -1 for none."""
    common = -1
    for one, other in zip(left, right, strict=False):
        if _content(one) != _content(other):
            break
        common = one.seq
    return common


def _prefix_hash(tenant: TenantKey, turns: Sequence[Turn]) -> str:
    content = [_content(turn) for turn in turns]
    return tenant.lookup(msgspec.json.encode(content, order="deterministic").decode()).hex()


def _content(turn: Turn) -> tuple[object, ...]:
    """Return what makes a turn the same as another: all but its id and time."""
    return (turn.seq, turn.role, turn.text, turn.mind, turn.surface, turn.acts, turn.causes)

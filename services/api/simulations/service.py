"""The life of a simulation as its learner sees it; turns are in `turns.py`."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.api.admitting import admit
from services.api.context import ProcessContext
from services.api.environments import mark_simulation
from services.api.filters.asked import FilterQuery
from services.api.filters.named import find_filters
from services.api.idempotency import Claim, claim_or_find
from services.api.metadata import Attached, merged, seal_metadata
from services.api.paging import PageRequest
from services.api.principal import Principal
from services.api.simulations.ingredients import ingredients
from services.api.simulations.openings import Openings, Prepared
from services.api.simulations.records import Mode, NewSimulation, Practice, Simulation, Status, Turn
from services.api.simulations.repository import METADATA, SimulationRepository, open_turn
from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import JobKind, JobMessage, SimulationEnded, StartSimulation
from shared.contracts.simulation import EndReason, PersonaState, Profile
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_reads, tenant_tx
from shared.errors import NotFoundError, TurnInProgressError

SEED_BYTES = 4
MAX_SEED = 2**31 - 1
"""Seeds are 0..2^31-1, so that every language reads them as an integer."""


class Started(Record, frozen=True, kw_only=True):
    """Data of `simulation.started`."""

    mode: str


class Ended(Record, frozen=True, kw_only=True):
    """Data of `simulation.ended`."""

    reason: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation with its opening line."""

    simulation: Simulation
    opening: Turn
    replayed: bool


class SimulationService:
    """Starts, ends and reads simulations."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._openings = Openings(context)

    async def start(
        self,
        principal: Principal,
        claim: Claim | None,
        *,
        scenario: str,
        learner_id: UUID,
        mode: Mode,
        profile: Profile | None,
        seed: int | None,
        hints: bool,
        word_budget: int | None,
        metadata: Attached,
        language: str | None = None,
    ) -> Opened:
        """Start a simulation with the customer's first line; a repeat returns the first one's.

        Without a `language` the customer speaks the tenant's.

        Raises:
            LanguageNotSupportedError: no model may speak this language here.
            UnavailableError: the first line in this language was not to be had in time.
            NotFoundError: no such learner or scenario for this caller; both are named.
            BacklogFullError, ConcurrencyExceededError, TenantPausedError: see `admit`.
        """
        context = self._context
        now = context.clock.now()
        simulation_id = context.ids.new()
        message: JobMessage | None = None
        if seed is None:
            seed = int.from_bytes(context.random(SEED_BYTES), "big") & MAX_SEED
        prepared = await self._openings.prepare(
            principal, claim, scenario=scenario, learner_id=learner_id, mode=mode, seed=seed,
            language=language,
        )  # fmt: skip
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = SimulationRepository(connection, principal.bounds(now), tenant)
            earlier = await claim_or_find(
                connection, principal.tenant_id, claim, simulation_id, now
            )
            if earlier is None:
                wrapped, practice = await ingredients(repository, learner_id, scenario)
                new = self._new(
                    simulation_id, learner_id, prepared.practice or practice,
                    tenant.learner_key(learner_id, wrapped), prepared,
                    mode=mode, profile=profile, seed=seed, hints=hints, word_budget=word_budget,
                    metadata=metadata,
                )  # fmt: skip
                await self._admit(connection, principal.tenant_id, mode)
                await repository.insert(new)
                await mark_simulation(connection, principal, simulation_id, now)
                await self._openings.keep(connection, tenant, prepared)
                message = await self._announce(connection, principal.tenant_id, new)
            else:
                simulation_id = earlier.resource_id
            simulation = await repository.get(simulation_id)
            opening = await self._opening(connection, repository, simulation)
        if message is not None:
            await self._tell(message)
        return Opened(simulation=simulation, opening=opening, replayed=earlier is not None)

    async def get(self, principal: Principal, simulation_id: UUID) -> Simulation:
        """Return a simulation; raises `NotFoundError`."""
        bounds = principal.bounds(self._context.clock.now())
        reads = tenant_reads(self._context.database)
        tenant = await self._context.keys.tenant(reads, principal.tenant_id)
        return await SimulationRepository(reads, bounds, tenant).get(simulation_id)

    async def list(
        self,
        principal: Principal,
        page: PageRequest,
        query: FilterQuery,
        *,
        status: Status | None,
        operation_id: UUID | None,
        language: str | None,
    ) -> list[Simulation]:
        """Return one more simulation than the page holds, in order of creation.

        Raises:
            ValidationFailedError: a filter names something that the caller cannot see.
        """
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            filters = await find_filters(
                connection, principal, tenant, query,
                status=status, operation_id=operation_id, language=language,
            )  # fmt: skip
            return await SimulationRepository(connection, bounds, tenant).list_page(page, filters)

    async def attach(
        self, principal: Principal, simulation_id: UUID, changes: Mapping[str, str | None]
    ) -> Simulation:
        """Change the metadata of a simulation.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
            ValidationFailedError: that would be too many keys.
        """
        bounds = principal.bounds(self._context.clock.now())
        async with tenant_tx(self._context.database, principal.tenant_id) as connection:
            tenant = await self._context.keys.tenant(connection, principal.tenant_id)
            repository = SimulationRepository(connection, bounds, tenant)
            before, key = await repository.find_metadata(simulation_id, tenant)
            await repository.set_metadata(simulation_id, merged(before, changes), key)
            return await repository.get(simulation_id)

    async def end(
        self, principal: Principal, claim: Claim | None, simulation_id: UUID
    ) -> tuple[Simulation, bool]:
        """End a simulation for its learner; say as well whether it had ended before.

        Raises:
            NotFoundError: none that the caller may see.
            TurnInProgressError: the customer has not answered yet.
        """
        context = self._context
        now = context.clock.now()
        message: JobMessage | None = None
        async with tenant_tx(context.database, principal.tenant_id) as connection:
            tenant = await context.keys.tenant(connection, principal.tenant_id)
            repository = SimulationRepository(connection, principal.bounds(now), tenant)
            status, last_seq = await repository.lock_to_end(simulation_id)
            await claim_or_find(connection, principal.tenant_id, claim, simulation_id, now)
            if status == "open":
                if last_seq % 2:
                    raise TurnInProgressError(retry_after_s=1)
                await mark_simulation(connection, principal, simulation_id, now)
                await repository.end(simulation_id, now)
                message = await self._announce_end(connection, principal.tenant_id, simulation_id)
            simulation = await repository.get(simulation_id)
        if message is not None:
            await self._tell(message)
        return simulation, message is None

    def _new(
        self,
        simulation_id: UUID,
        learner_id: UUID,
        practice: Practice,
        key: SealKey,
        prepared: Prepared,
        *,
        mode: Mode,
        profile: Profile | None,
        seed: int,
        hints: bool,
        word_budget: int | None,
        metadata: Attached,
    ) -> NewSimulation:
        line = prepared.line(practice, seed)
        return NewSimulation(
            simulation_id=simulation_id,
            learner_id=learner_id,
            scenario_id=practice.scenario_id,
            scenario_version=practice.version,
            mode=mode,
            profile=profile,
            seed=seed,
            hints=hints,
            word_budget=word_budget,
            opening_id=self._context.ids.new(),
            opening=key.seal_text(line, "turns.text", turn_row(simulation_id, 0)),
            state=PersonaState(mind=practice.spec.opening.mind),
            metadata=seal_metadata(key, metadata, METADATA, simulation_id.bytes),
            language=prepared.language,
            at=self._context.clock.now(),
        )

    async def _admit(self, connection: Connection, tenant_id: UUID, mode: Mode) -> None:
        # Starts leave the lane `flow` at once; what an autopilot costs waits in `batch`.
        if mode == "autopilot":
            await admit(
                self._context, connection, tenant_id, JobKind.FLOW, JobKind.BATCH, kind="autopilot"
            )
        else:
            await admit(self._context, connection, tenant_id, JobKind.FLOW, kind="simulation")

    async def _announce(
        self, connection: Connection, tenant_id: UUID, new: NewSimulation
    ) -> JobMessage:
        context = self._context
        await add_event(
            connection,
            tenant_id,
            context.ids.new(),
            EventType.SIMULATION_STARTED,
            new.simulation_id,
            Started(mode=new.mode),
            now=new.at,
        )
        return await add_job(
            connection,
            tenant_id,
            context.ids.new(),
            StartSimulation(simulation_id=new.simulation_id),
            JobKind.FLOW,
            now=new.at,
            first_retry_s=context.settings.job_first_retry_s,
        )

    async def _announce_end(
        self, connection: Connection, tenant_id: UUID, simulation_id: UUID
    ) -> JobMessage:
        context = self._context
        now = context.clock.now()
        await add_event(
            connection,
            tenant_id,
            context.ids.new(),
            EventType.SIMULATION_ENDED,
            simulation_id,
            Ended(reason=EndReason.LEARNER_ENDED),
            now=now,
        )
        return await add_job(
            connection,
            tenant_id,
            context.ids.new(),
            SimulationEnded(simulation_id=simulation_id),
            JobKind.FLOW,
            now=now,
            first_retry_s=context.settings.job_first_retry_s,
        )

    async def _opening(
        self, connection: Connection, repository: SimulationRepository, simulation: Simulation
    ) -> Turn:
        rows = await repository.list_turns(simulation.simulation_id, -1, 1)
        if not rows:
            raise NotFoundError  # the learner was erased
        tenant = await self._context.keys.tenant(connection, rows[0]["tenant_id"])
        return open_turn(rows[0], tenant.learner_key(simulation.learner_id, rows[0]["wrapped"]))

    async def _tell(self, message: JobMessage) -> None:
        publisher = self._context.publisher
        publisher.wake_events()
        await publisher.job(message)

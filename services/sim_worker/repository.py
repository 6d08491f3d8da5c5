"""What the simulation worker reads, typed; sealed columns are opened here."""

from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.sim_worker.steps import SQL, TEXT_COLUMN
from shared.contracts.jobs import MAX_STARTS, BatchJob, JobMessage, JobPayload, decode_payload
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, PersonaState
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_once, tenant_tx

CACHED_SCENARIOS = 2000
"""Scenario versions a process keeps; they never change."""

_STATE = msgspec.json.Decoder(PersonaState)
_SCENARIO = msgspec.json.Decoder(ScenarioSpec)


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulation is spoken."""

    environment: Literal["live", "test"]
    language: str
    max_hostility: int
    """The tenant's bound when it began, 0 to 3."""


class TurnCase(msgspec.Struct, frozen=True, kw_only=True):
    """One reply to make, with all that it needs."""

    simulation_id: UUID
    seq: int
    """The reply's."""
    is_open: bool
    """False when the simulation ended or the reply exists: then only the job is left to finish."""
    seed: int
    scenario: ScenarioSpec
    state: PersonaState
    lines: tuple[Line, ...]
    """The customer's last line and the learner's."""
    hints: bool
    word_budget: int | None
    key: SealKey
    """The learner's."""
    attempt: int
    """How often a worker has taken the job, this time included."""
    is_streamed: bool
    """Whether somebody reads along."""
    learner_id: UUID
    spoken: Spoken


class AutopilotCase(msgspec.Struct, frozen=True, kw_only=True):
    """An autopilot simulation as far as it was played."""

    simulation_id: UUID
    is_open: bool
    seed: int
    profile: str
    scenario: ScenarioSpec
    state: PersonaState
    lines: tuple[Line, ...]
    """From seq 0; ends with a customer's line."""
    word_budget: int | None
    is_batched: bool
    key: SealKey
    learner_id: UUID
    spoken: Spoken


class LearnerErasedError(Exception):
    """The learner's key is gone: nothing of the conversation can be read any more."""


class AutopilotErasedError(LearnerErasedError):
    """The same about a conversation that plays itself; its job is still to be answered."""

    def __init__(self, job: BatchJob) -> None:
        super().__init__()
        self.job = job


class NoConversationError(Exception):
    """The job that was claimed plays no conversation."""

    def __init__(self, job: JobPayload) -> None:
        super().__init__()
        self.job = job


class Scenarios:
    """The scenario versions this process has seen."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._specs: dict[tuple[UUID, UUID, int], ScenarioSpec] = {}

    async def get(self, tenant_id: UUID, scenario_id: UUID, version: int) -> ScenarioSpec:
        """Return a version, from memory when it was seen before."""
        key = (tenant_id, scenario_id, version)
        spec = self._specs.get(key)
        if spec is None:
            async with tenant_tx(self._database, tenant_id) as connection:
                spec = _SCENARIO.decode(await connection.fetchval(SQL["scenario"], *key))
            if len(self._specs) >= CACHED_SCENARIOS:
                self._specs.pop(next(iter(self._specs)))
            self._specs[key] = spec
        return spec


class SimulationReader:
    """Reads what the engine needs; no transaction is open while it thinks."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._scenarios = Scenarios(database)

    async def take_turn(self, message: JobMessage, lease_s: float) -> TurnCase | None:
        """Claim a turn job; None when it is done or another worker has it.

        Raises:
            LearnerErasedError: there is nothing left to read.
        """
        tenant_id = message.tenant_id
        rows = await tenant_once(
            self._database, tenant_id, SQL["take_turn"], message.job_id, lease_s, MAX_STARTS
        )
        if not rows:
            return None
        row = rows[0]
        key = await self._learner_key(tenant_id, row)
        simulation_id, seq = row["simulation_id"], row["seq"]
        return TurnCase(
            simulation_id=simulation_id,
            seq=seq,
            is_open=row["status"] == "open" and row["last_seq"] == seq - 1,
            seed=row["seed"],
            scenario=await self._scenarios.get(
                tenant_id, row["scenario_id"], row["scenario_version"]
            ),
            state=_STATE.decode(row["state"]),
            lines=(
                Line(
                    role="customer",
                    text=key.open_text(
                        row["previous_text"], TEXT_COLUMN, turn_row(simulation_id, seq - 2)
                    ),
                ),
                Line(
                    role="agent",
                    text=key.open_text(
                        row["learner_text"], TEXT_COLUMN, turn_row(simulation_id, seq - 1)
                    ),
                ),
            ),
            hints=row["hints"],
            word_budget=row["word_budget"],
            key=key,
            attempt=row["starts"],
            is_streamed=row["streamed"],
            learner_id=row["learner_id"],
            spoken=_spoken(row),
        )

    async def take_autopilot(
        self, message: JobMessage, lease_s: float
    ) -> tuple[BatchJob, AutopilotCase | None] | None:
        """Claim the job of an autopilot conversation and read it; None when it is done or another
        worker has it. The case is None when the simulation is gone.

        Raises:
            AutopilotErasedError: there is nothing left to read.
            NoConversationError: the job, which is claimed, is of another kind.
        """
        tenant_id = message.tenant_id
        rows = await tenant_once(
            self._database, tenant_id, SQL["take_autopilot"], message.job_id, lease_s, MAX_STARTS
        )
        if not rows:
            return None
        job = decode_payload(rows[0]["payload"])
        if not isinstance(job, BatchJob):
            raise NoConversationError(job)
        row = rows[0]
        if row["simulation_id"] is None:
            return job, None
        if row["wrapped"] is None:
            raise AutopilotErasedError(job)
        return job, await self._autopilot(tenant_id, rows)

    async def said(
        self, tenant_id: UUID, simulation_id: UUID, before: int, key: SealKey
    ) -> tuple[Line, ...]:
        """Return the conversation before a turn, from its start."""
        rows = await tenant_once(self._database, tenant_id, SQL["said"], simulation_id, before)
        return _lines(rows, simulation_id, key)

    async def _autopilot(self, tenant_id: UUID, rows: list[asyncpg.Record]) -> AutopilotCase:
        row = rows[0]
        simulation_id = row["simulation_id"]
        key = await self._learner_key(tenant_id, row)
        lines = _lines(rows, simulation_id, key)
        return AutopilotCase(
            simulation_id=simulation_id,
            is_open=row["status"] == "open",
            seed=row["seed"],
            profile=row["profile"],
            scenario=await self._scenarios.get(
                tenant_id, row["scenario_id"], row["scenario_version"]
            ),
            state=_STATE.decode(rows[-1]["state"]),
            lines=lines,
            word_budget=row["word_budget"],
            is_batched=row["operation_id"] is not None,
            key=key,
            learner_id=row["learner_id"],
            spoken=_spoken(row),
        )

    async def is_open(self, tenant_id: UUID, simulation_id: UUID) -> bool:
        """Say whether a simulation goes on."""
        async with tenant_tx(self._database, tenant_id) as connection:
            status = await connection.fetchval(SQL["status"], tenant_id, simulation_id)
        return bool(status == "open")

    async def _learner_key(self, tenant_id: UUID, row: asyncpg.Record) -> SealKey:
        if row["wrapped"] is None:
            raise LearnerErasedError
        tenant = await self._keys.warm(self._database, tenant_id)
        return tenant.learner_key(row["learner_id"], row["wrapped"])


def _spoken(row: asyncpg.Record) -> Spoken:
    return Spoken(
        environment=row["environment"],
        language=row["language"],
        max_hostility=row["max_hostility"],
    )


def _lines(rows: list[asyncpg.Record], simulation_id: UUID, key: SealKey) -> tuple[Line, ...]:
    return tuple(
        Line(
            role="agent" if turn["role"] == "learner" else "customer",
            text=key.open_text(turn["text"], TEXT_COLUMN, turn_row(simulation_id, turn["seq"])),
        )
        for turn in rows
    )

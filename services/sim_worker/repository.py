"""What the simulation worker reads, typed; sealed columns are opened here."""

from uuid import UUID

import asyncpg
import msgspec

from services.sim_worker.steps import SQL, TEXT_COLUMN
from shared.contracts.jobs import MAX_STARTS, JobMessage
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
    key: SealKey
    """The learner's."""


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
    key: SealKey


class LearnerErasedError(Exception):
    """The learner's key is gone: nothing of the conversation can be read any more."""


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
            key=key,
        )

    async def find_autopilot(self, tenant_id: UUID, simulation_id: UUID) -> AutopilotCase | None:
        """Return an autopilot simulation with its turns; raises `LearnerErasedError`."""
        async with tenant_tx(self._database, tenant_id) as connection:
            row = await connection.fetchrow(SQL["simulation"], tenant_id, simulation_id)
            if row is None:
                return None
            turns = await connection.fetch(SQL["turns"], tenant_id, simulation_id)
        key = await self._learner_key(tenant_id, row)
        lines = tuple(
            Line(
                role="agent" if turn["role"] == "learner" else "customer",
                text=key.open_text(turn["text"], TEXT_COLUMN, turn_row(simulation_id, turn["seq"])),
            )
            for turn in turns
        )
        return AutopilotCase(
            simulation_id=simulation_id,
            is_open=row["status"] == "open",
            seed=row["seed"],
            profile=row["profile"],
            scenario=await self._scenarios.get(
                tenant_id, row["scenario_id"], row["scenario_version"]
            ),
            state=_STATE.decode(turns[-1]["state"]),
            lines=lines,
            key=key,
        )

    async def _learner_key(self, tenant_id: UUID, row: asyncpg.Record) -> SealKey:
        if row["wrapped"] is None:
            raise LearnerErasedError
        tenant = await self._keys.warm(self._database, tenant_id)
        return tenant.learner_key(row["learner_id"], row["wrapped"])

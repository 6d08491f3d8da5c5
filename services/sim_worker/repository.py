"""What the simulation worker reads and writes, typed; sealed columns are opened and sealed here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import MAX_STARTS, FlowJob, JobMessage, encode_payload
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Line, Move, PersonaState
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries

SQL = Queries("services.sim_worker")

TEXT_COLUMN = "turns.text"

CACHED_SCENARIOS = 2000
"""Scenario versions a process keeps; they never change."""

_STATE = msgspec.json.Decoder(PersonaState)
_SCENARIO = msgspec.json.Decoder(ScenarioSpec)


class TurnCase(Record, frozen=True, kw_only=True):
    """One reply to make, with all that it needs."""

    simulation_id: UUID
    learner_id: UUID
    wrapped: bytes
    """The learner's wrapped key."""
    seq: int
    """The reply's."""
    is_open: bool
    """False when the simulation ended or the reply exists: then only the job is left to finish."""
    seed: int
    scenario: ScenarioSpec
    state: PersonaState
    learner_text: str
    previous_text: str


class AutopilotCase(Record, frozen=True, kw_only=True):
    """An autopilot simulation as far as it was played."""

    simulation_id: UUID
    learner_id: UUID
    wrapped: bytes
    is_open: bool
    seed: int
    profile: str
    scenario: ScenarioSpec
    state: PersonaState
    lines: tuple[Line, ...]
    """From seq 0; ends with a customer's line."""


class SpokenTurn(Record, frozen=True, kw_only=True):
    """A turn to be stored."""

    seq: int
    turn_id: UUID
    text: str
    move: Move | None
    """The engine's move, for the customer's turns."""
    engine: str | None


class NewEvent(Record, frozen=True, kw_only=True):
    """An event to be stored with the turns."""

    event_id: UUID
    type: EventType
    data: dict[str, str | int]


class Step(Record, frozen=True, kw_only=True):
    """Everything that one transaction changes in a simulation."""

    simulation_id: UUID
    learner_id: UUID
    last_seq: int
    """Before; the turns continue it."""
    turns: tuple[SpokenTurn, ...]
    end_reason: EndReason | None
    events: tuple[NewEvent, ...]
    job_id: UUID
    is_last: bool
    """Whether the job is finished with this step."""
    flow: tuple[UUID, FlowJob] | None
    """Job id and payload for the orchestrator."""


class LearnerErasedError(Exception):
    """The learner's key is gone: nothing of the conversation can be read any more."""


class Scenarios:
    """The scenario versions this process has seen."""

    def __init__(self) -> None:
        self._specs: dict[tuple[UUID, UUID, int], ScenarioSpec] = {}

    async def get(
        self, connection: Connection, tenant_id: UUID, scenario_id: UUID, version: int
    ) -> ScenarioSpec:
        """Return a version, from memory when it was seen before."""
        key = (tenant_id, scenario_id, version)
        spec = self._specs.get(key)
        if spec is None:
            text = await connection.fetchval(SQL["scenario"], *key)
            spec = _SCENARIO.decode(text)
            if len(self._specs) >= CACHED_SCENARIOS:
                self._specs.pop(next(iter(self._specs)))
            self._specs[key] = spec
        return spec


class SimulationRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(
        self, connection: Connection, tenant_id: UUID, key: TenantKey, scenarios: Scenarios
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._key = key
        self._scenarios = scenarios

    async def take_turn(self, message: JobMessage, lease_s: float) -> TurnCase | None:
        """Claim a turn job; None when it is done or another worker has it.

        Raises:
            LearnerErasedError: there is nothing left to read.
        """
        row = await self._connection.fetchrow(
            SQL["take_turn"], self._tenant_id, message.job_id, lease_s, MAX_STARTS
        )
        if row is None:
            return None
        key = self._learner_key(row["learner_id"], row["wrapped"])
        simulation_id, seq = row["simulation_id"], row["seq"]
        return TurnCase(
            simulation_id=simulation_id,
            learner_id=row["learner_id"],
            wrapped=row["wrapped"],
            seq=seq,
            is_open=row["status"] == "open" and row["last_seq"] == seq - 1,
            seed=row["seed"],
            scenario=await self._scenarios.get(
                self._connection, self._tenant_id, row["scenario_id"], row["scenario_version"]
            ),
            state=_STATE.decode(row["state"]),
            learner_text=key.open_text(
                row["learner_text"], TEXT_COLUMN, turn_row(simulation_id, seq - 1)
            ),
            previous_text=key.open_text(
                row["previous_text"], TEXT_COLUMN, turn_row(simulation_id, seq - 2)
            ),
        )

    async def find_autopilot(self, simulation_id: UUID) -> AutopilotCase | None:
        """Return an autopilot simulation with its turns; raises `LearnerErasedError`."""
        row = await self._connection.fetchrow(SQL["simulation"], self._tenant_id, simulation_id)
        if row is None:
            return None
        key = self._learner_key(row["learner_id"], row["wrapped"])
        turns = await self._connection.fetch(SQL["turns"], self._tenant_id, simulation_id)
        lines = tuple(
            Line(
                role="agent" if turn["role"] == "learner" else "customer",
                text=key.open_text(turn["text"], TEXT_COLUMN, turn_row(simulation_id, turn["seq"])),
            )
            for turn in turns
        )
        return AutopilotCase(
            simulation_id=simulation_id,
            learner_id=row["learner_id"],
            wrapped=row["wrapped"],
            is_open=row["status"] == "open",
            seed=row["seed"],
            profile=row["profile"],
            scenario=await self._scenarios.get(
                self._connection, self._tenant_id, row["scenario_id"], row["scenario_version"]
            ),
            state=_STATE.decode(turns[-1]["state"]),
            lines=lines,
        )

    async def advance(
        self, step: Step, wrapped: bytes, now: datetime, first_retry_s: float
    ) -> bool:
        """Store a step; False (and nothing stored but the finished job) when it was stored
        before.
        """
        key = self._learner_key(step.learner_id, wrapped)
        flow_id, flow = step.flow or (None, None)
        moved: bool = await self._connection.fetchval(
            SQL["advance"],
            self._tenant_id,
            step.simulation_id,
            step.job_id,
            step.last_seq,
            step.last_seq + len(step.turns),
            None if step.end_reason is None else step.end_reason.value,
            now,
            *_turn_columns(step.simulation_id, step.turns, key),
            [event.event_id for event in step.events],
            [event.type.value for event in step.events],
            [_json(event.data) for event in step.events],
            flow_id,
            None if flow is None else encode_payload(flow),
            first_retry_s,
            step.is_last,
        )
        return moved

    def _learner_key(self, learner_id: UUID, wrapped: bytes | None) -> SealKey:
        if wrapped is None:
            raise LearnerErasedError
        return self._key.learner_key(learner_id, wrapped)


def _turn_columns(
    simulation_id: UUID, turns: Sequence[SpokenTurn], key: SealKey
) -> tuple[list[object], ...]:
    """Return the nine array columns of `advance`, one element per turn."""
    rows = [
        (
            turn.seq,
            turn.turn_id,
            "customer" if turn.move else "learner",
            key.seal_text(turn.text, TEXT_COLUMN, turn_row(simulation_id, turn.seq)),
            _json(turn.move.state) if turn.move else None,
            turn.move.surface.value if turn.move else None,
            _json(turn.move.acts) if turn.move else None,
            _json(turn.move.causes) if turn.move else None,
            turn.engine,
        )
        for turn in turns
    ]
    return tuple([row[column] for row in rows] for column in range(9))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

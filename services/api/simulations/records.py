"""Simulations and turns as the queries return them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.api.idempotency import Claim
from shared.contracts.dialogue import ActSpan
from shared.contracts.llm import WordingNote
from shared.contracts.scenario import Mind, ScenarioSpec
from shared.contracts.simulation import Cause, Fault, PersonaState, Profile
from shared.intake.language import DEFAULT

Mode = Literal["interactive", "autopilot"]
Status = Literal["open", "ended", "scored"]


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A simulation with what the learner reads before the start."""

    simulation_id: UUID
    learner_id: UUID
    scenario_id: UUID
    scenario_version: int
    scenario_slug: str
    title: str
    brief: str
    goals: tuple[str, ...]
    mode: Mode
    profile: str | None
    seed: int
    status: Status
    end_reason: str | None
    last_seq: int
    created_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None
    hints: bool
    word_budget: int | None
    parent_id: UUID | None
    branch_seq: int | None
    operation_id: UUID | None
    closing_line: str | None
    """The customer's last line, where no reply said it."""
    scoring_id: UUID | None
    assessment_id: UUID | None
    language: str
    """What is spoken."""
    metadata: dict[str, str]
    """Empty as well when the learner was erased: the key is gone."""
    text_removed_at: datetime | None
    """Since when its turns have no words."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A turn, opened."""

    turn_id: UUID
    simulation_id: UUID
    seq: int
    role: Literal["learner", "customer"]
    text: str
    mind: Mind | None
    surface: str | None
    acts: tuple[ActSpan, ...] | None
    causes: tuple[Cause, ...] | None
    engine: str | None
    hint: str | None
    wording: WordingNote | None = None
    """Customer's turns after the first: how the line got its words."""
    appraisal: Literal["embedded", "model"] | None = None
    """Customer's turns after the first: who read the learner's line."""
    created_at: datetime


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a simulation stands."""

    status: Status
    end_reason: str | None
    last_seq: int


class Practice(msgspec.Struct, frozen=True, kw_only=True):
    """The scenario version that a new simulation runs on."""

    scenario_id: UUID
    version: int
    spec: ScenarioSpec


class NewSimulation(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored at the start."""

    simulation_id: UUID
    learner_id: UUID
    scenario_id: UUID
    scenario_version: int
    mode: Mode
    profile: Profile | None
    seed: int
    hints: bool
    word_budget: int | None
    opening_id: UUID
    opening: bytes
    """Sealed."""
    state: PersonaState
    metadata: bytes | None
    """Sealed."""
    language: str = DEFAULT
    """What is spoken."""
    at: datetime


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about a learner's turn, read under the simulation's lock."""

    status: Status
    mode: Mode
    last_seq: int
    learner_id: UUID
    wrapped: bytes
    fingerprint: bytes | None
    sequence: int | None
    """Of the turn that an earlier request with the same key made."""
    waiting: int


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored when a simulation is branched."""

    simulation_id: UUID
    parent_id: UUID
    seq: int
    """The last copied turn; even."""
    hints: bool
    word_budget: int | None
    turn_ids: list[UUID]
    texts: list[bytes]
    """Sealed for their new rows, from seq 0 on."""
    appraisals: list[bytes | None]
    """What the learner's lines were read as in other languages; likewise."""
    at: datetime


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation came to, so far."""

    state: PersonaState
    spec: ScenarioSpec
    faults: tuple[Fault, ...] | None
    """None: not audited yet."""
    hints_given: int


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of an assessment."""

    overall: int | None
    skills: dict[str, int]


class LearnerTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored when a learner speaks."""

    simulation_id: UUID
    seq: int
    turn_id: UUID
    sealed: bytes
    job_id: UUID
    claim: Claim
    at: datetime
    retry_at: datetime
    """When the job is published again if nobody took it."""
    streamed: bool = False
    """The reply is wanted in pieces as well."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A learner's turn, the reply once it exists, and where the simulation stands."""

    learner_turn: Turn
    reply: Turn | None
    standing: Standing

"""What the scoring worker reads and writes, typed; sealed columns are opened and sealed here."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.audit.audit import AuditedTurn
from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec, Step
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.contracts.simulation import Fault, PersonaState, Surface
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries

SQL = Queries("services.scoring_worker")

SIMULATOR_FAULT = "simulator_fault"
"""Why a result is left out of trends: the simulator failed the learner."""

_SURFACES = {surface.value: surface for surface in Surface}


class LearnerErasedError(Exception):
    """The learner's key is gone, so the conversation cannot be read any more."""


class Played(Record, frozen=True, kw_only=True):
    """A simulation as the audit reads it."""

    scenario: ScenarioSpec
    turns: tuple[AuditedTurn, ...]
    end_reason: str | None


class ScoringCase(Record, frozen=True, kw_only=True):
    """One conversation with the rubric that judges it."""

    learner_id: UUID
    transcript: Transcript
    rubric: RubricSpec
    played: Played | None
    """None for conversations with real people: there is no simulator to audit."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The process steps that the learner had to take."""
        return () if self.played is None else self.played.scenario.steps


class ScoringRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID, key: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._key = key

    async def find_case(self, scoring_id: UUID) -> ScoringCase | None:
        """Return the case, or None when it is finished or gone.

        Raises:
            LearnerErasedError: there is nothing left to read.
        """
        row = await self._connection.fetchrow(SQL["scoring"], self._tenant_id, scoring_id)
        if row is None or row["status"] in {"completed", "failed"}:
            return None
        if row["wrapped"] is None:
            raise LearnerErasedError
        key = self._key.learner_key(row["learner_id"], row["wrapped"])
        played: Played | None = None
        if row["simulation_id"] is None:
            turns = _conversation(key, row["conversation_id"], row["conversation"])
        else:
            turns, audited = await self._simulation(key, row["simulation_id"])
            scenario = msgspec.json.decode(row["scenario"], type=ScenarioSpec)
            played = Played(scenario=scenario, turns=audited, end_reason=row["end_reason"])
        return ScoringCase(
            learner_id=row["learner_id"],
            transcript=Transcript(turns=turns, source=row["source"]),
            rubric=msgspec.json.decode(row["rubric"], type=RubricSpec),
            played=played,
        )

    async def _simulation(
        self, key: SealKey, simulation_id: UUID
    ) -> tuple[tuple[TranscriptTurn, ...], tuple[AuditedTurn, ...]]:
        rows = await self._connection.fetch(SQL["turns"], self._tenant_id, simulation_id)
        start = rows[0]["created_at"] if rows else None
        audited = tuple(
            AuditedTurn(
                seq=row["seq"],
                role=row["role"],
                text=key.open_text(row["text"], "turns.text", turn_row(simulation_id, row["seq"])),
                state=_state(row["state"]),
                surface=_SURFACES.get(row["surface"]),
            )
            for row in rows
        )
        heard = tuple(
            TranscriptTurn(
                id=f"t{turn.seq}",
                role="agent" if turn.role == "learner" else "customer",
                text=turn.text,
                start_ms=_milliseconds(start, row["created_at"]),
                end_ms=_milliseconds(start, row["created_at"]),
            )
            for turn, row in zip(audited, rows, strict=True)
        )
        return heard, audited

    async def complete(
        self, scoring_id: UUID, assessment_id: UUID, faults: tuple[Fault, ...], now: datetime
    ) -> bool:
        """Move the scoring to completed; say whether this call did it.

        With `faults` of the simulator, the result is left out of trends.
        """
        excluded = SIMULATOR_FAULT if faults else None
        row = await self._connection.fetchrow(
            SQL["complete"], self._tenant_id, scoring_id, assessment_id, now, excluded
        )
        if row is None:
            return False
        if row["simulation_id"] is not None:
            await self._connection.execute(
                SQL["simulation_scored"],
                self._tenant_id,
                row["simulation_id"],
                msgspec.json.encode(faults).decode(),
            )
        return True

    async def insert_assessment(
        self,
        scoring_id: UUID,
        assessment_id: UUID,
        case: ScoringCase,
        result: JudgeResult,
        now: datetime,
    ) -> None:
        """Store the result: numbers in the clear for reports, everything with words sealed."""
        wrapped = await self._connection.fetchval(
            "select wrapped from learner_keys where tenant_id = $1 and learner_id = $2",
            self._tenant_id,
            case.learner_id,
        )
        if wrapped is None:
            raise LearnerErasedError
        key = self._key.learner_key(case.learner_id, wrapped)
        sealed = key.seal(msgspec.json.encode(result), "assessments.result", assessment_id.bytes)
        await self._connection.execute(
            SQL["insert_assessment"],
            self._tenant_id,
            assessment_id,
            scoring_id,
            case.learner_id,
            result.overall,
            sealed,
            result.engine,
            result.engine_version,
            now,
        )
        await self._connection.execute(
            SQL["insert_skills"],
            self._tenant_id,
            assessment_id,
            [skill.skill for skill in result.skills],
            [skill.status.value for skill in result.skills],
            [skill.score for skill in result.skills],
            [skill.opportunities for skill in result.skills],
        )


def _conversation(key: SealKey, conversation_id: UUID, sealed: bytes) -> tuple[TranscriptTurn, ...]:
    plain = key.open(sealed, "conversations.turns", conversation_id.bytes)
    return msgspec.json.decode(plain, type=tuple[TranscriptTurn, ...])


def _state(stored: str | None) -> PersonaState | None:
    """Return a turn's state; None where there is none that can be read, which the audit reports."""
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=PersonaState)
    except msgspec.ValidationError:
        return None


def _milliseconds(start: datetime | None, moment: datetime) -> int:
    return 0 if start is None else int((moment - start).total_seconds() * 1000)

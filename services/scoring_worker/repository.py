"""What the scoring worker reads and writes, typed; sealed columns are opened and sealed here."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.scoring_worker.minds import known_outcome, mind_shifts
from services.scoring_worker.readings import Both, known_readings
from shared.audit.audit import AuditedTurn
from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec, Step, opening_line
from shared.contracts.scoring import JudgeResult, MindShift, Transcript, TranscriptTurn
from shared.contracts.simulation import Cause, Fault, PersonaState, Surface
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries
from shared.intake.language import DEFAULT, is_supported
from shared.intake.roles import swap_roles
from shared.intake.taking import INVISIBLE_REMOVED, ROLES_LOOK_SWAPPED, Flag, clean_turns
from shared.rendering.records import Rendering

SQL = Queries("services.scoring_worker")

SIMULATOR_FAULT = "simulator_fault"
"""Why a result is left out of trends: the simulator failed the learner."""
OTHER_LANGUAGE = "other_language"
"""Likewise: it was not said in English, and nothing is compared across languages."""

_TURNS = msgspec.json.Decoder(tuple[TranscriptTurn, ...])
_TURNS_COLUMN = "conversations.turns"
_FLAGS = msgspec.json.Decoder(tuple[Flag, ...])
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])
_SURFACES = {surface.value: surface for surface in Surface}


RubricVersion = tuple[UUID, int]
"""A rubric's id and its version."""


class LearnerErasedError(Exception):
    """The learner's key is gone, so the conversation cannot be read any more."""


class TranscriptGoneError(Exception):
    """Retention has taken the words: what is left would be judged as silence."""


class Played(Record, frozen=True, kw_only=True):
    """A simulation as the audit reads it."""

    scenario: ScenarioSpec
    turns: tuple[AuditedTurn, ...]
    end_reason: str | None
    language: str = DEFAULT
    """What is spoken."""


class ScoringCase(Record, frozen=True, kw_only=True):
    """One conversation with the rubric that judges it."""

    learner_id: UUID
    environment: Literal["live", "test"]
    """Test: made with a test key, which never spends money."""
    transcript: Transcript
    rubric: RubricSpec
    flags: tuple[str, ...]
    """What was found odd about the transcript on the way in, as codes."""
    played: Played | None
    """None for conversations with real people: there is no simulator to audit."""
    read_as: Mapping[str, Rendering] = msgspec.field(default_factory=dict)
    """Of simulations in other languages: the English in which each turn was read and chosen."""

    @property
    def is_foreign(self) -> bool:
        """Whether it was said in another language than English."""
        return not is_supported(self.transcript.language)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The process steps that the learner had to take."""
        return () if self.played is None else self.played.scenario.steps


class Latest(Record, frozen=True, kw_only=True):
    """The revision of a scoring that counts."""

    revision: int
    is_by_person: bool


class Revision(Record, frozen=True, kw_only=True):
    """What a new revision says of itself."""

    number: int
    cause: Literal["scoring", "rescore"]
    rubric: RubricVersion | None
    """None: the scoring's own."""


FIRST = Revision(number=1, cause="scoring", rubric=None)
"""The judge's first word."""


class ScoringRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID, key: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._key = key

    async def find_case(
        self, scoring_id: UUID, again_by: RubricVersion | None = None
    ) -> ScoringCase | None:
        """Return the case, or None when there is nothing to do: finished, failed or gone.

        Args:
            scoring_id: what to judge.
            again_by: judge a finished one again, by this rubric version.

        Raises:
            LearnerErasedError: there is nothing left to read.
            TranscriptGoneError: likewise, because its time was over.
        """
        row = await self._connection.fetchrow(
            SQL["scoring"], self._tenant_id, scoring_id, *(again_by or (None, None))
        )
        wanted = {"queued", "running"} if again_by is None else {"completed"}
        if row is None or row["status"] not in wanted:
            return None
        if row["wrapped"] is None:
            raise LearnerErasedError
        if row["is_wordless"]:
            raise TranscriptGoneError
        key = self._key.learner_key(row["learner_id"], row["wrapped"])
        played: Played | None = None
        read_as: dict[str, Rendering] = {}
        if row["simulation_id"] is None:
            transcript, flags = _conversation(key, row)
        else:
            scenario = msgspec.json.decode(row["scenario"], type=ScenarioSpec)
            rows = await self._connection.fetch(SQL["turns"], self._tenant_id, row["simulation_id"])
            heard, audited, mind = _simulation(key, row["simulation_id"], scenario, rows)
            played = Played(
                scenario=scenario,
                turns=audited,
                end_reason=row["end_reason"],
                language=row["spoken"],
            )
            turns, removed = clean_turns(heard)
            if not is_supported(row["spoken"]):
                opening = opening_line(scenario, row["seed"])
                both = [
                    Both(said=said, judged=judged)
                    for said, judged in zip(heard, turns, strict=True)
                ]
                read_as = known_readings(key, row["simulation_id"], rows, both, opening)
            transcript = Transcript(
                turns=turns,
                source=row["source"],
                language=row["spoken"],
                mind=mind,
                outcome=known_outcome(_last_state(audited), row["end_reason"]),
            )
            flags = (INVISIBLE_REMOVED,) if removed else ()
        return ScoringCase(
            learner_id=row["learner_id"],
            environment=row["environment"],
            transcript=transcript,
            rubric=msgspec.json.decode(row["rubric"], type=RubricSpec),
            flags=flags,
            played=played,
            read_as=read_as,
        )

    async def fail(self, scoring_id: UUID, code: str, now: datetime) -> bool:
        """Mark a scoring failed; say whether that changed anything."""
        row = await self._connection.fetchrow(
            SQL["fail_scoring"], self._tenant_id, scoring_id, code, now
        )
        return row is not None

    async def complete(
        self,
        scoring_id: UUID,
        assessment_id: UUID,
        overall: int | None,
        faults: tuple[Fault, ...],
        now: datetime,
        *,
        is_foreign: bool = False,
    ) -> datetime | None:
        """Move the scoring to completed with its score, 0..100; return when it was accepted, None
        when another call completed it.

        With `faults` of the simulator, or in another language than English (`is_foreign`), the
        result is left out of trends.
        """
        excluded = SIMULATOR_FAULT if faults else OTHER_LANGUAGE if is_foreign else None
        row = await self._connection.fetchrow(
            SQL["complete"], self._tenant_id, scoring_id, assessment_id, now, excluded, overall
        )
        if row is None:
            return None
        if row["simulation_id"] is not None:
            await self._connection.execute(
                SQL["simulation_scored"],
                self._tenant_id,
                row["simulation_id"],
                msgspec.json.encode(faults).decode(),
            )
        accepted_at: datetime = row["created_at"]
        return accepted_at

    async def lock_latest(self, scoring_id: UUID, wanted: UUID) -> Latest | None:
        """Return what counts, locked; None when `wanted` is made or nothing is scored."""
        row = await self._connection.fetchrow(
            SQL["lock_latest"], self._tenant_id, scoring_id, wanted
        )
        if row is None or row["is_made"]:
            return None
        return Latest(revision=row["revision"], is_by_person=row["origin"] == "human")

    async def count_revision(self, scoring_id: UUID, assessment_id: UUID) -> None:
        """Let a revision count from now on."""
        await self._connection.execute(
            SQL["count_revision"], self._tenant_id, scoring_id, assessment_id
        )

    async def exclude_language(self, scoring_id: UUID) -> None:
        """Leave the results of a conversation in another language out of trends."""
        await self._connection.execute(SQL["exclude_language"], self._tenant_id, scoring_id)

    async def insert_assessment(
        self,
        scoring_id: UUID,
        assessment_id: UUID,
        case: ScoringCase,
        result: JudgeResult,
        now: datetime,
        revision: Revision = FIRST,
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
            revision.number,
            result.overall,
            sealed,
            result.engine,
            result.engine_version,
            now,
            revision.cause,
            *(revision.rubric or (None, None)),
        )
        # Rows for reports: most conversations give no occasion for most skills, and the sealed
        # result says so.
        seen = [skill for skill in result.skills if skill.opportunities]
        await self._connection.execute(
            SQL["insert_skills"],
            self._tenant_id,
            assessment_id,
            [skill.skill for skill in seen],
            [skill.status.value for skill in seen],
            [skill.score for skill in seen],
            [skill.opportunities for skill in seen],
        )


def _conversation(key: SealKey, row: asyncpg.Record) -> tuple[Transcript, tuple[str, ...]]:
    """Return a conversation with its roles as they were settled, and what was odd about it."""
    conversation_id: UUID = row["conversation_id"]
    turns = _TURNS.decode(key.open(row["conversation"], _TURNS_COLUMN, conversation_id.bytes))
    flags = [flag.code for flag in _FLAGS.decode(row["flags"])]
    if row["roles"] == "swapped":
        turns = swap_roles(turns)
        flags = [code for code in flags if code != ROLES_LOOK_SWAPPED]
    return (
        Transcript(turns=turns, source=row["source"], language=row["language"]),
        tuple(flags),
    )


def _simulation(
    key: SealKey, simulation_id: UUID, scenario: ScenarioSpec, rows: Sequence[asyncpg.Record]
) -> tuple[tuple[TranscriptTurn, ...], tuple[AuditedTurn, ...], tuple[MindShift, ...]]:
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
    return heard, audited, mind_shifts(scenario, _answers(rows))


def _state(stored: str | None) -> PersonaState | None:
    """Return a turn's state; None where there is none that can be read, which the audit reports."""
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=PersonaState)
    except msgspec.ValidationError:
        return None


def _answers(rows: Sequence[asyncpg.Record]) -> Iterator[tuple[str, tuple[Cause, ...]]]:
    """Pair each turn of the learner with the causes noted in the customer's reply to it."""
    answer: str | None = None
    for row in rows:
        if row["role"] == "learner":
            answer = f"t{row['seq']}"
        elif answer is not None and row["causes"] is not None:
            yield answer, _CAUSES.decode(row["causes"])
            answer = None


def _last_state(turns: Sequence[AuditedTurn]) -> PersonaState | None:
    return next((turn.state for turn in reversed(turns) if turn.state is not None), None)


def _milliseconds(start: datetime | None, moment: datetime) -> int:
    return 0 if start is None else int((moment - start).total_seconds() * 1000)

"""Makes an assessment again from what is stored, the model's recorded answers among it.

Nothing is asked and nothing is changed: the same transcript, rubric, engine and answers must give
the same bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.model.answers import Answers
from services.scoring_worker.judging.model.opinions import Heard
from services.scoring_worker.judging.version import ENGINE_VERSION
from services.scoring_worker.rendering import as_rendered, chunked
from services.scoring_worker.repository import (
    ScoringCase,
    ScoringRepository,
    TranscriptGoneError,
)
from services.scoring_worker.restoring import Reading, restored
from shared.contracts.base import Record
from shared.contracts.scoring import JudgeResult, ModelJudging, RenderingNote, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Connection, Database
from shared.db.sealed import SealKey
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.llm.records import ANSWER_COLUMN
from shared.llm.structured import Reading as AnswerReading
from shared.rendering.asking import Answer
from shared.rendering.records import Rendering
from shared.rendering.render import rendered

SQL = Queries("services.scoring_worker")

OVERRIDE_SUPERSEDED: Final = "override_superseded"
"""Reason for a review that no judgment gives: it says what the revision replaced."""


class Replayed(Record, frozen=True, kw_only=True):
    """What came of making an assessment again."""

    assessment_id: UUID
    is_same: bool
    """Byte for byte."""
    why: str = ""
    """Why not, in words; empty when it is the same."""
    answers: int = 0
    """Recorded answers of the model that were read."""


async def replay(database: Database, keys: KeyRing, tenant_id: UUID, scoring_id: UUID) -> Replayed:
    """Make the newest judgment of a scoring again, and compare.

    Raises:
        NotFoundError: no such scoring, none that is judged, its learner was erased, or
            its words were removed.
    """
    async with tenant_tx(database, tenant_id) as connection:
        row = await connection.fetchrow(SQL["last_judged"], tenant_id, scoring_id)
        if row is None:
            raise NotFoundError
        key = await keys.learner(connection, tenant_id, row["learner_id"])
        repository = ScoringRepository(
            connection, tenant_id, await keys.tenant(connection, tenant_id)
        )
        try:
            case = await repository.find_case(scoring_id, (row["rubric_id"], row["rubric_version"]))
        except TranscriptGoneError:
            raise NotFoundError from None
        if case is None:
            raise NotFoundError
        stored = key.open(row["result"], "assessments.result", row["assessment_id"].bytes)
        result = msgspec.json.decode(stored, type=JudgeResult)
        answers = await _answers(connection, tenant_id, key, result.model)
        read_as = await _read_as(connection, tenant_id, key, case, result.rendering)
    return _compared(row["assessment_id"], stored, result, case, answers, read_as)


ReadAs = Mapping[str, Rendering]
"""The English by turn."""


async def _read_as(
    connection: Connection,
    tenant_id: UUID,
    key: SealKey,
    case: ScoringCase,
    note: RenderingNote | None,
) -> ReadAs | None:
    """Return the English that the case was judged by; None where its answers are not there."""
    if note is None or note.source == "none":
        return {}
    if note.source == "simulation":
        return case.read_as
    calls = [call_id for call_id in note.portions if call_id is not None]
    rows = await connection.fetch(SQL["recorded_answers"], tenant_id, calls)
    texts = {
        row["call_id"]: key.open_text(row["answer"], ANSWER_COLUMN, row["call_id"].bytes)
        for row in rows
    }
    return rendered_again(case.transcript.turns, note, texts)


def rendered_again(
    turns: Sequence[TranscriptTurn], note: RenderingNote, texts: Mapping[UUID, str]
) -> ReadAs | None:
    """Return the English by turn, from what the calls of a note answered.

    None where an answer is missing, or gives no English any more.
    """
    chunks = list(chunked(turns))
    if len(chunks) != len(note.portions):
        return None
    found: dict[str, Rendering] = {}
    for chunk, call_id in zip(chunks, note.portions, strict=True):
        reading = AnswerReading(Answer)
        if call_id is not None and reading.check(texts.get(call_id, "")) is not None:
            return None
        renderings = rendered(chunk.texts, reading.value, note.language)
        if renderings is None:
            return None
        found |= {turn.id: each for turn, each in zip(chunk.turns, renderings, strict=True)}
    return found


async def _answers(
    connection: Connection, tenant_id: UUID, key: SealKey, model: ModelJudging | None
) -> dict[int, Answers]:
    """Return the answers by the numbers of their questions; the last call of each brought it."""
    if model is None:
        return {}
    calls = {
        reply.calls[-1].call_id: reply.number
        for reply in model.replies
        if reply.failure is None and reply.calls
    }
    rows = await connection.fetch(SQL["recorded_answers"], tenant_id, list(calls))
    found: dict[int, Answers] = {}
    for row in rows:
        reading = AnswerReading(Answers)
        text = key.open_text(row["answer"], ANSWER_COLUMN, row["call_id"].bytes)
        if reading.check(text) is None and reading.value is not None:
            found[calls[row["call_id"]]] = reading.value
    return found


def _compared(
    assessment_id: UUID,
    stored: bytes,
    result: JudgeResult,
    case: ScoringCase,
    answers: dict[int, Answers],
    read_as: ReadAs | None,
) -> Replayed:
    def told(why: str) -> Replayed:
        return Replayed(assessment_id=assessment_id, is_same=not why, why=why, answers=len(answers))

    if result.engine_version != ENGINE_VERSION:
        return told(f"it was judged by {result.engine_version}; this is {ENGINE_VERSION}")
    wanted = 0 if result.model is None else sum(not r.failure for r in result.model.replies)
    if len(answers) < wanted:
        return told(f"{wanted - len(answers)} of {wanted} recorded answers are gone")
    if read_as is None:
        return told("recorded answers that brought its English are gone")
    again = _again(result, case, answers, read_as)
    if OVERRIDE_SUPERSEDED in result.needs_review:
        reasons = (*again.needs_review, OVERRIDE_SUPERSEDED)
        again = msgspec.structs.replace(again, needs_review=reasons)
    is_same = msgspec.json.encode(again) == stored
    return told("" if is_same else "the same input gives another result")


def _again(
    result: JudgeResult, case: ScoringCase, answers: dict[int, Answers], read_as: ReadAs
) -> JudgeResult:
    note = result.rendering
    if note is None:
        return _judged(result, case, answers)
    reading = Reading(original=case.transcript, renderings=read_as, note=note)
    read = as_rendered(case, read_as) if read_as else case
    return restored(_judged(result, read, answers), reading)


def _judged(result: JudgeResult, case: ScoringCase, answers: dict[int, Answers]) -> JudgeResult:
    hearing = Hearing(case.transcript, case.rubric, required_steps=case.steps, flags=case.flags)
    model = result.model
    if model is None:
        return msgspec.structs.replace(hearing.result(), why=result.why)
    plan = hearing.plan(model.mode, model.samples)
    return hearing.result(Heard(plan=plan, replies=model.replies, answers=answers, why=result.why))

"""Makes a conversation again from what is stored, the model's recorded answers among it.

Nothing is asked and nothing is changed: the same scenario version, seed, words and answers must
give the same states and the same lines, byte for byte.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
from typing_extensions import override

from services.sim_worker.appraising import reading_of
from services.sim_worker.engine.conversation import respond
from services.sim_worker.engine.wording import wording_request
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.steps import SQL, TEXT_COLUMN
from services.sim_worker.wording import Asker, Place
from shared.contracts.base import Record
from shared.contracts.dialogue import ActSpan
from shared.contracts.llm import ModelPolicy, Task, WhyEmbedded, WordingNote
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, PersonaState
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.ids import Uuid7Maker
from shared.llm.ports import (
    Answer,
    ChatAnswer,
    ChatRequest,
    LanguageModel,
    Listener,
    ModelFailedError,
    Purpose,
    StopListening,
    Structured,
)
from shared.llm.records import ANSWER_COLUMN
from shared.rendering.records import APPRAISAL_COLUMN, Appraisal

LIMIT_S: Final = 60.0
"""Nothing is waited for; the deadlines of then must not count."""

_STATE = msgspec.json.Decoder(PersonaState)
_NOTE = msgspec.json.Decoder(WordingNote)


class ReplayedTurn(Record, frozen=True, kw_only=True):
    """What came of making one reply again."""

    seq: int
    engine: str
    """Who worded it."""
    differs: tuple[str, ...]
    """`state`, `text`, `drift`; none when everything is the same."""
    answers: int = 0
    """Recorded answers that were read."""


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it rests, opened."""

    scenario: ScenarioSpec
    row: asyncpg.Record
    turns: tuple[asyncpg.Record, ...]
    """From seq 0."""
    lines: tuple[Line, ...]
    key: SealKey
    answers: Mapping[UUID, str]
    """What the model said, by call."""


class RecordedModel(LanguageModel):
    """Answers as the calls of a note were answered, and fails as they failed."""

    def __init__(self, note: WordingNote, answers: Mapping[UUID, str]) -> None:
        self._note = note
        self._answers = answers

    @override
    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        return ModelPolicy()

    @override
    async def chat(self, request: ChatRequest, listener: Listener | None = None) -> ChatAnswer:
        calls = self._note.calls
        if request.number >= len(calls):
            raise ModelFailedError(self._note.why or WhyEmbedded.FAILED_CHECKS)
        call = calls[request.number]
        text = self._answers.get(call.call_id, "")
        is_cut = listener is not None and bool(text) and await _stops(listener, text)
        if call.failure is not None:
            raise ModelFailedError(call.failure, (call,))
        return ChatAnswer(text=text, call=call, is_cut=is_cut)

    @override
    async def structured(self, request: ChatRequest, kind: type[Answer]) -> Structured[Answer]:
        raise ModelFailedError(WhyEmbedded.NO_MODEL)


async def replay(
    database: Database, keys: KeyRing, tenant_id: UUID, simulation_id: UUID
) -> tuple[ReplayedTurn, ...]:
    """Make every reply of a simulation again, and compare.

    Raises:
        NotFoundError: no such simulation, or its learner was erased.
    """
    stored = await _read(database, keys, tenant_id, simulation_id)
    replies = [turn for turn in stored.turns if turn["surface"] is not None]
    return tuple([await _again(stored, turn, tenant_id) for turn in replies])


async def _read(database: Database, keys: KeyRing, tenant_id: UUID, simulation_id: UUID) -> _Stored:
    async with tenant_tx(database, tenant_id) as connection:
        row = await connection.fetchrow(SQL["replay_simulation"], tenant_id, simulation_id)
        if row is None:
            raise NotFoundError
        key = await keys.learner(connection, tenant_id, row["learner_id"])
        turns = await connection.fetch(SQL["replay_turns"], tenant_id, simulation_id)
        calls = [call.call_id for turn in turns for call in _note(turn).calls]
        answers = await connection.fetch(SQL["replay_answers"], tenant_id, calls)
    return _Stored(
        scenario=msgspec.json.decode(row["spec"], type=ScenarioSpec),
        row=row,
        turns=tuple(turns),
        lines=tuple(_line(turn, simulation_id, key) for turn in turns),
        key=key,
        answers={
            each["call_id"]: key.open_text(each["answer"], ANSWER_COLUMN, each["call_id"].bytes)
            for each in answers
        },
    )


async def _again(stored: _Stored, turn: asyncpg.Record, tenant_id: UUID) -> ReplayedTurn:
    seq, row, note = turn["seq"], stored.row, _note(turn)
    before = _STATE.decode(stored.turns[seq - 2]["state"])
    lines = stored.lines[:seq]
    heard, also = _heard(stored, turn)
    move = respond(
        stored.scenario,
        before,
        heard,
        seed=row["seed"],
        seq=seq,
        max_hostility=row["max_hostility"],
        word_budget=row["word_budget"],
        also=also,
    )
    request = wording_request(
        stored.scenario, before, move, lines, seed=row["seed"], seq=seq, language=row["language"]
    )
    place = Place(scenario=stored.scenario, move=move, asker=_asker(stored, tenant_id, seq, lines))
    model = RecordedModel(note, stored.answers)
    worded = await ModelWording(model, Uuid7Maker()).word(request, place, _nobody)
    same = {
        "state": _bytes(move.state) == _bytes(_STATE.decode(turn["state"])),
        "text": worded.text == stored.lines[seq].text,
        "drift": worded.note.drift == note.drift,
    }
    return ReplayedTurn(
        seq=seq,
        engine=note.engine,
        differs=tuple(name for name, is_same in same.items() if not is_same),
        answers=sum(call.call_id in stored.answers for call in note.calls),
    )


def _heard(stored: _Stored, turn: asyncpg.Record) -> tuple[str, tuple[ActSpan, ...]]:
    """Return what the learner's line was read as, and the acts that were named over it."""
    seq = turn["seq"]
    if turn["appraisal"] is None:
        return stored.lines[seq - 1].text, ()
    place = turn_row(stored.row["simulation_id"], seq)
    opened = stored.key.open(turn["appraisal"], APPRAISAL_COLUMN, place)
    reading = reading_of(msgspec.json.decode(opened, type=Appraisal).rendering)
    return reading.text, reading.also


def _asker(stored: _Stored, tenant_id: UUID, seq: int, lines: tuple[Line, ...]) -> Asker:
    async def said() -> tuple[Line, ...]:
        return lines

    purpose = Purpose(
        tenant_id=tenant_id,
        task=Task.WORDING,
        environment="live",  # nothing is asked: whatever was refused then is refused by the note
        simulation_id=stored.row["simulation_id"],
        seq=seq,
    )
    return Asker(purpose=purpose, key=stored.key, limit_s=LIMIT_S, said=said)


def _bytes(state: PersonaState) -> bytes:
    """Return a state in one form: the database keeps the keys of an object in an order of its
    own.
    """
    return msgspec.json.encode(state, order="deterministic")


async def _stops(listener: Listener, text: str) -> bool:
    try:
        await listener(text)
    except StopListening:
        return True
    return False


async def _nobody(_: str) -> None:
    """Read along, so that what was streamed is read as it was then."""


def _note(turn: asyncpg.Record) -> WordingNote:
    """Return how a line got its words; those of before there were notes are embedded."""
    if turn["wording"] is None:
        return WordingNote(engine="embedded", why=WhyEmbedded.NO_MODEL)
    return _NOTE.decode(turn["wording"])


def _line(turn: asyncpg.Record, simulation_id: UUID, key: SealKey) -> Line:
    text = key.open_text(turn["text"], TEXT_COLUMN, turn_row(simulation_id, turn["seq"]))
    return Line(role="agent" if turn["role"] == "learner" else "customer", text=text)

"""What a worker changes in a simulation: the records, and how they are stored."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import FlowJob, encode_payload
from shared.contracts.llm import WordingNote
from shared.contracts.simulation import EndReason, Move
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.sql import Queries
from shared.db.tx import tenant_once

SQL = Queries("services.sim_worker")

TEXT_COLUMN = "turns.text"
APPRAISAL_COLUMN = "turns.appraisal"


class SpokenTurn(Record, frozen=True, kw_only=True):
    """A turn to be stored."""

    seq: int
    turn_id: UUID
    text: str
    move: Move | None
    """The engine's move, for the customer's turns."""
    engine: str | None
    wording: WordingNote | None = None
    """How the customer's line got its words."""
    appraisal: bytes | None = None
    """What the learner's line was read as, in other languages; JSON, sealed when it is stored."""


class NewEvent(Record, frozen=True, kw_only=True):
    """An event to be stored with the turns."""

    event_id: UUID
    type: EventType
    data: dict[str, str | int]


class Step(Record, frozen=True, kw_only=True):
    """Everything that one transaction changes in a simulation."""

    simulation_id: UUID
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


class StoredTurn(Record, frozen=True, kw_only=True):
    """A turn as its row has it: text sealed, the rest as JSON texts."""

    seq: int
    turn_id: UUID
    role: str
    text: bytes
    state: str | None
    surface: str | None
    acts: str | None
    causes: str | None
    engine: str | None
    wording: str | None
    appraisal: bytes | None


def stored_form(simulation_id: UUID, turn: SpokenTurn, key: SealKey) -> StoredTurn:
    """Return the row of a turn."""
    move = turn.move
    row = turn_row(simulation_id, turn.seq)
    appraisal = turn.appraisal
    return StoredTurn(
        seq=turn.seq,
        turn_id=turn.turn_id,
        role="customer" if move else "learner",
        text=key.seal_text(turn.text, TEXT_COLUMN, row),
        state=_json(move.state) if move else None,
        surface=move.surface.value if move else None,
        acts=_json(move.acts) if move else None,
        causes=_json(move.causes) if move else None,
        engine=turn.engine,
        wording=_json(turn.wording) if turn.wording else None,
        appraisal=None if appraisal is None else key.seal(appraisal, APPRAISAL_COLUMN, row),
    )


async def advance(
    database: Database,
    tenant_id: UUID,
    step: Step,
    key: SealKey,
    *,
    now: datetime,
    first_retry_s: float,
) -> tuple[StoredTurn, ...] | None:
    """Store a step in one transaction and one round trip; return its turns as stored.

    None when it was stored before: then nothing changes but the finished job.
    """
    turns = tuple(stored_form(step.simulation_id, turn, key) for turn in step.turns)
    flow_id, flow = step.flow or (None, None)
    rows = await tenant_once(
        database,
        tenant_id,
        SQL["advance"],
        step.simulation_id,
        step.job_id,
        step.is_last,
        step.last_seq,
        step.last_seq + len(turns),
        None if step.end_reason is None else step.end_reason.value,
        now,
        *([getattr(turn, column) for turn in turns] for column in StoredTurn.__struct_fields__),
        [event.event_id for event in step.events],
        [event.type.value for event in step.events],
        [_json(event.data) for event in step.events],
        flow_id,
        None if flow is None else encode_payload(flow),
        first_retry_s,
        writes_events=True,
    )
    return turns if rows[0]["moved"] else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

"""Simulations and turns in Postgres, read for a caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

import asyncpg
import msgspec

from services.api.filters.asked import Filters
from services.api.filters.page import Pages, in_order
from services.api.idempotency import Claim
from services.api.metadata import Attached, open_metadata, seal_metadata
from services.api.paging import PageRequest
from services.api.principal import Bounds
from services.api.simulations.records import (
    Exchange,
    Gate,
    LearnerTurn,
    NewSimulation,
    Practice,
    Simulation,
    Standing,
    Status,
    Turn,
)
from shared.contracts.base import Record
from shared.contracts.dialogue import ActSpan
from shared.contracts.jobs import TurnJob, encode_payload
from shared.contracts.live import LiveTurn
from shared.contracts.llm import WordingNote
from shared.contracts.scenario import Mind, ScenarioSpec, closing_line
from shared.contracts.simulation import Cause
from shared.db.pool import Connection, Database
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries
from shared.db.tx import tenant_once
from shared.errors import NotFoundError
from shared.intake.language import is_supported

_SQL = Queries("services.api.simulations")
_PAGES = Pages(_SQL)

METADATA = "simulations.metadata"


class _StateOfMind(Record, frozen=True, kw_only=True):
    mind: Mind
    hint: str = ""


_MIND = msgspec.json.Decoder(_StateOfMind)
_ACTS = msgspec.json.Decoder(tuple[ActSpan, ...])
_CAUSES = msgspec.json.Decoder(tuple[Cause, ...])
_WORDING = msgspec.json.Decoder(WordingNote | None)
_GOALS = msgspec.json.Decoder(tuple[str, ...])
_CASE = msgspec.json.Decoder(dict[str, str])

LAST_SURFACES = frozenset({"farewell", "hang_up"})
"""With these the customer has ended the conversation."""


class SimulationRepository:
    """Queries of one transaction; each is limited to what the caller may see.

    Without the tenant's key simulations come without their metadata.
    """

    def __init__(
        self, connection: Connection, bounds: Bounds, tenant: TenantKey | None = None
    ) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def find_learner_key(self, learner_id: UUID) -> bytes | None:
        """Return the wrapped key of a learner the caller may see."""
        row = await self._connection.fetchrow(_SQL["find_learner"], *self._bounds, learner_id)
        return None if row is None else cast("bytes", row["wrapped"])

    async def find_practice(self, slug: str | None, scenario_id: UUID | None) -> Practice | None:
        """Return the newest version of a scenario, by slug or id."""
        row = await self._connection.fetchrow(
            _SQL["find_scenario"], self._tenant_id, slug, scenario_id
        )
        if row is None:
            return None
        spec = msgspec.json.decode(row["spec"], type=ScenarioSpec)
        return Practice(scenario_id=row["scenario_id"], version=row["version"], spec=spec)

    async def insert(self, new: NewSimulation) -> None:
        """Store a simulation and its opening line."""
        await self._connection.execute(
            _SQL["insert_simulation"],
            self._tenant_id,
            new.simulation_id,
            new.learner_id,
            new.scenario_id,
            new.scenario_version,
            new.mode,
            new.profile,
            new.seed,
            new.opening_id,
            new.opening,
            msgspec.json.encode(new.state).decode(),
            new.at,
            new.hints,
            new.word_budget,
            new.metadata,
            new.language,
        )

    async def get(self, simulation_id: UUID) -> Simulation:
        """Return a simulation.

        Raises:
            NotFoundError: none that the caller may see.
        """
        found = await self.get_many([simulation_id])
        if not found:
            raise NotFoundError
        return found[0]

    async def get_many(self, simulation_ids: Sequence[UUID]) -> list[Simulation]:
        """Return those of the simulations that the caller may see, in no order."""
        rows = await self._connection.fetch(
            _SQL["get_simulations"], *self._bounds, list(simulation_ids)
        )
        return [_simulation(row, self._tenant) for row in rows]

    async def list_page(self, page: PageRequest, filters: Filters) -> list[Simulation]:
        """Return `page.limit + 1` simulations, if there are so many."""
        ids = await _PAGES.fetch(self._connection, self._bounds, page, filters)
        found = {each.simulation_id: each for each in await self.get_many(ids)}
        return in_order(ids, found)

    async def find_metadata(
        self, simulation_id: UUID, tenant: TenantKey
    ) -> tuple[Attached, SealKey]:
        """Return what is attached under the row lock, and the key to seal it with.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
        """
        row = await self._connection.fetchrow(_SQL["find_metadata"], *self._bounds, simulation_id)
        if row is None:
            raise NotFoundError
        key = tenant.learner_key(row["learner_id"], row["wrapped"])
        return open_metadata(key, row["metadata"], METADATA, simulation_id.bytes), key

    async def set_metadata(self, simulation_id: UUID, metadata: Attached, key: SealKey) -> None:
        """Attach something; the caller holds the lock."""
        sealed = seal_metadata(key, metadata, METADATA, simulation_id.bytes)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, simulation_id, sealed)

    async def lock_to_end(self, simulation_id: UUID) -> tuple[Status, int]:
        """Return status and last seq under the row lock.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(_SQL["lock_to_end"], *self._bounds, simulation_id)
        if row is None:
            raise NotFoundError
        return row["status"], row["last_seq"]

    async def end(self, simulation_id: UUID, at: datetime) -> None:
        """Mark a simulation ended by its learner; the caller holds the lock."""
        await self._connection.execute(_SQL["end_simulation"], self._tenant_id, simulation_id, at)

    async def open_gate(self, simulation_id: UUID, claim: Claim, backlog: int) -> Gate:
        """Lock the simulation and return what decides; `waiting` counts up to `backlog`.

        The claim may be older than the lock: a twin that committed in between is not in it.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(
            _SQL["open_gate"], *self._bounds, simulation_id, claim.hash, backlog
        )
        if row is None:
            raise NotFoundError
        return Gate(
            status=row["status"],
            mode=row["mode"],
            last_seq=row["last_seq"],
            learner_id=row["learner_id"],
            wrapped=row["wrapped"],
            fingerprint=row["fingerprint"],
            sequence=row["sequence"],
            waiting=row["waiting"],
        )

    async def insert_learner_turn(self, turn: LearnerTurn) -> None:
        """Store turn, claim and job, and move the simulation on; the caller holds the lock."""
        payload = encode_payload(_reply_job(turn))
        await self._connection.execute(
            _SQL["insert_learner_turn"],
            self._tenant_id,
            turn.simulation_id,
            turn.claim.hash,
            turn.claim.fingerprint,
            turn.seq,
            turn.turn_id,
            turn.sealed,
            turn.at,
            turn.job_id,
            payload,
            turn.retry_at,
        )

    async def get_exchange(self, simulation_id: UUID, seq: int, key: SealKey) -> Exchange:
        """Return a learner's turn and its reply; the caller has seen the simulation before.

        Raises:
            NotFoundError: no such turn.
        """
        rows = await self._connection.fetch(
            _SQL["get_exchange"], self._tenant_id, simulation_id, seq
        )
        if not rows:
            raise NotFoundError
        turns = [open_turn(row, key) for row in rows]
        reply = turns[1] if len(turns) > 1 else None
        return Exchange(learner_turn=turns[0], reply=reply, standing=_standing(rows[0]))

    async def list_turns(
        self, simulation_id: UUID, after_seq: int, limit: int
    ) -> list[asyncpg.Record]:
        """Return turns after a seq, sealed, each with the learner's wrapped key."""
        return await self._connection.fetch(
            _SQL["list_turns"], *self._bounds, simulation_id, after_seq, limit
        )


def open_turn(row: asyncpg.Record, key: SealKey) -> Turn:
    """Return the turn behind a row."""
    simulation_id, seq = row["simulation_id"], row["seq"]
    state = None if row["state"] is None else _MIND.decode(row["state"])
    is_hinted = state is not None and row["hints"] and row["surface"] not in LAST_SURFACES
    return Turn(
        turn_id=row["turn_id"],
        simulation_id=simulation_id,
        seq=seq,
        role=row["role"],
        text=key.open_text(row["text"], "turns.text", turn_row(simulation_id, seq)),
        mind=None if state is None else state.mind,
        surface=row["surface"],
        acts=None if row["acts"] is None else _ACTS.decode(row["acts"]),
        causes=None if row["causes"] is None else _CAUSES.decode(row["causes"]),
        engine=row["engine"],
        hint=state.hint or None if state is not None and is_hinted else None,
        wording=None if row["wording"] is None else _WORDING.decode(row["wording"]),
        appraisal=_appraisal(row),
        created_at=row["created_at"],
    )


async def say(database: Database, bounds: Bounds, turn: LearnerTurn, wrapped: bytes) -> bool:
    """Store a learner's turn if nothing stands against it; False changes nothing and says not why.

    A transaction of its own, in one round trip; `open_gate` and `insert_learner_turn` are the long
    way.
    """
    payload = encode_payload(_reply_job(turn))
    rows = await tenant_once(
        database,
        bounds[0],
        _SQL["say"],
        *bounds[1:],
        turn.simulation_id,
        turn.seq - 1,
        wrapped,
        turn.claim.hash,
        turn.claim.fingerprint,
        turn.turn_id,
        turn.sealed,
        turn.job_id,
        payload,
        turn.at,
        turn.retry_at,
    )
    is_taken: bool = rows[0]["is_taken"]
    return is_taken


def _reply_job(turn: LearnerTurn) -> TurnJob:
    return TurnJob(simulation_id=turn.simulation_id, seq=turn.seq + 1, streamed=turn.streamed)


def said_turn(turn: LearnerTurn, text: str) -> Turn:
    """Return a learner's turn as it was just stored."""
    return Turn(
        turn_id=turn.turn_id,
        simulation_id=turn.simulation_id,
        seq=turn.seq,
        role="learner",
        text=text,
        mind=None,
        surface=None,
        acts=None,
        causes=None,
        engine=None,
        hint=None,
        created_at=turn.at,
    )


def heard_exchange(turn: LearnerTurn, text: str, reply: LiveTurn, key: SealKey) -> Exchange:
    """Return the exchange of a turn just stored and the reply just heard, without reading back."""
    answered = Turn(
        turn_id=reply.turn_id,
        simulation_id=turn.simulation_id,
        seq=reply.seq,
        role="customer",
        text=key.open_text(reply.text, "turns.text", turn_row(turn.simulation_id, reply.seq)),
        mind=_MIND.decode(reply.state).mind,
        surface=reply.surface,
        acts=_ACTS.decode(reply.acts),
        causes=_CAUSES.decode(reply.causes),
        engine=reply.engine,
        wording=_WORDING.decode(reply.wording),
        appraisal=reply.appraisal,
        hint=reply.hint,
        created_at=reply.created_at,
    )
    standing = Standing(
        status=cast("Status", reply.status), end_reason=reply.end_reason, last_seq=reply.seq
    )
    return Exchange(learner_turn=said_turn(turn, text), reply=answered, standing=standing)


def _appraisal(row: asyncpg.Record) -> Literal["embedded", "model"] | None:
    if row["surface"] is None:  # the opening, and what a learner said
        return None
    return "embedded" if row["appraisal"] is None else "model"


def _closing(row: asyncpg.Record) -> str | None:
    reason = row["end_reason"]
    if reason is None or row["last_surface"] in LAST_SURFACES:
        return None
    if not is_supported(row["language"]):  # the scenario's own lines are in English
        return None
    lines = _GOALS.decode(row["closing_lines"])
    return closing_line(lines, _CASE.decode(row["case_slots"]), reason, row["seed"])


def _standing(row: asyncpg.Record) -> Standing:
    return Standing(status=row["status"], end_reason=row["end_reason"], last_seq=row["last_seq"])


def _metadata(row: asyncpg.Record, tenant: TenantKey | None) -> Attached:
    if tenant is None or row["metadata"] is None or row["wrapped"] is None:
        return {}
    key = tenant.learner_key(row["learner_id"], row["wrapped"])
    return open_metadata(key, row["metadata"], METADATA, row["simulation_id"].bytes)


def _simulation(row: asyncpg.Record, tenant: TenantKey | None) -> Simulation:
    return Simulation(
        simulation_id=row["simulation_id"],
        learner_id=row["learner_id"],
        scenario_id=row["scenario_id"],
        scenario_version=row["scenario_version"],
        scenario_slug=row["slug"],
        title=row["title"],
        brief=row["brief"],
        goals=_GOALS.decode(row["goals"]),
        mode=row["mode"],
        profile=row["profile"],
        seed=row["seed"],
        status=row["status"],
        end_reason=row["end_reason"],
        last_seq=row["last_seq"],
        created_at=row["created_at"],
        last_activity_at=row["last_activity_at"],
        ended_at=row["ended_at"],
        text_removed_at=row["text_removed_at"],
        hints=row["hints"],
        word_budget=row["word_budget"],
        parent_id=row["parent_id"],
        branch_seq=row["branch_seq"],
        operation_id=row["operation_id"],
        closing_line=_closing(row),
        scoring_id=row["scoring_id"],
        assessment_id=row["assessment_id"],
        language=row["language"],
        metadata=_metadata(row, tenant),
    )

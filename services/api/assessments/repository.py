"""Assessments in Postgres, and the rows of their reviews."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.assessments.records import (
    Actor,
    Assessment,
    Cause,
    Entry,
    Held,
    RevisionItem,
    RubricPin,
)
from services.api.principal import Bounds
from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import JudgeResult
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

SQL = Queries("services.api.assessments")

MAX_TIMELINE = 1000
"""Lines of a timeline that are shown: the oldest; nobody reviews one conversation so often."""

LOCK = "\n   for update of s"
"""Ends a statement about one scoring that the transaction goes on to change."""

WrittenKind = Literal["overridden", "acknowledged", "disputed", "resolved", "rescore_requested"]

_RESULT = msgspec.json.Decoder(JudgeResult)
_RUBRIC = msgspec.json.Decoder(RubricSpec)


class NewEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the timeline to be written."""

    kind: WrittenKind
    assessment_id: UUID
    actor: Actor
    codes: tuple[str, ...] = ()
    dispute_id: UUID | None = None
    comment: str = ""


class AssessmentRepository:
    """Statements of one transaction; each read is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def get(self, assessment_id: UUID) -> Assessment:
        """Return a revision, opened.

        Raises:
            NotFoundError: none that the caller may see, or its learner was erased.
        """
        row = await self._connection.fetchrow(SQL["get_assessment"], *self._bounds, assessment_id)
        if row is None:
            raise NotFoundError
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        sealed = key.open(row["result"], "assessments.result", assessment_id.bytes)
        return Assessment(
            assessment_id=assessment_id,
            scoring_id=row["scoring_id"],
            learner_id=row["learner_id"],
            simulation_id=row["simulation_id"],
            conversation_id=row["conversation_id"],
            source=row["source"],
            rubric=_pin(row),
            revision=row["revision"],
            origin=row["origin"],
            cause=row["cause"],
            is_latest=row["is_latest"],
            result=_RESULT.decode(sealed),
            occurred_at=row["occurred_at"],
            created_at=row["created_at"],
        )

    async def see(self, scoring_id: UUID) -> Held:
        """Return a scored conversation, to read about it; raises as `hold` does."""
        return await self._scored(SQL["find_scored"], scoring_id)

    async def hold(self, scoring_id: UUID) -> Held:
        """Lock a scored conversation; until the end of the transaction nobody else changes it.

        Raises:
            NotFoundError: none that the caller may see, none that is scored, or its learner was
                erased.
        """
        return await self._scored(SQL["find_scored"] + LOCK, scoring_id)

    async def _scored(self, statement: str, scoring_id: UUID) -> Held:
        row = await self._connection.fetchrow(statement, *self._bounds, scoring_id)
        if row is None or row["assessment_id"] is None or row["wrapped"] is None:
            raise NotFoundError
        return Held(
            scoring_id=scoring_id,
            learner_id=row["learner_id"],
            latest_id=row["assessment_id"],
            simulation_id=row["simulation_id"],
            rubric_id=row["rubric_id"],
            rubric_version=row["rubric_version"],
            key=self._tenant.learner_key(row["learner_id"], row["wrapped"]),
            dispute_window_h=row["dispute_window_h"],
            dispute_answer_h=row["dispute_answer_h"],
        )

    async def rubric(self, pin: RubricPin) -> RubricSpec:
        """Return the form a revision was judged by."""
        spec = await self._connection.fetchval(
            SQL["rubric_spec"], self._tenant_id, pin.rubric_id, pin.version
        )
        return _RUBRIC.decode(spec)

    async def find_rubric(
        self, slug: str, version: int | None, used_before: UUID
    ) -> RubricPin | None:
        """Return a version of a rubric, the newest without a number.

        An archived one is found only if it is `used_before`.
        """
        row = await self._connection.fetchrow(
            SQL["find_rubric_version"], self._tenant_id, slug, version, used_before
        )
        if row is None:
            return None
        return RubricPin(rubric_id=row["rubric_id"], slug=slug, version=row["version"])

    async def add_revision(
        self,
        held: Held,
        before: Assessment,
        assessment_id: UUID,
        result: JudgeResult,
        cause: Cause,
        now: datetime,
    ) -> None:
        """Store what a person made of a revision, and let it count."""
        sealed = held.key.seal(
            msgspec.json.encode(result), "assessments.result", assessment_id.bytes
        )
        await self._connection.execute(
            SQL["insert_revision"],
            self._tenant_id,
            assessment_id,
            held.scoring_id,
            held.learner_id,
            before.revision + 1,
            result.overall,
            sealed,
            result.engine,
            result.engine_version,
            now,
            cause,
            before.rubric.rubric_id,
            before.rubric.version,
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
        await self._connection.execute(
            SQL["count_revision"], self._tenant_id, held.scoring_id, assessment_id
        )

    async def add_entry(self, held: Held, entry: NewEntry, now: datetime) -> None:
        """Write a line of the timeline; the caller holds the scoring."""
        number: int = await self._connection.fetchval(
            SQL["next_entry"], self._tenant_id, held.scoring_id
        )
        row = entry_row(held.scoring_id, number)
        name = entry.actor.name
        await self._connection.execute(
            SQL["insert_entry"],
            self._tenant_id,
            held.scoring_id,
            number,
            entry.kind,
            entry.assessment_id,
            entry.dispute_id,
            list(entry.codes),
            entry.actor.key_id,
            None if name is None else held.key.seal_text(name, "review_entries.actor", row),
            entry.actor.hash,
            held.key.seal_text(entry.comment, "review_entries.comment", row)
            if entry.comment
            else None,
            now,
        )

    async def has_entry(self, held: Held, kind: WrittenKind, assessment_id: UUID) -> bool:
        """Say whether this was done to this revision already."""
        found: bool = await self._connection.fetchval(
            SQL["has_entry"], self._tenant_id, held.scoring_id, kind, assessment_id
        )
        return found

    async def last_hand(self, scoring_id: UUID, assessment_id: UUID) -> Actor | None:
        """Return who made a revision; None for the judge."""
        row = await self._connection.fetchrow(
            SQL["last_hand"], self._tenant_id, scoring_id, assessment_id
        )
        if row is None:
            return None
        return Actor(key_id=row["key_id"], name=None, hash=row["actor_hash"])

    async def list_revisions(self, scoring_id: UUID) -> list[RevisionItem]:
        """Return every revision, oldest first; the caller has checked who asks."""
        rows = await self._connection.fetch(SQL["list_revisions"], self._tenant_id, scoring_id)
        return [
            RevisionItem(
                assessment_id=row["assessment_id"],
                revision=row["revision"],
                origin=row["origin"],
                cause=row["cause"],
                is_latest=row["is_latest"],
                overall=row["overall"],
                rubric=_pin(row),
                engine_version=row["engine_version"],
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def list_timeline(self, held: Held) -> list[Entry]:
        """Return what happened to a scoring, oldest first."""
        rows = await self._connection.fetch(
            SQL["list_timeline"], self._tenant_id, held.scoring_id, MAX_TIMELINE
        )
        return [_entry(held, row) for row in rows]


def entry_row(scoring_id: UUID, number: int) -> bytes:
    """Return what binds the sealed columns of a line to it."""
    return scoring_id.bytes + number.to_bytes(4, "big")


def _entry(held: Held, row: asyncpg.Record) -> Entry:
    place = entry_row(held.scoring_id, row["sequence"])
    return Entry(
        at=row["at"],
        kind=row["kind"],
        assessment_id=row["assessment_id"],
        revision=row["revision"],
        dispute_id=row["dispute_id"],
        codes=tuple(row["codes"]),
        key_id=row["key_id"],
        actor=_opened(held.key, row["actor"], "review_entries.actor", place),
        comment=_opened(held.key, row["comment"], "review_entries.comment", place),
    )


def _opened(key: SealKey, sealed: bytes | None, column: str, row: bytes) -> str | None:
    return None if sealed is None else key.open_text(sealed, column, row)


def _pin(row: asyncpg.Record) -> RubricPin:
    return RubricPin(rubric_id=row["judged_by"], slug=row["slug"], version=row["judged_version"])

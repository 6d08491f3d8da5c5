"""Takes the words out of conversations and scores, some at a time, in the caller's transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from shared.contracts.scoring import JudgeResult
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey, turn_row
from shared.db.sql import Queries
from shared.scorecard.blanking import without_quotes, without_words

SQL: Final = Queries("services.orchestrator.retention")

RESULT: Final = "assessments.result"
TURNS: Final = "conversations.turns"

_RESULT = msgspec.json.Decoder(JudgeResult)

Blanker = Callable[[JudgeResult], JudgeResult]


class Wiper:
    """One batch of one tenant. Things of people who were erased have no words: they are left out.

    Args:
        connection: Of a transaction as the eraser.
        tenant: The tenant's key.
        rows: `thing_id`, `learner_id` and `wrapped`, the learner's key; null: erased.
        now: When.
    """

    def __init__(
        self,
        connection: Connection,
        tenant: TenantKey,
        rows: Sequence[asyncpg.Record],
        now: datetime,
    ) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._now = now
        self._rows = [row for row in rows if row["wrapped"] is not None]
        self._keys: dict[UUID, SealKey] = {}
        for row in self._rows:
            learner_id = row["learner_id"]
            if learner_id not in self._keys:
                self._keys[learner_id] = tenant.learner_key(learner_id, row["wrapped"])
        self._key_of = {row["thing_id"]: self._keys[row["learner_id"]] for row in self._rows}

    async def simulations(self, before: datetime) -> None:
        """Take the words out of practice, and the quotes out of its scores."""
        things = list(self._key_of)
        turns = await self._fetch("turns_of", things)
        await self._write(
            "blank_turns",
            (
                (
                    row["simulation_id"],
                    row["seq"],
                    self._blank_turn(row["simulation_id"], row["seq"]),
                )
                for row in turns
            ),
        )
        await self._execute("mark_simulations", things, self._now)
        await self._execute("forget_answers_of_simulations", things)
        await self._quotes("scorings_of_simulations", things, before)

    async def conversations(self, before: datetime) -> None:
        """Take the words out of conversations handed in, and the quotes out of their scores."""
        things = list(self._key_of)
        blank = [(row["thing_id"], self._blank_conversation(row)) for row in self._rows]
        await self._write("blank_conversations", blank, self._now)
        await self._quotes("scorings_of_conversations", things, before)

    async def details(self, before: datetime) -> None:
        """Take quotes, advice and comments out of scores."""
        things = list(self._key_of)
        await self._results(things, without_words)
        await self._execute("forget_answers_of_scorings", things)
        await self._execute("forget_verdicts", things, before)
        disputes = await self._fetch("comments_of_disputes", things)
        await self._write(
            "blank_disputes",
            (
                (row["dispute_id"], self._sealed_nothing(row, "disputes.comment", "dispute_id"))
                for row in disputes
            ),
        )
        await self._execute("blank_reviews", things)

    async def _quotes(self, which: str, things: list[UUID], before: datetime) -> None:
        scorings = [row["scoring_id"] for row in await self._fetch(which, things)]
        await self._results(scorings, without_quotes)
        await self._execute("forget_answers_of_scorings", scorings)
        await self._execute("forget_verdicts", scorings, before)

    async def _results(self, scorings: list[UUID], blank: Blanker) -> None:
        rows = await self._fetch("results_of", scorings)
        await self._write(
            "put_results", ((row["assessment_id"], self._result(row, blank)) for row in rows)
        )

    def _result(self, row: asyncpg.Record, blank: Blanker) -> bytes:
        key, place = self._keys[row["learner_id"]], row["assessment_id"].bytes
        result = blank(_RESULT.decode(key.open(row["result"], RESULT, place)))
        return key.seal(msgspec.json.encode(result), RESULT, place)

    def _blank_turn(self, simulation_id: UUID, seq: int) -> bytes:
        key = self._key_of[simulation_id]
        return key.seal_text("", "turns.text", turn_row(simulation_id, seq))

    def _blank_conversation(self, row: asyncpg.Record) -> bytes:
        key, place = self._keys[row["learner_id"]], row["thing_id"].bytes
        turns: list[dict[str, Any]] = msgspec.json.decode(key.open(row["turns"], TURNS, place))
        return key.seal(msgspec.json.encode([{**turn, "text": ""} for turn in turns]), TURNS, place)

    def _sealed_nothing(self, row: asyncpg.Record, column: str, name: str) -> bytes:
        return self._keys[row["learner_id"]].seal_text("", column, row[name].bytes)

    async def _fetch(self, name: str, things: list[UUID]) -> list[asyncpg.Record]:
        return await self._connection.fetch(SQL[name], self._tenant_id, things)

    async def _execute(self, name: str, things: list[UUID], *more: object) -> None:
        if things:
            await self._connection.execute(SQL[name], self._tenant_id, things, *more)

    async def _write(self, name: str, rows: Iterable[tuple[Any, ...]], *more: object) -> None:
        columns = list(map(list, zip(*rows, strict=True)))
        if columns:
            await self._connection.execute(SQL[name], self._tenant_id, *columns, *more)

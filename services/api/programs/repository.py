"""Programs in Postgres, of one tenant."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.programs.records import Course, People, Program, Worth
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.programs")

_WORTH: Final = "programs.worth"

_DECODER: Final = msgspec.json.Decoder(Worth)

MIN_PEOPLE: Final = 5
"""Least people in what two lists share, and in what each has of its own."""


class ProgramRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant.tenant_id
        self._tenant = tenant

    async def lock(self) -> None:
        """Wait for whoever else makes a program."""
        await self._connection.execute(_SQL["lock_programs"], self._tenant_id)

    async def count(self) -> int:
        """Return how many programs there are."""
        amount: int = await self._connection.fetchval(_SQL["count_programs"], self._tenant_id)
        return amount

    async def insert(self, program: Program) -> None:
        """Store a program."""
        other = program.comparison or People()
        await self._connection.execute(
            _SQL["insert_program"],
            self._tenant_id,
            program.program_id,
            program.treated.team_ids,
            program.treated.learner_ids,
            other.team_ids,
            other.learner_ids,
            *msgspec.structs.astuple(program.course),
            self._sealed(program.program_id, program.worth),
            program.created_at,
        )

    async def update(self, program_id: UUID, course: Course, worth: Worth, now: datetime) -> None:
        """Change a program; the caller holds the row."""
        await self._connection.execute(
            _SQL["update_program"],
            self._tenant_id,
            program_id,
            *msgspec.structs.astuple(course),
            self._sealed(program_id, worth),
            now,
        )

    async def hold(self, program_id: UUID) -> None:
        """Wait for other writers of this program."""
        await self._connection.execute(_SQL["hold_program"], self._tenant_id, program_id)

    async def get(self, program_id: UUID) -> Program:
        """Return a program; raises `NotFoundError`."""
        row = await self._connection.fetchrow(_SQL["get_program"], self._tenant_id, program_id)
        if row is None:
            raise NotFoundError
        return self._program(row)

    async def list_page(self, page: PageRequest) -> list[Program]:
        """Return `page.limit + 1` programs, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_programs"], self._tenant_id, page.after, page.limit + 1
        )
        return [self._program(row) for row in rows]

    async def known(self, kind: str, ids: Sequence[UUID]) -> frozenset[UUID]:
        """Return those of the `teams` or `learners` that exist."""
        if not ids:
            return frozenset()
        rows = await self._connection.fetch(_SQL[f"find_{kind}"], self._tenant_id, list(ids))
        return frozenset(row["id"] for row in rows)

    async def forms(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return kind and whom it asks, of each of the surveys that exist."""
        if not names:
            return {}
        rows = await self._connection.fetch(_SQL["find_forms"], self._tenant_id, list(names))
        return {row["form"]: (row["kind"], row["asked"]) for row in rows}

    async def is_too_near(self, learners: Sequence[UUID]) -> bool:
        """Whether another list of people is almost this one."""
        if not learners:
            return False
        found: bool = await self._connection.fetchval(
            _SQL["too_near"], self._tenant_id, list(learners), MIN_PEOPLE
        )
        return found

    def _sealed(self, program_id: UUID, worth: Worth) -> bytes:
        return self._tenant.seal(msgspec.json.encode(worth), _WORTH, program_id.bytes)

    def _program(self, row: asyncpg.Record) -> Program:
        program_id: UUID = row["program_id"]
        other = _people(row, "comparison")
        return Program(
            program_id=program_id,
            treated=_people(row, "treated"),
            comparison=other if other.team_ids or other.learner_ids else None,
            course=Course(**{name: row[name] for name in Course.__struct_fields__}),
            worth=_DECODER.decode(self._tenant.open(row["worth"], _WORTH, program_id.bytes)),
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


def _people(row: asyncpg.Record, cohort: str) -> People:
    return People(
        team_ids=tuple(row[f"{cohort}_teams"]), learner_ids=tuple(row[f"{cohort}_learners"])
    )

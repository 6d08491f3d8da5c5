"""Names of learners, which are taken out of what is sent; remembered for a minute per process."""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from shared.db.pool import Database
from shared.db.sealed import SealKey
from shared.db.tx import tenant_reads
from shared.llm.ledger import SQL

FRESH_S: Final = 60.0
"""Seconds that a name is remembered."""

REMEMBERED: Final = 5_000
"""Learners of whom a process remembers the name."""

NAME_COLUMN: Final = "learners.name"
"""Sealed with the learner's key. Row: the learner's id."""


class LearnerNames:
    """The names of a process; see `shared.llm.records.NameBook`."""

    def __init__(self, database: Database, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now_s = now_s
        self._found: dict[tuple[UUID, UUID], tuple[float, str | None]] = {}

    async def find(self, tenant_id: UUID, learner_id: UUID, key: SealKey) -> str | None:
        """Return a learner's name; None where it is not known.

        Raises:
            asyncpg.PostgresError, OSError: the database does not answer, and nothing is remembered.
            UnsealError: this is not the learner's key.
        """
        now, place = self._now_s(), (tenant_id, learner_id)
        known = self._found.get(place)
        if known is not None and now < known[0]:
            return known[1]
        sealed = await tenant_reads(self._database).fetchval(SQL["find_name"], *place)
        name = None if sealed is None else key.open_text(sealed, NAME_COLUMN, learner_id.bytes)
        if len(self._found) >= REMEMBERED:
            self._found.pop(next(iter(self._found)))
        self._found[place] = (now + FRESH_S, name)
        return name

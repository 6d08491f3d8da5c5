"""First lines in other languages, each made once."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.api.simulations.records import Practice
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.db.sql import Queries

_SQL = Queries("services.api.simulations")

COLUMN: Final = "opening_lines.text"


class RenderedOpening(msgspec.Struct, frozen=True, kw_only=True):
    """A first line in another language."""

    line: str
    """In English."""
    text: str
    is_new: bool
    """Whether it is still to be remembered."""


class OpeningRepository:
    """Statements inside one tenant."""

    def __init__(self, connection: Connection, tenant: TenantKey) -> None:
        self._connection = connection
        self._tenant = tenant

    async def find(self, practice: Practice, language: str, line: str) -> str | None:
        """Return a line of a scenario version as it was said before."""
        known = self._tenant.lookup(line)
        sealed = await self._connection.fetchval(
            _SQL["find_opening"],
            self._tenant.tenant_id,
            practice.scenario_id,
            practice.version,
            language,
            known,
        )
        if sealed is None:
            return None
        return self._tenant.open_text(sealed, COLUMN, _row(practice.scenario_id, language, known))

    async def insert(
        self, practice: Practice, language: str, rendered: RenderedOpening, now: datetime
    ) -> None:
        """Remember a line; the first one stays."""
        known = self._tenant.lookup(rendered.line)
        row = _row(practice.scenario_id, language, known)
        await self._connection.execute(
            _SQL["insert_opening"],
            self._tenant.tenant_id,
            practice.scenario_id,
            practice.version,
            language,
            known,
            self._tenant.seal_text(rendered.text, COLUMN, row),
            now,
        )


def _row(scenario_id: UUID, language: str, known: bytes) -> bytes:
    return scenario_id.bytes + known + language.encode()

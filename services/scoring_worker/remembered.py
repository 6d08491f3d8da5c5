"""What a model rendered before, sealed with the learner's key and gone with the learner."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import CallNote
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.db.tx import tenant_tx
from shared.rendering.asking import RENDERING_VERSION
from shared.rendering.records import Rendering

SQL = Queries("services.scoring_worker")

COLUMN: Final = "llm_verdicts.answer"


class Kept(Record, frozen=True, kw_only=True):
    """The English of a portion, and how it was come by."""

    renderings: tuple[Rendering, ...]
    """Of its turns, in order."""
    calls: tuple[CallNote, ...]
    """Those that brought it; none where there was nothing to ask."""


_KEPT: Final = msgspec.json.Decoder(Kept)


class RememberedRenderings:
    """Renderings about one learner's conversations, in the table of what models said."""

    def __init__(
        self, database: Database, tenant: TenantKey, learner_id: UUID, key: SealKey, salt: str
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._learner_id = learner_id
        self.key = key
        """The learner's."""
        self._salt = salt

    @classmethod
    async def of(
        cls, database: Database, keys: KeyRing, tenant_id: UUID, learner_id: UUID, *, salt: str
    ) -> "RememberedRenderings":
        """Return the memory about a learner.

        Args:
            database: where it is.
            keys: open it.
            tenant_id: whose learner.
            learner_id: about whom.
            salt: what decides an answer beside the texts: endpoint and model, and how it is asked.
        """
        async with tenant_tx(database, tenant_id) as connection:
            tenant = await keys.tenant(connection, tenant_id)
            key = await keys.learner(connection, tenant_id, learner_id)
        return cls(database, tenant, learner_id, key, salt)

    async def find(self, language: str, portions: Sequence[bytes]) -> dict[bytes, Kept]:
        """Return what is remembered, by portion."""
        contents = {self._content(language, portion): portion for portion in portions}
        async with tenant_tx(self._database, self._tenant.tenant_id) as connection:
            rows = await connection.fetch(
                SQL["find_verdicts"], self._tenant.tenant_id, self._learner_id, list(contents)
            )
        return {
            contents[row["content"]]: _KEPT.decode(
                self.key.open(row["answer"], COLUMN, row["content"])
            )
            for row in rows
        }

    async def keep(self, language: str, portion: bytes, answer: Kept, now: datetime) -> None:
        """Remember an answer on its own: it is paid for, whatever becomes of the others."""
        content = self._content(language, portion)
        sealed = self.key.seal(msgspec.json.encode(answer), COLUMN, content)
        async with tenant_tx(self._database, self._tenant.tenant_id) as connection:
            await connection.execute(
                SQL["keep_verdict"],
                self._tenant.tenant_id,
                self._learner_id,
                content,
                sealed,
                now,
            )

    def _content(self, language: str, portion: bytes) -> bytes:
        asked = [RENDERING_VERSION, self._salt, language, sha256(portion).hexdigest()]
        return self._tenant.lookup(f"llm_renderings_2\0{msgspec.json.encode(asked).decode()}")

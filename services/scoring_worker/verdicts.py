"""What the model said before: by question, sealed with the learner's key, gone with the learner."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from services.scoring_worker.judging.model.answers import Answers
from services.scoring_worker.judging.model.planning import Ask
from services.scoring_worker.judging.model.prompt import build_prompt
from shared.contracts.base import Record
from shared.contracts.llm import CallNote
from shared.contracts.scoring import Transcript
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries

SQL = Queries("services.scoring_worker")

COLUMN: Final = "llm_verdicts.answer"

_NO_BOUNDARY: Final = ""


class Kept(Record, frozen=True, kw_only=True):
    """An answer, and how it was come by."""

    answers: Answers
    boundary: str
    calls: tuple[CallNote, ...]


class Answerer(Record, frozen=True, kw_only=True):
    """Who is asked, as far as it decides an answer."""

    endpoint: str
    """`LanguageModel.endpoint`: the same name may be another model elsewhere."""
    model: str
    is_redacted: bool


def question_hash(key: TenantKey, transcript: Transcript, ask: Ask, asked: Answerer) -> bytes:
    """Return the keyed hash of everything that decides an answer: 32 bytes.

    The random word around the transcript is not part of it.
    """
    prompt = build_prompt(transcript, ask.questions, _NO_BOUNDARY)
    content = msgspec.json.encode([prompt, asked, ask.sample])
    return key.lookup(f"llm_verdicts\0{sha256(content).hexdigest()}")


class VerdictStore:
    """Answers about one learner's conversations; the caller owns the transactions."""

    def __init__(self, tenant_id: UUID, learner_id: UUID, key: SealKey) -> None:
        self._tenant_id = tenant_id
        self._learner_id = learner_id
        self._key = key

    async def find(self, connection: Connection, contents: Iterable[bytes]) -> dict[bytes, Kept]:
        """Return the answers that are there, by question hash."""
        rows = await connection.fetch(
            SQL["find_verdicts"], self._tenant_id, self._learner_id, list(contents)
        )
        return {row["content"]: self._open(row["content"], row["answer"]) for row in rows}

    async def keep(
        self, connection: Connection, content: bytes, answer: Kept, now: datetime
    ) -> None:
        """Store an answer; a repeat changes nothing."""
        sealed = self._key.seal(msgspec.json.encode(answer), COLUMN, content)
        await connection.execute(
            SQL["keep_verdict"], self._tenant_id, self._learner_id, content, sealed, now
        )

    def _open(self, content: bytes, sealed: bytes) -> Kept:
        return msgspec.json.decode(self._key.open(sealed, COLUMN, content), type=Kept)

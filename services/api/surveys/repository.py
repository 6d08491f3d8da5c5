"""Surveys and their forms in Postgres, read for a caller."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.api.paging import PageRequest
from services.api.principal import Bounds
from services.api.surveys.forms import SurveyForm
from services.api.surveys.records import NewSurvey, Survey
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.surveys")

EXTERNAL_ID = "surveys.external_id"
"""Column that external ids are sealed for."""


class Heard(NamedTuple):
    """Whose conversation it was, and when."""

    learner_id: UUID
    occurred_at: datetime


class Stored(NamedTuple):
    """Where surveys of one statement ended."""

    by_id: frozenset[UUID]
    """New ones."""
    by_hash: dict[bytes, UUID]
    """Those with an external id, new or known, unless they contradict what is stored."""

    def place(self, new: NewSurvey) -> UUID | None:
        """Return the stored survey's id; None when another survey has the external id."""
        if new.external_id_hash is not None:
            return self.by_hash.get(new.external_id_hash)
        return new.survey_id if new.survey_id in self.by_id else None


class SurveyRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def own_forms(self) -> tuple[SurveyForm, ...]:
        """Return the forms that the tenant has stored."""
        rows = await self._connection.fetch(_SQL["list_forms"], self._tenant_id)
        return tuple(_form(row) for row in rows)

    async def lock_forms(self) -> None:
        """Wait for other changes of forms."""
        await self._connection.execute(_SQL["lock_forms"], self._tenant_id)

    async def put_form(self, form: SurveyForm, now: datetime) -> None:
        """Store a form, or its other positive values."""
        await self._connection.execute(_SQL["put_form"], self._tenant_id, *_columns(form), now)

    async def keep_forms(self, forms: Iterable[SurveyForm], now: datetime) -> None:
        """Store forms that are not stored yet, each once; all requests lock them in one order."""
        distinct = {form.form: form for form in forms}
        rows = [(self._tenant_id, *_columns(distinct[slug]), now) for slug in sorted(distinct)]
        await self._connection.executemany(_SQL["keep_forms"], rows)

    async def find_learner_keys(self, learner_ids: Sequence[UUID]) -> dict[UUID, SealKey]:
        """Return the keys of those learners that the caller may see."""
        rows = await self._connection.fetch(_SQL["find_learners"], *self._bounds, learner_ids)
        return {
            row["learner_id"]: self._tenant.learner_key(row["learner_id"], row["wrapped"])
            for row in rows
        }

    async def find_conversations(self, conversation_ids: Sequence[UUID]) -> dict[UUID, Heard]:
        """Return whose conversations these are, whether or not the caller may see the learner."""
        rows = await self._connection.fetch(
            _SQL["find_conversations"], self._tenant_id, conversation_ids
        )
        return {
            row["conversation_id"]: Heard(row["learner_id"], row["occurred_at"]) for row in rows
        }

    async def put(self, new: Sequence[NewSurvey], now: datetime) -> Stored:
        """Store surveys, or the answers to stored ones; no two have the same external id."""
        rows = await self._connection.fetch(
            _SQL["put_surveys"],
            self._tenant_id,
            [one.survey_id for one in new],
            [one.form.form for one in new],
            [one.learner_id for one in new],
            [one.conversation_id for one in new],
            [one.external_id for one in new],
            [one.external_id_hash for one in new],
            [one.score for one in new],
            [one.delivered_at for one in new],
            [one.answered_at for one in new],
            [one.happened_at for one in new],
            now,
        )
        return Stored(
            frozenset(row["survey_id"] for row in rows),
            {row["external_id_hash"]: row["survey_id"] for row in rows if row["external_id_hash"]},
        )

    async def find_by_hash(self, external_id_hash: bytes) -> UUID | None:
        """Return the survey that has this external id."""
        found: UUID | None = await self._connection.fetchval(
            _SQL["find_by_external_id"], self._tenant_id, external_id_hash
        )
        return found

    async def get(self, survey_id: UUID) -> Survey:
        """Return a survey.

        Raises:
            NotFoundError: none that the caller may see.
        """
        rows = await self._connection.fetch(_SQL["get_surveys"], *self._bounds, [survey_id])
        if not rows:
            raise NotFoundError
        return self._survey(rows[0])

    async def list_page(
        self,
        page: PageRequest,
        *,
        learner_id: UUID | None,
        conversation_id: UUID | None,
        form: str | None,
        external_id: str | None,
    ) -> list[Survey]:
        """Return `page.limit + 1` surveys, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_surveys"],
            *self._bounds,
            page.after,
            learner_id,
            conversation_id,
            form,
            None if external_id is None else self._tenant.lookup(external_id),
            page.limit + 1,
        )
        return [self._survey(row) for row in rows]

    def _survey(self, row: asyncpg.Record) -> Survey:
        return Survey(
            survey_id=row["survey_id"],
            form=_form(row),
            learner_id=row["learner_id"],
            conversation_id=row["conversation_id"],
            external_id=self._external_id(row),
            score=row["score"],
            delivered_at=row["delivered_at"],
            answered_at=row["answered_at"],
            happened_at=row["happened_at"],
            created_at=row["created_at"],
        )

    def _external_id(self, row: asyncpg.Record) -> str | None:
        if row["external_id"] is None or row["wrapped"] is None:
            return None
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        return key.open_text(row["external_id"], EXTERNAL_ID, row["survey_id"].bytes)


def _form(row: asyncpg.Record) -> SurveyForm:
    return SurveyForm(
        form=row["form"],
        kind=row["kind"],
        asked=row["asked"],
        low=row["low"],
        high=row["high"],
        positive=tuple(row["positive"]),
    )


def _columns(form: SurveyForm) -> tuple[str, str, str, int, int, list[int]]:
    return (form.form, form.kind, form.asked, form.low, form.high, list(form.positive))

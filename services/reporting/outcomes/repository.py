"""Reading surveys and contacts for answers."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import asyncpg
import numpy as np

from services.reporting.trends.outcome_numbers import Answers, Contacts, Form
from services.reporting.trends.person_scores import Scored
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.reporting.outcomes")

_SECONDS = np.dtype(">i4")
"""How handle times travel: big-endian, as PostgreSQL sends integers."""


class PersonAnswers(NamedTuple):
    """Answers to one form that one person's customers gave."""

    form: str
    person: UUID
    n: int
    total: int
    """Sum of the answers, on the form's scale."""
    positive: int
    """Answers in the positive set; of NPS the promoters."""
    detractors: int
    """Answers of 6 and less: of NPS only."""


class PersonContacts(NamedTuple):
    """Contacts of one person."""

    person: UUID
    handled: int
    """Contacts whose time is known."""
    handle_s: int
    """Sum of these times."""
    judged: int
    """Contacts of which is known whether they were first and whether resolved."""
    first_resolved: int
    transfers_known: int
    transferred: int


async def customer_forms(connection: Connection, tenant_id: UUID) -> dict[str, Form]:
    """Return the forms that customers answer."""
    rows = await connection.fetch(_SQL["forms"], tenant_id)
    return {
        row["form"]: Form(row["form"], row["kind"], row["low"], row["high"], tuple(row["positive"]))
        for row in rows
    }


async def team_surveys(
    connection: Connection, tenant_id: UUID, team_id: UUID, start: date, until: date
) -> dict[str, list[Answers]]:
    """Return a team's surveys by form; `until` is the first day that is not counted."""
    found: dict[str, list[Answers]] = defaultdict(list)
    rows = await connection.fetch(_SQL["team_surveys"], tenant_id, team_id, start, until)
    for form, bucket, person, score, n in rows:
        found[form].append(Answers(bucket, person, score, n))
    return dict(found)


async def team_contacts(
    connection: Connection, tenant_id: UUID, team_id: UUID, start: date, until: date
) -> list[Contacts]:
    """Return a team's contacts by week and person; `until` is the first day that is not counted."""
    rows = await connection.fetch(_SQL["team_contacts"], tenant_id, team_id, start, until)
    return [
        Contacts(bucket, person, np.frombuffer(seconds, _SECONDS).astype(np.int64), *counts)
        for bucket, person, seconds, *counts in rows
    ]


async def person_surveys(
    connection: Connection,
    tenant_id: UUID,
    start: date,
    until: date,
    team_ids: Sequence[UUID] | None,
) -> list[PersonAnswers]:
    """Return answers by form and person; of people in some teams on that day, or of all."""
    rows = await _by_person(connection, "person_surveys", tenant_id, start, until, team_ids)
    return [PersonAnswers(*row) for row in rows]


async def person_contacts(
    connection: Connection,
    tenant_id: UUID,
    start: date,
    until: date,
    team_ids: Sequence[UUID] | None,
) -> list[PersonContacts]:
    """Return contacts by person; of people in some teams on that day, or of all."""
    rows = await _by_person(connection, "person_contacts", tenant_id, start, until, team_ids)
    return [PersonContacts(*row) for row in rows]


async def _by_person(
    connection: Connection,
    query: str,
    tenant_id: UUID,
    start: date,
    until: date,
    team_ids: Sequence[UUID] | None,
) -> list[asyncpg.Record]:
    if team_ids is None:
        return await connection.fetch(_SQL[query], tenant_id, start, until)
    return await connection.fetch(_SQL[f"teams_{query}"], tenant_id, start, until, team_ids)


async def rollups(
    connection: Connection,
    tenant_id: UUID,
    start: date,
    end: date,
    team_ids: Sequence[UUID] | None,
) -> list[Scored]:
    """Return who scored what in the buckets between two days, inclusive; no histograms."""
    rows = await connection.fetch(_SQL["rollups"], tenant_id, start, end, team_ids)
    return [Scored(*row) for row in rows]

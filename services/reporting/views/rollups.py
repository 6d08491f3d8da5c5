"""Reading rollups and what surrounds them."""

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.reporting.trends.breaks import Version
from services.reporting.trends.sheet import GroupRow, Sheet, sheet_of
from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.db.sql import Queries

SQL: Final = Queries("services.reporting.views")

LOOKBACK: Final = timedelta(days=92)
"""How long before a range versions are looked at, to know what a change changed from."""


class _Criterion(Record, frozen=True, kw_only=True):
    skill: str
    skills: dict[str, int] = msgspec.field(default_factory=dict)


class _Section(Record, frozen=True, kw_only=True):
    criteria: tuple[_Criterion, ...]


class _Spec(Record, frozen=True, kw_only=True):
    sections: tuple[_Section, ...]


_SPEC: Final = msgspec.json.Decoder(_Spec)


def whole_months(first: date, last: date) -> tuple[date, date]:
    """Return the first day of the first month and the last day of the last."""
    end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    return first.replace(day=1), end


async def team_sheet(
    connection: Connection, tenant_id: UUID, team_id: UUID, first: date, last: date
) -> Sheet:
    """Return all rollups of a team in the months that a range touches."""
    rows = await connection.fetch(
        SQL["team_rollups"], tenant_id, team_id, *whole_months(first, last)
    )
    return sheet_of([GroupRow(*row) for row in rows])


async def team_versions(
    connection: Connection, tenant_id: UUID, team_id: UUID, first: date, last: date
) -> list[Version]:
    """Return what a team's attempts were scored with, from `LOOKBACK` before the range on."""
    rows = await connection.fetch(SQL["team_versions"], tenant_id, team_id, first - LOOKBACK, last)
    return [Version(*row) for row in rows]


async def skills_of_versions(
    connection: Connection, tenant_id: UUID, versions: Sequence[Version]
) -> dict[tuple[UUID, int], frozenset[str]]:
    """Return what the versions of rubrics score that have more than one; nothing else is asked."""
    known = {(each.rubric_id, each.rubric_version) for each in versions}
    ids = [rubric_id for rubric_id, _ in known]
    changed = sorted({each for each in ids if ids.count(each) > 1})
    if not changed:
        return {}
    rows = await connection.fetch(SQL["rubric_specs"], tenant_id, changed)
    return {(row["rubric_id"], row["version"]): _skills(row["spec"]) for row in rows}


def _skills(spec: str) -> frozenset[str]:
    criteria = [each for section in _SPEC.decode(spec).sections for each in section.criteria]
    return frozenset(skill for each in criteria for skill in (each.skill, *each.skills))

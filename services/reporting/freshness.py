"""What every answer needs of its tenant, in one read: how fresh numbers are, choices, calendar."""

from collections.abc import Hashable
from datetime import date
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.reporting.desk import NotReadyError
from services.reporting.repository import CONSUMER
from services.reporting.trends.words import SkillWords
from shared.clock import Clock
from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.settings import ReportSettings
from shared.db.pool import Connection
from shared.db.sql import Queries

SQL = Queries("services.reporting", "freshness.sql")


class _Skill(Record, frozen=True, kw_only=True):
    key: str
    name: str | None
    hidden: bool


_SKILLS = msgspec.json.Decoder(tuple[_Skill, ...])


class State(NamedTuple):
    """What an answer starts from."""

    as_of: AsOf
    settings: ReportSettings
    today: date
    """In the tenant's time zone."""
    skills: SkillWords
    """How the tenant calls its skills, and which it does not show."""
    version: int
    """Of what is counted: moves when events or marks change it (`repository.count_version`)."""

    @property
    def basis(self) -> Hashable:
        """What an answer depends on besides its question: equal for equal answers."""
        return (
            self.version,
            self.settings,
            self.today,
            tuple(sorted(self.skills.names.items())),
            self.skills.hidden,
        )


async def as_of(connection: Connection, tenant_id: UUID, clock: Clock) -> AsOf:
    """Return what is counted now; ask before the numbers, which then hold at least that much.

    Raises:
        NotReadyError: everything of the tenant is being counted anew.
    """
    return (await state(connection, tenant_id, clock)).as_of


async def state(connection: Connection, tenant_id: UUID, clock: Clock) -> State:
    """Return what is counted, chosen and called how; ask before the numbers.

    Raises:
        NotReadyError: everything of the tenant is being counted anew, or there is no such tenant.
    """
    now = clock.now()
    row = await connection.fetchrow(SQL["state"], tenant_id, CONSUMER)
    if row is None or row["is_rebuilding"]:
        raise NotReadyError
    fresh = AsOf(
        at=min(now, row["waits_since"] or now), position=row["position"], behind=row["behind"]
    )
    return State(
        as_of=fresh,
        settings=_settings(row),
        today=now.astimezone(ZoneInfo(row["time_zone"])).date(),
        skills=_words(row["skills"]),
        version=row["version"],
    )


def _settings(row: asyncpg.Record) -> ReportSettings:
    if row["revision"] is None:
        return ReportSettings()
    return ReportSettings(**{name: row[name] for name in ReportSettings.__struct_fields__})


def _words(raw: str | None) -> SkillWords:
    skills = _SKILLS.decode(raw) if raw else ()
    return SkillWords(
        names={each.key: each.name for each in skills if each.name},
        hidden=frozenset(each.key for each in skills if each.hidden),
    )

"""An office that has one of everything, and a clock that tests of retention move."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.api.context import ProcessContext
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.api.conftest import Partner
from tests.integration.api.furnished import Furnisher
from tests.support.openapi_cases import Json

WORDS = {"simulation_transcripts": 30, "conversation_transcripts": 30, "score_details": 60}


class LaterClock:
    """Shows a time that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Office:
    """A tenant that has one of everything."""

    def __init__(self, partner: Partner, kept: Json, database: Database) -> None:
        self.partner = partner
        self.kept = kept
        self.tenant_id = partner.tenant.tenant_id
        self._database = database

    async def fetch(self, statement: str, *more: object) -> list[asyncpg.Record]:
        async with tenant_tx(self._database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *more)

    async def get(self, path: str) -> Any:
        response = await self.partner.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    async def set(self, **days: int | None) -> None:
        revision = (await self.get("/v1/settings/retention"))["revision"]
        body = {"expected_revision": revision, **days}
        response = await self.partner.put("/v1/settings/retention", body)
        assert response.status_code == 200, response.text

    async def rest(self) -> None:
        """All work is over."""
        for statement in (
            (
                "update simulations set status = 'ended', end_reason = 'left', ended_at = now()"
                " where tenant_id = $1 and status = 'open'"
            ),
            (
                "update scorings set status = 'failed', failure_code = 'x', finished_at = now()"
                " where tenant_id = $1 and status in ('held', 'queued', 'running')"
            ),
            "delete from jobs where tenant_id = $1",
        ):
            await self.fetch(f"{statement} returning 1")

    async def assessment(self) -> Json:
        found: Json = await self.get(f"/v1/assessments/{self.kept['assessment']}")
        return found

    async def turns(self) -> list[str]:
        found = await self.get(f"/v1/simulations/{self.kept['simulation']}/turns")
        return [turn["text"] for turn in found["data"]]


async def furnished_office(partner: Partner, context: ProcessContext, database: Database) -> Office:
    """Return an office in which all work is over."""
    made = Office(partner, await Furnisher(partner, context).furnish(), database)
    await made.rest()
    return made


def quotes_of(assessment: Json) -> list[str]:
    return [
        evidence["quote"]
        for criterion in assessment["criteria"]
        for indicator in criterion["indicators"]
        for evidence in indicator["evidence"]
    ]

"""A team of six whose people score, and questions about it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.contracts.reports.base import ReportQuery
from shared.contracts.reports.trend import TrendQuery, TrendReply
from shared.contracts.subjects import report_subject
from tests.integration.reporting.reporting_world import World

WEDNESDAY = datetime(2026, 9, 30, 12, tzinfo=UTC)
MONDAY = date(2026, 9, 28)
SIX = 6

Reply = TypeVar("Reply")


class Team(msgspec.Struct, frozen=True):
    """A team and its people."""

    tenant_id: UUID
    team_id: UUID
    learner_ids: tuple[UUID, ...]

    def query(self, start: date = MONDAY, end: date = MONDAY, **changes: object) -> TrendQuery:
        """A question about one week, unless more is said."""
        body = {
            "tenant_id": self.tenant_id,
            "team_id": self.team_id,
            "skill": None,
            "start": start,
            "end": end,
            "source": "all",
        }
        return msgspec.convert(body | changes, TrendQuery)


async def a_team(world: World, people: int = SIX, tenant_id: UUID | None = None) -> Team:
    """Write a team, in a tenant of its own unless one is given."""
    tenant_id = tenant_id or await world.tenant()
    team_id = await world.team(tenant_id)
    learners = [await world.learner(tenant_id) for _ in range(people)]
    for learner_id in learners:
        await world.member(tenant_id, learner_id, team_id)
    return Team(tenant_id, team_id, tuple(learners))


async def everybody_scores(
    world: World, team: Team, at: datetime, skills: dict[str, Sequence[int]], source: str = "call"
) -> list[UUID]:
    """Write one scored conversation per person, in order; as many as there are scores."""
    return [
        await world.scoring(
            team.tenant_id,
            learner_id,
            at,
            {skill: scores[index] for skill, scores in skills.items()},
            source,
        )
        for index, learner_id in enumerate(team.learner_ids)
        if index < min(map(len, skills.values()))
    ]


async def ask(client: Client, name: str, query: ReportQuery | bytes) -> Msg:
    """Return whatever comes back."""
    payload = query if isinstance(query, bytes) else msgspec.json.encode(query)
    return await client.request(report_subject(name), payload, timeout=5)


async def answer(client: Client, name: str, query: ReportQuery, reply: type[Reply]) -> Reply:
    """Return an answer that is no refusal."""
    message = await ask(client, name, query)
    assert message.headers is None
    return msgspec.json.decode(message.data, type=reply)


async def trend(client: Client, query: TrendQuery) -> TrendReply:
    """Return a trend."""
    return await answer(client, "trend", query, TrendReply)

"""Two teams of six, made over the API."""

import asyncio
from datetime import date
from typing import Final

import msgspec

from infra.demo.client import Api
from infra.demo.views import Created

TEAMS: Final = {
    "Harbor": ("Sam", "Amara", "Ben", "Chloe", "Dario", "Elif"),
    "Meadow": ("Hugo", "Gita", "Ines", "Jonas", "Keiko", "Luca"),
}
"""First names by team; Harbor is the one whose calls get better. The first of a
team practices: the skilled script introduces itself as Sam."""


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """A team member."""

    id: str
    name: str


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A team with its members."""

    id: str
    name: str
    learners: tuple[Learner, ...]


async def create_teams(api: Api, run_id: str, since: date) -> tuple[Team, ...]:
    """Make both teams; everybody has been a member since `since`.

    External ids carry the run, so a second run makes two new teams beside the first ones.
    """
    return tuple(
        await asyncio.gather(
            *(_create_team(api, run_id, name, people, since) for name, people in TEAMS.items())
        )
    )


async def _create_team(
    api: Api, run_id: str, name: str, people: tuple[str, ...], since: date
) -> Team:
    body = {"name": f"Team {name}", "external_id": f"{run_id}-{name.lower()}"}
    team = await api.post("/v1/teams", body, Created)

    async def join(person: str) -> Learner:
        learner = {
            "external_id": f"{run_id}-{person.lower()}",
            "name": person,
            "memberships": [{"team_id": team.id, "from": since}],
        }
        return Learner(id=(await api.post("/v1/learners", learner, Created)).id, name=person)

    members = await asyncio.gather(*(join(person) for person in people))
    return Team(id=team.id, name=name, learners=tuple(members))

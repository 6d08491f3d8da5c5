"""People of a team in the order of a skill: only for tenants that have asked for it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from services.reporting.desk import Desk, QuestionError
from services.reporting.freshness import as_of
from services.reporting.practice import repository
from services.reporting.settings import report_settings
from services.reporting.trends.proficiency import Level, Moments, levels
from shared.contracts.reports.practice import Ranked, Ranking, RankingQuery
from shared.db.tx import tenant_tx
from shared.ids import format_id

Known = tuple[UUID, Level]
"""A learner, and their level in the skill."""


async def team_ranking(desk: Desk, query: RankingQuery) -> Ranking:
    """Answer with the members of today, by what they did in this team.

    Raises:
        QuestionError: the tenant has not asked for rankings, or the skill is not shown.
    """
    tenant_id = query.tenant_id
    async with tenant_tx(desk.database, tenant_id) as connection:
        fresh = await as_of(connection, tenant_id, desk.clock)
        if not (await report_settings(connection, tenant_id)).rank_people:
            raise QuestionError("the tenant does not rank people")
        words = await repository.words(connection, tenant_id)
        members = await repository.members(connection, tenant_id, query.team_id, query.today)
        rows = await repository.team_moments(connection, tenant_id, query.team_id, query.today)
    if not words.is_shown(query.skill):
        raise QuestionError("the skill is not shown", "skill")
    known = _known(rows, members, query.skill)
    ranked = _ranked(known)
    name = words.name(query.skill)
    return Ranking(
        as_of=fresh,
        headline=_headline(name, ranked),
        skill=query.skill,
        name=name,
        people=ranked,
        unknown=tuple(
            sorted(
                format_id("lrn", each) for each in set(members.values()) - {who for who, _ in known}
            )
        ),
    )


def _known(rows: Sequence[Moments], members: Mapping[UUID, UUID], skill: str) -> list[Known]:
    by_person: dict[UUID, list[Moments]] = defaultdict(list)
    for row in rows:
        by_person[row.person_id].append(row)
    return [
        (members[person], level)
        for person, moments in by_person.items()
        if person in members
        for level in levels(moments)[0]
        if level.skill == skill
    ]


def _ranked(known: Sequence[Known]) -> tuple[Ranked, ...]:
    """Return everybody with their place: one more than the people who are surely better."""
    ordered = sorted(known, key=lambda each: (-each[1].score, each[0]))
    return tuple(
        Ranked(
            learner_id=format_id("lrn", who),
            place=1 + sum(other.low > level.high for _, other in known),
            n=level.n,
            score=level.score,
            low=level.low,
            high=level.high,
            tier=level.tier,
        )
        for who, level in ordered
    )


def _headline(name: str, ranked: Sequence[Ranked]) -> str:
    if not ranked:
        return f"{name}: nobody has three scores yet, so there is no order."
    first = sum(each.place == 1 for each in ranked)
    if first == len(ranked):
        return f"{name}: no order among {first} people can be told from chance."
    return (
        f"{name}: {first} of {len(ranked)} people share the first place; whose intervals overlap "
        "cannot be told apart."
    )

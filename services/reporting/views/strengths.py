"""What a team or a learner is good at, and which assessments show it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from services.reporting.desk import Desk
from services.reporting.freshness import state
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.sheet import countable
from services.reporting.trends.shelf import KIND_OF, KINDS, Source
from services.reporting.trends.strengths import (
    MIN_ATTEMPTS,
    levels_of_learner,
    levels_of_team,
    strengths_headline,
    strengths_of,
)
from services.reporting.trends.tables import names_of, table_of
from services.reporting.views.ranges import Range, checked_range
from services.reporting.views.rollups import SQL, team_sheet
from shared.contracts.reports.tables import (
    Example,
    LearnerStrengthsQuery,
    StandOut,
    StrengthsReply,
    TeamStrengthsQuery,
)
from shared.db.pool import Connection
from shared.db.tx import tenant_reads

EXAMPLES: Final = 3
"""Assessments named per skill."""


async def team_strengths(desk: Desk, query: TeamStrengthsQuery) -> StrengthsReply:
    """Answer for a team, from what enough of its people scored.

    Raises:
        QuestionError: the range is wrong.
        NotReadyError: numbers are being counted anew.
    """
    asked = checked_range(query.start, query.end)
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)
    sheet = await team_sheet(reads, query.tenant_id, query.team_id, *asked)
    least, open_from = current.settings.min_people, bucket_of(current.today)
    blocks = countable(sheet, "skill", min_people=least, open_from=open_from)
    names = names_of(sheet, "skill", current.skills.hidden, *asked)
    table = table_of(sheet, blocks, "skill", KINDS[query.source], names, *asked)
    levels = levels_of_team(table, seed=query.team_id.int & 0xFFFF_FFFF)
    found = strengths_of(levels, current.skills)
    examples: dict[str, tuple[Example, ...]] = {}
    if query.has_evidence:
        shown = (*found.strengths, *found.areas)
        examples = await _team_examples(reads, query, asked, shown)
    nothing = f"Too few people scored in this time: a number needs at least {least} of them."
    return StrengthsReply(
        mean=found.mean,
        strengths=_with(found.strengths, examples),
        areas=_with(found.areas, examples),
        too_little=tuple(sorted(each.skill for each in table.hidden)),
        headline=strengths_headline(found, current.skills, nothing),
        min_people=least,
        as_of=current.as_of,
    )


async def learner_strengths(desk: Desk, query: LearnerStrengthsQuery) -> StrengthsReply:
    """Answer for one learner, from their own scores; a person is not a group.

    Raises:
        QuestionError: the range is wrong.
        NotReadyError: numbers are being counted anew.
    """
    first, last = checked_range(query.start, query.end)
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)
    rows = await reads.fetch(
        SQL["learner_scores"], query.tenant_id, query.learner_id, first, last, sources(query.source)
    )
    scores: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if row["skill"] not in current.skills.hidden:
            scores[row["skill"]].append(row["score"])
    found = strengths_of(levels_of_learner(scores), current.skills)
    examples: dict[str, list[tuple[float, Example]]] = defaultdict(list)
    means = {each.skill: each.mean for each in (*found.strengths, *found.areas)}
    for row in rows if query.has_evidence else ():
        if row["skill"] in means:
            one = Example(assessment_id=row["assessment_id"], day=row["day"])
            examples[row["skill"]].append((abs(row["score"] - means[row["skill"]]), one))
    nearest = {skill: _nearest(each) for skill, each in examples.items()}
    nothing = f"Too few scores in this time: a skill needs at least {MIN_ATTEMPTS} of them."
    return StrengthsReply(
        mean=found.mean,
        strengths=_with(found.strengths, nearest),
        areas=_with(found.areas, nearest),
        too_little=tuple(sorted(skill for skill in scores if len(scores[skill]) < MIN_ATTEMPTS)),
        headline=strengths_headline(found, current.skills, nothing),
        min_people=1,
        as_of=current.as_of,
    )


def sources(source: Source) -> list[str]:
    """Return the stored sources that a question's source asks for."""
    kind = KINDS[source]
    return [name for name, its_kind in KIND_OF.items() if kind in {None, its_kind}]


async def _team_examples(
    reads: Connection, query: TeamStrengthsQuery, asked: Range, shown: Sequence[StandOut]
) -> dict[str, tuple[Example, ...]]:
    rows = await reads.fetch(
        SQL["team_examples"],
        query.tenant_id,
        query.team_id,
        *asked,
        sources(query.source),
        [each.skill for each in shown],
        [each.mean for each in shown],
        EXAMPLES,
    )
    found: dict[str, tuple[Example, ...]] = {}
    for row in rows:
        one = Example(assessment_id=row["assessment_id"], day=row["day"])
        found[row["skill"]] = (*found.get(row["skill"], ()), one)
    return found


def _nearest(examples: list[tuple[float, Example]]) -> tuple[Example, ...]:
    """Return the newest of those that are nearest to the mean: typical ones, not the extremes."""
    ranked = sorted(examples, key=lambda pair: (pair[0], -pair[1].day.toordinal()))
    return tuple(example for _, example in ranked[:EXAMPLES])


def _with(
    shown: Sequence[StandOut], examples: dict[str, tuple[Example, ...]]
) -> tuple[StandOut, ...]:
    return tuple(
        msgspec.structs.replace(each, evidence=examples.get(each.skill, ())) for each in shown
    )

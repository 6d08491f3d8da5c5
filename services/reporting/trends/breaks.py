"""Where another version of a rubric or of the judge begins: levels on both sides do not compare."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.reporting.trends.buckets import week_of
from shared.contracts.reports.trend import TrendBreak


class Version(NamedTuple):
    """What attempts of a team were scored with, and since when."""

    rubric_id: UUID
    rubric_version: int
    engine: str
    first: date


def breaks_of(
    versions: Sequence[Version],
    skills: Mapping[tuple[UUID, int], Collection[str]],
    *,
    start: date,
) -> tuple[TrendBreak, ...]:
    """Return the breaks from a day on, in time order.

    A rubric or judge that is the first of its kind breaks nothing: there is no level before it.

    Args:
        versions: since well before `start`, so that a change just before it is no change after it.
        skills: what each version of a rubric scores.
        start: first day of the range.
    """
    found = [
        *_rubric_breaks(versions, skills),
        *_engine_breaks(versions),
    ]
    return tuple(
        sorted(
            (each for each in found if each.day >= start),
            key=lambda each: (each.day, each.kind, str(each.rubric_id)),
        )
    )


def break_marks(
    breaks: Sequence[TrendBreak], names: Sequence[str], weeks: Sequence[date]
) -> npt.NDArray[np.bool_]:
    """Return for each skill (or root) and week whether another version begins in it."""
    found = np.zeros((len(names), len(weeks)), dtype=np.bool_)
    for each in breaks:
        # A week without a score has no column: the break shows at the next one that has.
        at = next((i for i, week in enumerate(weeks) if week >= each.week), None)
        if at is None or at == 0:
            continue
        for row, name in enumerate(names):
            if not each.skills or any(_is_in(skill, name) for skill in each.skills):
                found[row, at] = True
    return found


def _is_in(skill: str, name: str) -> bool:
    return name in {skill, skill.partition(".")[0]}


def _rubric_breaks(
    versions: Sequence[Version], skills: Mapping[tuple[UUID, int], Collection[str]]
) -> list[TrendBreak]:
    since: dict[UUID, dict[int, date]] = defaultdict(dict)
    for each in versions:
        known = since[each.rubric_id]
        known[each.rubric_version] = min(known.get(each.rubric_version, each.first), each.first)
    return [
        TrendBreak(
            day=day,
            week=week_of(day),
            kind="rubric",
            rubric_id=rubric_id,
            rubric_version=version,
            engine=None,
            skills=tuple(sorted(skills.get((rubric_id, version), ()))),
        )
        for rubric_id, days in since.items()
        for version, day in sorted(days.items(), key=lambda item: (item[1], item[0]))[1:]
    ]


def _engine_breaks(versions: Sequence[Version]) -> list[TrendBreak]:
    since: dict[str, date] = {}
    for each in versions:
        since[each.engine] = min(since.get(each.engine, each.first), each.first)
    return [
        TrendBreak(
            day=day,
            week=week_of(day),
            kind="engine",
            rubric_id=None,
            rubric_version=None,
            engine=engine,
            skills=(),
        )
        for engine, day in sorted(since.items(), key=lambda item: (item[1], item[0]))[1:]
    ]

"""How much was practiced: by learner and week, and by team in runs of weeks with enough people."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from services.reporting.trends.buckets import bucket_of, last_day, week_of
from services.reporting.trends.limits import Unit, groups_of
from shared.contracts.base import Record

Kind = Literal["practice", "real"]


class Effort(Record, frozen=True, kw_only=True):
    """What one person did of one kind on one day."""

    person_id: UUID
    kind: Kind
    day: date
    attempts: int
    minutes: float
    """Of the attempts whose length is known."""
    timed: int
    """How many those are."""


class Volume(Record, frozen=True, kw_only=True):
    """A sum of efforts."""

    attempts: int = 0
    minutes: float = 0.0
    timed: int = 0


class Week(Record, frozen=True, kw_only=True):
    """One person's week."""

    week: date
    practice: Volume
    real: Volume


class Period(Record, frozen=True, kw_only=True):
    """A run of cut weeks in which at least the least number of people were active."""

    kind: Kind
    first: date
    last: date
    """Last day, inclusive."""
    volume: Volume
    people: int
    """Distinct people with an attempt."""


class Gap(Record, frozen=True, kw_only=True):
    """Days with attempts of too few people: nothing is told about them."""

    kind: Kind
    first: date
    last: date


def by_week(efforts: Iterable[Effort], weeks: Sequence[date]) -> tuple[Week, ...]:
    """Return what one person did in each of the weeks (Mondays), weeks without anything too."""
    parts: dict[tuple[date, Kind], list[Effort]] = defaultdict(list)
    for effort in efforts:
        parts[week_of(effort.day), effort.kind].append(effort)
    return tuple(
        Week(
            week=week,
            practice=_sum(parts.get((week, "practice"), ())),
            real=_sum(parts.get((week, "real"), ())),
        )
        for week in weeks
    )


def by_period(
    efforts: Iterable[Effort], *, min_people: int, open_from: date
) -> tuple[tuple[Period, ...], tuple[Gap, ...]]:
    """Return what may be told of a team, and where it may not; both by kind and time.

    Periods depend on the data of their month only. So give whole months, and show whole periods:
    then no two answers differ by what a few people did.

    Args:
        efforts: Of all people, of whole months.
        min_people: Of a period.
        open_from: First day of the cut week that is not over yet; nothing from there on counts.
    """
    cells: dict[tuple[Kind, date], list[Effort]] = defaultdict(list)
    bits: dict[UUID, int] = {}
    for effort in efforts:
        bits.setdefault(effort.person_id, 1 << len(bits))
        if effort.day < open_from:
            cells[effort.kind, bucket_of(effort.day)].append(effort)
    periods: list[Period] = []
    gaps: list[Gap] = []
    kinds: tuple[Kind, ...] = ("practice", "real")
    for kind in kinds:
        buckets = sorted(bucket for each, bucket in cells if each == kind)
        units = [
            Unit(
                period=bucket.replace(day=1),
                bucket=bucket,
                people=_mask(cells[kind, bucket], bits),
            )
            for bucket in buckets
        ]
        groups = groups_of(units, min_people=min_people)
        told = {index for group in groups for index in group}
        periods += [
            _period(
                kind, [(buckets[each], cells[kind, buckets[each]]) for each in group], min_people
            )
            for group in groups
        ]
        gaps += [
            Gap(kind=kind, first=bucket, last=last_day(bucket))
            for index, bucket in enumerate(buckets)
            if index not in told
        ]
    return tuple(periods), tuple(gaps)


def _mask(efforts: Iterable[Effort], bits: dict[UUID, int]) -> int:
    mask = 0
    for effort in efforts:
        mask |= bits[effort.person_id]
    return mask


def _period(kind: Kind, parts: Sequence[tuple[date, list[Effort]]], min_people: int) -> Period:
    efforts = [effort for _, each in parts for effort in each]
    whole = _sum(efforts)
    if len({effort.person_id for effort in efforts if effort.timed}) < min_people:
        whole = Volume(attempts=whole.attempts)  # the minutes would be about a few people
    return Period(
        kind=kind,
        first=parts[0][0],
        last=last_day(parts[-1][0]),
        volume=whole,
        people=len({effort.person_id for effort in efforts}),
    )


def _sum(efforts: Iterable[Effort]) -> Volume:
    whole = list(efforts)
    return Volume(
        attempts=sum(each.attempts for each in whole),
        minutes=sum(each.minutes for each in whole),
        timed=sum(each.timed for each in whole),
    )

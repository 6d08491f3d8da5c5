"""A team's lines: points of whole weeks or months, put together from blocks of enough people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

import numpy as np

from services.reporting.trends.buckets import last_day, week_of
from services.reporting.trends.distributions import CELLS, quartile_rows
from services.reporting.trends.limits import Kind, Points, Scope, points_of
from services.reporting.trends.people import Integers
from services.reporting.trends.sheet import (
    DAY_BITS,
    Booleans,
    Countable,
    Level,
    Sheet,
    histograms_of,
    in_range,
    name_of,
    sums_of,
)
from services.reporting.trends.stats.bootstrap import mean_intervals
from shared.contracts.reports.trend import Reason, TrendGap, TrendPoint, TrendRunning

Unit = Literal["week", "month"]

_DAY: Final = (1 << DAY_BITS) - 1


class Asked(NamedTuple):
    """Which lines are wanted."""

    team_id: UUID
    names: tuple[str, ...]
    """Skills, or roots; sorted."""
    level: Level
    kind: Kind | None
    """None: practice and real conversations together."""
    start: date
    end: date
    """Last day in which a bucket may begin."""
    unit: Unit


class Span(NamedTuple):
    """Where a point stands."""

    line: int
    """Index of its name."""
    first: date
    last: date
    """First and last bucket."""
    is_partial: bool = False
    """Whether something that was scored in these buckets has too few people and is left out."""


class Lines(NamedTuple):
    """Points, and which atoms each counts."""

    names: tuple[str, ...]
    spans: tuple[Span, ...]
    """Sorted by line, then time."""
    place: Integers
    """Of each atom: the point that counts it; -1: none. No atom is in two."""
    gaps: tuple[TrendGap, ...]


def lines_of(sheet: Sheet, blocks: Countable, asked: Asked) -> Lines:
    """Return every line over the buckets that start between two days, inclusive."""
    line = _line_of_atom(sheet, asked)
    shown = (line >= 0) & in_range(sheet, asked.start, asked.end)
    spans, place = _whole_spans(sheet, blocks.alone & shown, line, asked.unit)
    gaps = _open_gaps(sheet, blocks, shown, line)
    weeks = enumerate(spans if blocks.names else ())
    halves = {(span.line, week_of(span.first)): at for at, span in weeks}
    for index, found in _joined_points(blocks, asked):
        for point in found.points:
            is_partial = any(point.first <= each <= point.last for each in found.partial)
            span = Span(index, point.first, point.last, is_partial)
            at = _other_half(span, halves) if asked.unit == "week" else None
            place[blocks.members[list(point.atoms)]] = len(spans) if at is None else at
            if at is None:
                spans.append(span)
            else:
                spans[at] = _one_week(spans[at], span)
        gaps += [(index, each.bucket, each.reason) for each in found.suppressed]
    order = sorted(range(len(spans)), key=spans.__getitem__)
    rank = np.empty(len(spans) + 1, dtype=np.int64)
    rank[order], rank[-1] = np.arange(len(spans)), -1  # the last one is place -1
    return Lines(
        names=asked.names,
        spans=tuple(spans[index] for index in order),
        place=rank[place],
        gaps=tuple(
            TrendGap(skill=asked.names[index], week=week_of(day), start=day, reason=reason)
            for index, day, reason in sorted(gaps)
        ),
    )


def _joined_points(blocks: Countable, asked: Asked) -> Iterator[tuple[int, Points]]:
    """Yield the points of what has to be looked at together, with the index of its name."""
    for index, name in enumerate(asked.names):
        if (asked.team_id, name) in blocks.names:
            scope = Scope(asked.team_id, name, asked.kind)
            yield (
                index,
                points_of(
                    blocks.partition, scope, start=asked.start, end=asked.end, unit=asked.unit
                ),
            )


def _other_half(span: Span, weeks: Mapping[tuple[int, date], int]) -> int | None:
    """Return which week of its own is cut by the month's end from this one, if it is one too."""
    return weeks.get((span.line, week_of(span.first))) if span.first == span.last else None


def _one_week(one: Span, other: Span) -> Span:
    return Span(
        one.line,
        min(one.first, other.first),
        max(one.last, other.last),
        one.is_partial or other.is_partial,
    )


def trend_points(
    sheet: Sheet, lines: Lines, unit: Unit, *, seed: int | None
) -> tuple[TrendPoint, ...]:
    """Return all points with their numbers, in the order of the spans.

    Args:
        sheet: what is counted, histograms included.
        lines: which points there are.
        unit: what a point's `week` names.
        seed: of the intervals; None: there are none, which is quicker.
    """
    spans = lines.spans
    if not spans:
        return ()
    histograms = histograms_of(sheet, lines.place, len(spans))
    n = histograms.sum(axis=1)
    means = np.round(histograms @ np.arange(CELLS) / n, 1).tolist()
    cuts = quartile_rows(histograms).tolist()
    sums = sums_of(sheet, lines.place, len(spans))
    learners = (sums.n > 0).sum(axis=1).tolist()
    low: list[float | None] = [None] * len(spans)
    high = low
    if seed is not None:
        bounds = mean_intervals(sums.n, sums.totals, seed=seed)
        low, high = np.round(bounds.low, 1).tolist(), np.round(bounds.high, 1).tolist()
    return tuple(
        TrendPoint(
            skill=lines.names[span.line],
            week=_named(span.first, unit),
            start=span.first,
            through=last_day(span.last),
            n=amount,
            learners=learners[at],
            mean=means[at],
            q1=cuts[at][0],
            median=cuts[at][1],
            q3=cuts[at][2],
            low=low[at],
            high=high[at],
            is_partial=span.is_partial,
        )
        for at, (span, amount) in enumerate(zip(spans, n.tolist(), strict=True))
    )


def running_of(
    sheet: Sheet, blocks: Countable, asked: Asked, min_people: int
) -> tuple[TrendRunning, ...]:
    """Return how much the bucket that is not over yet holds, without any score."""
    line = _line_of_atom(sheet, asked)
    is_open = sheet.day >= blocks.open_from.toordinal()
    is_shown = (line >= 0) & is_open & in_range(sheet, asked.start, asked.end)
    if not is_shown.any():
        return ()
    sums = sums_of(sheet, np.where(is_shown, line, -1), len(asked.names))
    learners = (sums.n > 0).sum(axis=1).tolist()
    return tuple(
        TrendRunning(
            skill=name,
            week=week_of(blocks.open_from),
            n=int(sums.n[at].sum()),
            learners=learners[at],
        )
        for at, name in enumerate(asked.names)
        if learners[at] >= min_people
    )


def _named(first: date, unit: Unit) -> date:
    return week_of(first) if unit == "week" else first.replace(day=1)


def _line_of_atom(sheet: Sheet, asked: Asked) -> Integers:
    """Return for each atom the index of the name it counts for; -1: none."""
    index = {name: at for at, name in enumerate(asked.names)}
    of_group = [
        index.get(name_of(group.skill, asked.level), -1)
        if group.team == asked.team_id and asked.kind in {None, group.kind}
        else -1
        for group in sheet.groups
    ]
    return np.array(of_group, dtype=np.int64)[sheet.group]


def _whole_spans(
    sheet: Sheet, shown: Booleans, line: Integers, unit: Unit
) -> tuple[list[Span], Integers]:
    """Return the weeks or months of atoms that are blocks of their own, and where each counts."""
    place = np.full(len(sheet.group), -1, dtype=np.int64)
    atoms = np.flatnonzero(shown)
    day = sheet.day[atoms]
    keys, point = np.unique((line[atoms] << DAY_BITS) + _period(day, unit), return_inverse=True)
    place[atoms] = point
    first, last = np.full(len(keys), _DAY, dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    np.minimum.at(first, point, day)
    np.maximum.at(last, point, day)
    dates = {one: date.fromordinal(one) for one in np.unique(day).tolist()}
    spans = [
        Span(index, dates[begin], dates[end])
        for index, begin, end in zip(
            (keys >> DAY_BITS).tolist(), first.tolist(), last.tolist(), strict=True
        )
    ]
    return spans, place


def _period(day: Integers, unit: Unit) -> Integers:
    """Return the first day of the week or month of each day; day 1 of the calendar is a Monday."""
    if unit == "week":
        return day - (day - 1) % 7
    firsts = {one: date.fromordinal(one).replace(day=1).toordinal() for one in set(day.tolist())}
    return np.array([firsts[one] for one in day.tolist()], dtype=np.int64)


def _open_gaps(
    sheet: Sheet, blocks: Countable, shown: Booleans, line: Integers
) -> list[tuple[int, date, Reason]]:
    """Return the buckets that are not over, of months that need no looking together."""
    atoms = shown & (sheet.day >= blocks.open_from.toordinal())
    atoms[blocks.members] = False
    pairs = set(zip(line[atoms].tolist(), sheet.day[atoms].tolist(), strict=True))
    return [(index, date.fromordinal(day), "not_over") for index, day in pairs]


def weeks_of(sheet: Sheet, atoms: Booleans) -> tuple[Sequence[date], Integers]:
    """Return the weeks (Mondays) that some atoms are in, ascending, and each atom's; -1: none."""
    monday = _period(sheet.day, "week")
    weeks = np.unique(monday[atoms])
    found = np.where(atoms, np.searchsorted(weeks, monday), -1)
    return [date.fromordinal(week) for week in weeks.tolist()], found

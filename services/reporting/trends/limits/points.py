"""Blocks as the points of a line: weeks or months, wider where single weeks have too few people."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from typing import Literal, NamedTuple

from services.reporting.trends.buckets import week_of, weeks_between
from services.reporting.trends.limits.grouping import Block, people_in
from services.reporting.trends.limits.pooling import Partition, Scope

Reason = Literal["too_few_people", "not_over", "in_wider_block"]
"""Why a bucket has no point: hidden; still running; or counted only by months or a wider range."""


class Point(NamedTuple):
    """What one mark of a line counts."""

    first: date
    """First and last bucket; the same, or those of one ISO week, for a week of its own."""
    last: date
    atoms: tuple[int, ...]
    """Indexes into the atoms of the partition, ascending."""
    people: int
    """How many distinct people."""


class Suppressed(NamedTuple):
    """A bucket in which somebody scored and that no point shows."""

    bucket: date
    reason: Reason


class Points(NamedTuple):
    """A line and what it leaves out."""

    points: tuple[Point, ...]
    """In time order, not overlapping."""
    suppressed: tuple[Suppressed, ...]
    partial: tuple[date, ...]
    """Buckets of points that leave out some of what was scored in them (another source or skill
    with too few people).
    """


class _Span(NamedTuple):
    first: date
    last: date


def blocks_of(partition: Partition, scope: Scope, *, start: date, end: date) -> tuple[Block, ...]:
    """Return every block that an answer about the scope and these days (inclusive) may count."""
    return tuple(
        block
        for key in partition.within(scope)
        for block in partition.blocks.get(key, ())
        if start <= block.first and block.last <= end
    )


def points_of(
    partition: Partition, scope: Scope, *, start: date, end: date, unit: Literal["week", "month"]
) -> Points:
    """Return the line of a scope over the buckets that start between two days, inclusive.

    A month is the sum of its blocks. A week of its own is shown where the blocks allow it; blocks
    of several weeks are shown as one wide point, or by months only when narrower points that
    together hold more stand in their way.
    """
    blocks = blocks_of(partition, scope, start=start, end=end)
    shown = _months(blocks) if unit == "month" else _weeks(blocks)
    points = tuple(_point(members) for members in shown)
    placed = {index for point in points for index in point.atoms}
    in_block = {index for block in blocks for index in block.atoms}
    seen = {partition.atoms[index].bucket for index in placed}
    reasons: dict[date, Reason] = {}
    partial: set[date] = set()
    for key in partition.within(scope):
        for index in partition.cells.get(key, ()):
            bucket = partition.atoms[index].bucket
            if index in placed or not start <= bucket <= end:
                continue
            if bucket in seen:
                partial.add(bucket)
            elif bucket >= partition.open_from:
                reasons[bucket] = "not_over"
            elif index in in_block:
                reasons[bucket] = "in_wider_block"
            else:
                reasons.setdefault(bucket, "too_few_people")
    return Points(
        points=points,
        suppressed=tuple(Suppressed(bucket, reasons[bucket]) for bucket in sorted(reasons)),
        partial=tuple(sorted(partial)),
    )


def _point(blocks: Sequence[Block]) -> Point:
    return Point(
        first=min(block.first for block in blocks),
        last=max(block.last for block in blocks),
        atoms=tuple(sorted(index for block in blocks for index in block.atoms)),
        people=people_in(blocks),
    )


def _months(blocks: Iterable[Block]) -> list[list[Block]]:
    months: dict[date, list[Block]] = defaultdict(list)
    for block in blocks:
        months[block.first.replace(day=1)].append(block)
    return [months[month] for month in sorted(months)]


def _weeks(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks of each week or wider span, in time order."""
    spans = [
        [block for block in month if span.first <= block.first and block.last <= span.last]
        for month in _months(blocks)
        for span in _best_spans(month)
    ]
    # An ISO week that a month end cuts in two is one week again when both halves stand alone.
    return [
        [block for part in parts for block in part]
        for _, group in groupby(spans, key=_week_or_span)
        for parts in [list(group)]
    ]


def _week_or_span(blocks: Sequence[Block]) -> tuple[date, date]:
    first = min(block.first for block in blocks)
    last = max(block.last for block in blocks)
    if first == last:
        return week_of(first), week_of(first)
    return first, last


def _best_spans(blocks: Sequence[Block]) -> list[_Span]:
    """Return disjoint spans, in time order: as fine as the blocks allow without hiding much.

    A span is worth the atoms it counts over the root of its length in weeks; the most worth
    wins, and of equals the finer. A month has at most six buckets.
    """
    starts = sorted({block.first for block in blocks} | {block.last for block in blocks})
    spans = sorted({_Span(block.first, block.last) for block in blocks}, key=lambda s: s.last)
    best: dict[date, tuple[float, int, list[_Span]]] = {}
    known: tuple[float, int, list[_Span]] = (0.0, 0, [])
    if all(span.first == span.last for span in spans):
        return spans
    for bucket in starts:
        for span in (span for span in spans if span.last == bucket):
            before = max(
                (best[start] for start in starts if start < span.first and start in best),
                key=lambda entry: entry[:2],
                default=(0.0, 0, []),
            )
            held = sum(
                len(b.atoms) for b in blocks if span.first <= b.first and b.last <= span.last
            )
            length = weeks_between(span.first, span.last)
            worth = before[0] + held / length**0.5
            known = max(
                known, (worth, before[1] + 1, [*before[2], span]), key=lambda entry: entry[:2]
            )
        best[bucket] = known
    return known[2]

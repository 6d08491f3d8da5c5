"""Weeks of answers and contacts into points that hold enough people and enough answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Generic, NamedTuple, TypeVar

from services.reporting.trends.buckets import bucket_of, last_day
from services.reporting.trends.limits import Unit as Piece
from services.reporting.trends.limits import enough, groups_of
from shared.contracts.reports.outcomes import (
    MIN_ANSWERS,
    HiddenTime,
    Reason,
    Unit,
)

Numbers = TypeVar("Numbers")

Block = tuple[int, ...]
"""Indexes of the weeks that are only ever counted together."""


class Week(NamedTuple):
    """What one measure holds in one cut week."""

    bucket: date
    people: int
    """Bit mask of those whose answers or contacts these are."""
    n: int
    """Answers or contacts."""


class Frame(NamedTuple):
    """What is asked for, and the limits."""

    start: date
    end: date
    """First and last day, inclusive; widened to the weeks (cut at month ends) that they touch."""
    unit: Unit
    open_from: date
    """First bucket that is not over yet."""
    min_people: int


def blocks_in(weeks: Sequence[Week], frame: Frame) -> tuple[Block, ...]:
    """Return the blocks of everything that is over, whatever range is asked for, in time order.

    Enough people first, exactly as everywhere; then such blocks of a month are joined until there
    are `MIN_ANSWERS`. What is left over stays hidden, so that a later week never shows it.
    """
    over = [index for index, week in enumerate(weeks) if week.bucket < frame.open_from]
    pieces = [
        Piece(weeks[index].bucket.replace(day=1), weeks[index].bucket, weeks[index].people)
        for index in over
    ]
    groups = [
        tuple(sorted((over[place] for place in group), key=lambda index: weeks[index].bucket))
        for group in groups_of(pieces, min_people=frame.min_people)
    ]
    return tuple(_with_answers(groups, weeks))


class Span(NamedTuple, Generic[Numbers]):
    """One point."""

    start: date
    end: date
    numbers: Numbers


class Line(NamedTuple, Generic[Numbers]):
    """One measure over time."""

    period: Numbers | None
    """All points together; None where there are none."""
    points: tuple[Span[Numbers], ...]
    suppressed: tuple[HiddenTime, ...]


def line_of(
    weeks: Sequence[Week], frame: Frame, number: Callable[[Sequence[Block]], Numbers]
) -> Line[Numbers]:
    """Return one measure over time.

    Args:
        weeks: what there is, in whole months, a bucket at most once.
        frame: what is asked for.
        number: the numbers of some blocks together.
    """
    blocks = blocks_in(weeks, frame)
    shown = [block for block in blocks if _is_inside(block, weeks, frame)]
    return Line(
        number(shown) if shown else None,
        tuple(_points(shown, weeks, frame.unit, number)),
        tuple(_hidden(weeks, blocks, shown, frame)),
    )


def people_of(blocks: Iterable[Block], masks: Sequence[int]) -> int:
    """Return how many distinct people are in the blocks."""
    return reduce(or_, (masks[index] for block in blocks for index in block), 0).bit_count()


def _with_answers(groups: Iterable[Block], weeks: Sequence[Week]) -> Iterator[Block]:
    current: Block = ()
    for group in groups:
        if current and weeks[current[0]].bucket.replace(day=1) != _month(group, weeks):
            current = ()
        current += group
        if sum(weeks[index].n for index in current) >= MIN_ANSWERS:
            yield current
            current = ()


def _month(block: Block, weeks: Sequence[Week]) -> date:
    return weeks[block[0]].bucket.replace(day=1)


def _is_inside(block: Block, weeks: Sequence[Week], frame: Frame) -> bool:
    return bucket_of(frame.start) <= weeks[block[0]].bucket <= weeks[block[-1]].bucket <= frame.end


def _points(
    shown: Sequence[Block],
    weeks: Sequence[Week],
    unit: Unit,
    number: Callable[[Sequence[Block]], Numbers],
) -> Iterator[Span[Numbers]]:
    for _, members in groupby(
        shown, key=lambda block: _month(block, weeks) if unit == "month" else block
    ):
        blocks = list(members)
        end = last_day(weeks[blocks[-1][-1]].bucket)
        yield Span(weeks[blocks[0][0]].bucket, end, number(blocks))


def _hidden(
    weeks: Sequence[Week], blocks: Sequence[Block], shown: Sequence[Block], frame: Frame
) -> Iterator[HiddenTime]:
    visible = {index for block in shown for index in block}
    placed = {index for block in blocks for index in block}
    months: dict[date, int] = {}
    for week in weeks:
        month = week.bucket.replace(day=1)
        months[month] = months.get(month, 0) | week.people
    for index in sorted(range(len(weeks)), key=lambda index: weeks[index].bucket):
        week = weeks[index]
        is_asked = bucket_of(frame.start) <= week.bucket <= frame.end
        if index in visible or not is_asked:
            continue
        reason: Reason = "too_few_people"
        if week.bucket >= frame.open_from:
            reason = "not_over"
        elif index in placed:
            reason = "in_wider_block"
        elif enough(months[week.bucket.replace(day=1)], frame.min_people):
            reason = "too_few_answers"
        yield HiddenTime(week=week.bucket, reason=reason)

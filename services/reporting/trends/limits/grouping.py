"""Units of time into blocks that each hold enough distinct people; people are bits of a mask."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from operator import itemgetter, or_
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

MIN_PEOPLE: Final = 5
"""The floor: a tenant may ask for more people in every number, never for fewer."""


class Unit(NamedTuple):
    """The smallest thing that is either wholly in a block or not at all."""

    period: date
    """First day of the month: no block reaches over its end, so months are sums of blocks."""
    bucket: date
    """First day of the cut week; units of one bucket are never torn apart."""
    people: int
    """Bit mask, one bit per person."""


class Block(NamedTuple):
    """One or more units or atoms that are only ever counted together."""

    period: date
    """First day of its month."""
    first: date
    """First and last bucket."""
    last: date
    people: int
    """Bit mask of everybody in it."""
    atoms: tuple[int, ...]
    """Indexes of its units or atoms."""


_FIRST: Final = itemgetter(1)
"""The first bucket of a block."""


class Closing(NamedTuple):
    """What became of pieces."""

    blocks: list[Block]
    """Each with enough people."""
    rest: list[Block]
    """The given pieces that are in no block: too few people up to the end of their month."""


def enough(people: int, min_people: int) -> bool:
    """Whether a mask holds at least that many people."""
    return people.bit_count() >= min_people


def require_floor(min_people: int) -> None:
    """Raise `ValueError` when fewer than `MIN_PEOPLE` are asked for."""
    if min_people < MIN_PEOPLE:
        raise ValueError(f"a cell holds at least {MIN_PEOPLE} people")


def people_masks(
    rows: npt.NDArray[np.integer], people: npt.NDArray[np.integer], *, row_count: int
) -> list[int]:
    """Return one mask per row from pairs (row index, person index); pairs may repeat.

    Person i is bit i in the masks of this call; masks of two calls are comparable only when both
    number the people alike.
    """
    if not len(rows):
        return [0] * row_count
    present = np.zeros((row_count, int(people.max()) + 1), dtype=np.bool_)
    present[rows, people] = True
    packed = np.packbits(present, axis=1, bitorder="little")
    width, raw = packed.shape[1], packed.tobytes()
    return [
        int.from_bytes(raw[start : start + width], "little") for start in range(0, len(raw), width)
    ]


def people_in(blocks: Iterable[Block]) -> int:
    """Return how many distinct people are in the blocks together."""
    return reduce(or_, (block.people for block in blocks), 0).bit_count()


def groups_of(units: Sequence[Unit], *, min_people: int) -> tuple[tuple[int, ...], ...]:
    """Return the blocks in time order, each the ascending indexes of its units.

    Left-over units are in no block.

    With more than `MIN_PEOPLE` wanted, whole blocks of the floor are joined, so that changing
    the setting shows nothing that was hidden.

    Raises:
        ValueError: fewer than `MIN_PEOPLE` are asked for.
    """
    require_floor(min_people)
    pieces = [
        Block(unit.period, unit.bucket, unit.bucket, unit.people, (index,))
        for index, unit in enumerate(units)
    ]
    blocks = closed(pieces, MIN_PEOPLE).blocks
    if min_people > MIN_PEOPLE:
        blocks = closed(blocks, min_people).blocks
    return tuple(block.atoms for block in blocks)


def closed(pieces: Iterable[Block], min_people: int) -> Closing:
    """Join pieces in time order into blocks of at least `min_people` distinct people.

    A block is closed as soon as it has enough, and what is left at the end of a month joins none
    of them: a later unit never changes an earlier block, so asking again next week and
    subtracting does not show what was hidden this week. Pieces of one span stay together.
    """
    given = list(pieces)
    if len({piece[1] for piece in given}) == len(given):
        return _closed_in_order(sorted(given, key=_FIRST), min_people)
    spans: dict[tuple[date, date], list[Block]] = defaultdict(list)
    for piece in given:
        spans[piece.first, piece.last].append(piece)
    found = _closed_in_order([_joined(spans[span]) for span in sorted(spans)], min_people)
    return Closing(
        found.blocks, [piece for rest in found.rest for piece in spans[rest.first, rest.last]]
    )


def _closed_in_order(pieces: Iterable[Block], min_people: int) -> Closing:
    found = Closing([], [])
    month: date | None = None
    current: list[Block] = []
    people = 0
    for piece in pieces:
        if month != piece[0]:
            found.rest.extend(current)
            month, current, people = piece[0], [], 0
        people |= piece[3]
        current.append(piece)
        if people.bit_count() >= min_people:
            found.blocks.append(piece if len(current) == 1 else _joined(current))
            current, people = [], 0
    found.rest.extend(current)
    return found


def _joined(pieces: Sequence[Block]) -> Block:
    """Return the pieces, in time order, as one."""
    return Block(
        pieces[0].period,
        pieces[0].first,
        max(piece.last for piece in pieces),
        reduce(or_, (piece.people for piece in pieces)),
        tuple(sorted(atom for piece in pieces for atom in piece.atoms)),
    )

"""Honest limits: no number about too few people, and none to be had by subtracting two answers.

Facts are partitioned once into disjoint blocks of enough people each; every answer is a sum of
whole blocks. Whatever is subtracted from whatever is then again made of whole blocks.
"""

from services.reporting.trends.limits.grouping import (
    MIN_PEOPLE,
    Block,
    Unit,
    enough,
    groups_of,
    people_in,
    people_masks,
)
from services.reporting.trends.limits.points import (
    Point,
    Points,
    Suppressed,
    blocks_of,
    points_of,
)
from services.reporting.trends.limits.pooling import (
    KINDS,
    Atom,
    Kind,
    Partition,
    Scope,
    partition,
)

__all__ = [
    "KINDS",
    "MIN_PEOPLE",
    "Atom",
    "Block",
    "Kind",
    "Partition",
    "Point",
    "Points",
    "Scope",
    "Suppressed",
    "Unit",
    "blocks_of",
    "enough",
    "groups_of",
    "partition",
    "people_in",
    "people_masks",
    "points_of",
]

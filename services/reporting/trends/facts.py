"""Facts (one score of one skill in one assessment), what changed in them, and how rollups move."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.distributions import Distribution, difference, distribution_of
from shared.contracts.base import Record


class Fact(Record, frozen=True, kw_only=True):
    """One scored skill of the latest assessment of a scoring."""

    scoring_id: UUID
    skill: str
    revision: int
    team_id: UUID | None
    """The person's team on that day; None when they were in none: no rollup counts the fact."""
    person_id: UUID
    source: str
    """`simulation`, `call`, `chat` or `email`."""
    day: date
    """In the tenant's time zone."""
    score: int
    """0..100."""


class FactKey(NamedTuple):
    """What makes a fact unique inside its tenant."""

    scoring_id: UUID
    skill: str


class Cell(NamedTuple):
    """What a rollup row is about, inside its tenant."""

    team_id: UUID
    skill: str
    source: str
    bucket: date
    """First day of the bucket (`buckets.bucket_of`)."""


class Change(Record, frozen=True, kw_only=True):
    """The step from the stored facts to the wanted ones; a changed fact is in both lists."""

    removed: tuple[Fact, ...]
    """As stored."""
    added: tuple[Fact, ...]
    """As wanted."""

    @property
    def dropped(self) -> tuple[FactKey, ...]:
        """Keys of the facts that no longer exist in any form."""
        kept = {key_of(fact) for fact in self.added}
        return tuple(key for key in map(key_of, self.removed) if key not in kept)


def key_of(fact: Fact) -> FactKey:
    """Return the key of a fact."""
    return FactKey(fact.scoring_id, fact.skill)


def compare(stored: Iterable[Fact], wanted: Iterable[Fact]) -> Change:
    """Return what must be taken out of and put into the stored facts; nothing when they agree."""
    before = {key_of(fact): fact for fact in stored}
    after = {key_of(fact): fact for fact in wanted}
    return Change(
        removed=tuple(fact for key, fact in before.items() if after.get(key) != fact),
        added=tuple(fact for key, fact in after.items() if before.get(key) != fact),
    )


def movements(change: Change) -> dict[Cell, Distribution]:
    """Return by how much each rollup moves; cells that stay as they are are left out."""
    added, removed = _scores_by_cell(change.added), _scores_by_cell(change.removed)
    moves: dict[Cell, Distribution] = {}
    for cell in dict.fromkeys((*added, *removed)):
        move = distribution_of(added.get(cell, ()))
        if cell in removed:
            move = difference(move, distribution_of(removed[cell]))
        if not move.is_zero:
            moves[cell] = move
    return moves


def _scores_by_cell(facts: Iterable[Fact]) -> dict[Cell, list[int]]:
    scores: dict[Cell, list[int]] = defaultdict(list)
    for fact in facts:
        if fact.team_id is not None:
            cell = Cell(fact.team_id, fact.skill, fact.source, bucket_of(fact.day))
            scores[cell].append(fact.score)
    return dict(scores)

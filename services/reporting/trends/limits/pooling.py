"""All facts into disjoint blocks of enough people: first per team and skill, the rest pooled."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import product
from typing import Final, Literal, NamedTuple
from uuid import UUID

from services.reporting.trends.limits.grouping import MIN_PEOPLE, Block, closed, require_floor

Kind = Literal["practice", "real"]
"""Where a score comes from: a simulation, or a real call, chat or mail."""

KINDS: Final[tuple[Kind, ...]] = ("practice", "real")
"""Every kind."""


class Atom(NamedTuple):
    """What one team scored in one skill in one cut week: at most one per these four."""

    team: UUID
    skill: str
    kind: Kind
    bucket: date
    """First day of the cut week (`buckets.bucket_of`)."""
    people: int
    """Bit mask of who scored; the same numbering of people in all atoms of one call."""


class Scope(NamedTuple):
    """What a number is about."""

    team: UUID | None
    """None: all teams."""
    skill: str
    """A skill, or a root for all its skills."""
    kind: Kind | None
    """None: both together."""


class Partition(NamedTuple):
    """Disjoint blocks; atoms in none of them are hidden from every group answer."""

    atoms: tuple[Atom, ...]
    blocks: Mapping[Scope, Sequence[Block]]
    """By the narrowest scope that may count them."""
    cells: Mapping[Scope, Sequence[int]]
    """The indexes of all atoms by team, skill and kind."""
    open_from: date
    """First bucket that is not over yet; no block reaches it."""
    teams: tuple[UUID, ...]
    skills: Mapping[str, Sequence[str]]
    """The skills of each root."""

    def within(self, scope: Scope) -> list[Scope]:
        """Return the keys of `blocks` and `cells` that the scope holds, itself included."""
        teams = (None, *self.teams) if scope.team is None else (scope.team,)
        skills = {scope.skill: None, **dict.fromkeys(self.skills.get(scope.skill, ()))}
        kinds: tuple[Kind, ...] = KINDS if scope.kind is None else (scope.kind,)
        keys = (Scope(*key) for key in product(teams, skills, kinds))
        return [key for key in keys if key in self.blocks or key in self.cells]


_Pieces = dict[Scope, list[Block]]

_POOLS: Final[tuple[Callable[[Scope], Scope], ...]] = (
    lambda scope: Scope(scope.team, root_of(scope.skill), scope.kind),
    lambda scope: Scope(None, scope.skill, scope.kind),
    lambda scope: Scope(None, root_of(scope.skill), scope.kind),
)
"""The scopes that what is left of a team's skill is offered to, one after the other.

One chain and not a lattice: each fact is in at most one block, whatever is asked.
"""


_new: Final = tuple.__new__
"""A named tuple from its fields in order, at a third of its own constructor's time."""


def root_of(skill: str) -> str:
    """Return the root of a skill; a root's is itself."""
    return skill.partition(".")[0]


def partition(atoms: Sequence[Atom], *, min_people: int, open_from: date) -> Partition:
    """Put the atoms into blocks of at least `min_people` distinct people each.

    The blocks depend on the data alone when `atoms` has every skill and both kinds of the teams
    concerned, in whole months; for a scope of all teams, every team. Left-over atoms are offered
    to wider pools only after their month is over, because until then they may still become a
    block of their own.

    Args:
        atoms: in any order.
        min_people: at least `MIN_PEOPLE`.
        open_from: first bucket that is not over yet.

    Raises:
        ValueError: fewer than `MIN_PEOPLE` are asked for.
    """
    require_floor(min_people)
    cells, pieces = _cells(atoms, open_from)
    blocks = _pooled(pieces, MIN_PEOPLE, open_from)
    if min_people > MIN_PEOPLE:
        blocks = _pooled(blocks, min_people, open_from)
    roots: dict[str, dict[str, None]] = defaultdict(dict)
    for scope in cells:
        roots[root_of(scope.skill)][scope.skill] = None
    return Partition(
        atoms=tuple(atoms),
        blocks=blocks,
        cells=cells,
        open_from=open_from,
        teams=tuple(dict.fromkeys(scope.team for scope in cells if scope.team is not None)),
        skills={root: tuple(skills) for root, skills in roots.items()},
    )


def _cells(
    atoms: Sequence[Atom], open_from: date
) -> tuple[dict[Scope, list[int]], dict[Scope, list[Block]]]:
    """Return the atoms by team, skill and kind: all their indexes, and the pieces that are over."""
    cells: dict[Scope, list[int]] = {}
    pieces: dict[Scope, list[Block]] = {}
    months: dict[date, date] = {}
    scope: Scope | None = None
    for index, (team, skill, kind, bucket, people) in enumerate(atoms):
        # Rows come sorted: most atoms are about what the one before was about.
        if scope is None or scope != (team, skill, kind):
            scope = Scope(team, skill, kind)
            indexes, over = cells.setdefault(scope, []), pieces.setdefault(scope, [])
        indexes.append(index)
        if bucket < open_from:
            month = months.get(bucket)
            if month is None:
                month = months[bucket] = bucket.replace(day=1)
            over.append(_new(Block, (month, bucket, bucket, people, (index,))))
    return cells, pieces


def _pooled(pieces: _Pieces, min_people: int, open_from: date) -> _Pieces:
    """Close blocks pool by pool; what is left keeps its scope and is offered to the next pool."""
    open_month = open_from.replace(day=1)
    found: _Pieces = {}
    left: _Pieces = {}
    for scope, offered in pieces.items():
        closing = closed(offered, min_people)
        found[scope] = closing.blocks
        rest = [piece for piece in closing.rest if piece.period < open_month]
        if rest:
            left[scope] = rest
    for widen in _POOLS:
        pools: dict[Scope, _Pieces] = defaultdict(dict)
        for scope, rest in left.items():
            pools[widen(scope)][scope] = rest
        left = {}
        for pool, parts in pools.items():
            closing = closed((piece for part in parts.values() for piece in part), min_people)
            found.setdefault(pool, []).extend(closing.blocks)
            kept = {piece.atoms for piece in closing.rest}
            for scope, part in parts.items():
                rest = [piece for piece in part if piece.atoms in kept]
                if rest:
                    left[scope] = rest
    return found

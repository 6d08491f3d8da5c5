"""A rubric under examination: its criteria with their places, and what can be scored at all."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property

import msgspec

from shared.contracts.rubric import Criterion, Indicator, Polarity, RubricSpec
from shared.library.indicators import load_indicators
from shared.library.skills import Seen, load_skills

ENOUGH = 2
"""Occasions that the judge needs before it scores a criterion (docs/scoring.md)."""


PROCESS_SKILL = "own.process_adherence"
"""A scenario's required steps replace the good indicators of this skill."""


class Place(msgspec.Struct, frozen=True):
    """A criterion and where it stands."""

    path: str
    order: int
    """Position in the whole form."""
    section: int
    criterion: Criterion

    @property
    def is_base(self) -> bool:
        """Whether it is part of the base score."""
        return self.criterion.kind == "base"

    def indicators(self) -> Iterator[tuple[str, Indicator]]:
        """Yield every indicator with its path."""
        for number, indicator in enumerate(self.criterion.indicators):
            yield f"{self.path}/indicators/{number}", indicator

    def of(self, polarity: Polarity) -> tuple[Indicator, ...]:
        """Return the indicators of one polarity."""
        return tuple(each for each in self.criterion.indicators if each.polarity is polarity)


class Subject:
    """A rubric, and what the rules need to know of it; everything is computed once."""

    def __init__(self, spec: RubricSpec, tenant_skills: frozenset[str]) -> None:
        self.spec = spec
        self.tenant_skills = tenant_skills
        """Keys that the tenant added to the taxonomy."""

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every criterion, in the order of the form."""
        criteria = (
            (f"/sections/{section}/criteria/{number}", section, criterion)
            for section, part in enumerate(self.spec.sections)
            for number, criterion in enumerate(part.criteria)
        )
        return tuple(
            Place(path, order, section, criterion)
            for order, (path, section, criterion) in enumerate(criteria)
        )

    @cached_property
    def by_key(self) -> dict[str, Place]:
        """Criteria by their keys; of two with the same key the first."""
        found: dict[str, Place] = {}
        for place in self.places:
            found.setdefault(place.criterion.key, place)
        return found

    def knows(self, skill: str) -> bool:
        """Say whether a skill exists, for this tenant."""
        return skill in self.tenant_skills or skill in load_skills()

    def shows(self, skill: str) -> bool:
        """Say whether one conversation can show a skill; a tenant's own is taken at its word."""
        if skill in self.tenant_skills or skill not in load_skills():
            return True
        return Seen.TRANSCRIPT in load_skills()[skill].seen

    def mute(self, place: Place) -> str | None:
        """Say why no decent conversation can give a criterion a score; None: some can."""
        criterion = place.criterion
        if not self.shows(criterion.skill):
            return f"no conversation alone shows {criterion.skill}"
        counts = [each.key for each in place.of(Polarity.GOOD) or criterion.indicators]
        known = load_indicators()
        whole = [key for key in counts if key in known and known[key].whole]
        if len(counts) == len(whole) < ENOUGH and criterion.skill != PROCESS_SKILL:
            return f"{counts[0]} is looked for once, and one look is too little for a score"
        return None

    @cached_property
    def shares(self) -> dict[int, Fraction]:
        """Share of the base score, 0 to 1, by the order of each base criterion."""
        base = [place for place in self.places if place.is_base]
        if self.spec.kind == "points":
            total = sum(place.criterion.weight for place in base)
            return {place.order: Fraction(place.criterion.weight, total) for place in base}
        within: dict[int, int] = {}
        for place in base:
            within[place.section] = within.get(place.section, 0) + place.criterion.weight
        form = sum(self.spec.sections[section].weight for section in within)
        return {
            place.order: Fraction(
                self.spec.sections[place.section].weight * place.criterion.weight,
                form * within[place.section],
            )
            for place in base
        }

"""The query parameter `expand`: which paths an operation allows."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

import msgspec

from services.api.validation import RuleError, broken
from shared.errors import FieldError

Expand = Annotated[
    Annotated[str, msgspec.Meta(max_length=200)] | None,
    msgspec.Meta(description="What to show beside each object, comma-separated or repeated."),
]

OF_SIMULATION: Final = ("learner", "scenario", "scoring", "scoring.assessment")
OF_SCORING: Final = ("learner", "simulation", "simulation.scenario", "assessment")
OF_ASSESSMENT: Final = ("learner", "scoring", "scoring.simulation", "scoring.learner")


class ExpandQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show beside one object."""

    REPEATABLE: ClassVar[frozenset[str]] = frozenset({"expand"})
    ALLOWED: ClassVar[tuple[str, ...]] = ()

    expand: Expand = None

    def __post_init__(self) -> None:
        errors = [*unknown_paths(self.expand, self.ALLOWED)]
        if errors:
            raise RuleError(*errors)


class SimulationGet(ExpandQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show beside a simulation."""

    ALLOWED: ClassVar[tuple[str, ...]] = OF_SIMULATION


class ScoringGet(ExpandQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show beside a scoring."""

    ALLOWED: ClassVar[tuple[str, ...]] = OF_SCORING


class AssessmentGet(ExpandQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show beside an assessment."""

    ALLOWED: ClassVar[tuple[str, ...]] = OF_ASSESSMENT


def unknown_paths(expand: str | None, allowed: tuple[str, ...]) -> Iterator[FieldError]:
    """Yield an error for every path that this operation does not know."""
    if expand is None:
        return
    for path in expand.split(","):
        if path not in allowed:
            detail = f"{path or 'Nothing'} cannot be expanded here: {', '.join(allowed)} can"
            yield broken("/expand", "unknown-value", detail)

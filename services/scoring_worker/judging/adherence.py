"""Process adherence: which required steps were done, and whether in their order."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from services.scoring_worker.judging.aggregate import Measured

STEP = "step:"
"""Keys of a scenario's required steps begin so; only they have an order."""

PROCESS = frozenset(
    {
        "greets",
        "introduces_self",
        "verifies_identity",
        "verifies_when_needed",
        "discloses_terms",
        "asks_about_needs",
        "asks_early",
        "offers_arrangement",
        "reassures",
        "recaps",
        "sums_up_at_end",
        "closes",
        "sets_next_step",
        "agrees_next_step",
        "checks_at_end",
        "confirms_outcome",
    }
)
"""What stands for the steps where no scenario names them."""

_DIGITS = 4


def adherence(items: Sequence[Measured]) -> float | None:
    """Return sum(weight * done) / sum(weight) over the steps that applied, 0..1.

    A scenario's own steps where there are any, else the process checks of the form, each once.
    """
    steps = _steps(items)
    weights = sum(item.indicator.weight for item in steps)
    if not weights:
        return None
    done = sum(item.indicator.weight for item in steps if item.finding.hits)
    return round(float(Fraction(done, weights)), _DIGITS)


def order(items: Sequence[Measured]) -> float | None:
    """Return (1 + Kendall's tau-a) / 2 of the steps that were done, 0..1; None under two.

    Two steps in the same words count as neither in order nor out of it.
    """
    places = [
        (seen.agent, seen.start)
        for item in items
        if item.indicator.key.startswith(STEP)
        for seen in item.finding.observations
        if seen.hit
    ]
    pairs = list(combinations(places, 2))
    if not pairs:
        return None
    agreement = sum((later > earlier) - (later < earlier) for earlier, later in pairs)
    return round(float((1 + Fraction(agreement, len(pairs))) / 2), _DIGITS)


def _steps(items: Sequence[Measured]) -> list[Measured]:
    own = [item for item in items if item.indicator.key.startswith(STEP)]
    if own:
        return own
    checks = {
        item.indicator.key: item
        for item in items
        if item.indicator.key in PROCESS and item.occasions
    }
    return list(checks.values())

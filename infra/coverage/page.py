"""The tables of `docs/abstention.md`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from infra.coverage.conversations import Sample
from infra.coverage.decision_tables import (
    bands_table,
    curve_table,
    decisions_table,
    targets_table,
)
from infra.coverage.rate_tables import (
    confidences_table,
    profiles_table,
    reasons_table,
    skills_table,
)
from infra.coverage.truth import judged


def tables(samples: Sequence[Sample]) -> Mapping[str, Callable[[], str]]:
    """Return the makers of every table, by its name in the document."""
    found = judged(samples)
    return {
        "decisions": partial(decisions_table, samples, found),
        "curve": partial(curve_table, found),
        "bands": partial(bands_table, samples, found),
        "targets": partial(targets_table, samples),
        "profiles": partial(profiles_table, samples),
        "confidences": partial(confidences_table, found),
        "reasons": partial(reasons_table, samples, found),
        "skills": partial(skills_table, samples),
    }

"""The linter of rubrics: what is wrong with one, where, and what to do about it."""

from collections.abc import Callable, Collection, Iterator

from shared.contracts.rubric import RubricSpec
from shared.library.findings import Finding, errors, errors_first
from shared.library.rubric_lint import conditions, fails, levels, structure, titles, weights
from shared.library.rubric_lint.findings import load_rules
from shared.library.rubric_lint.subject import Subject

__all__ = ["Finding", "errors", "lint", "load_rules"]

_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    structure.keys,
    structure.names_twice,
    structure.outside,
    structure.skills,
    structure.indicators,
    titles.joints,
    titles.terms,
    titles.shapes,
    titles.explanations,
    conditions.references,
    conditions.bounds,
    conditions.unscorable,
    weights.base,
    weights.polarity,
    weights.extra,
    weights.sums,
    weights.shares,
    weights.repeats,
    weights.full_at,
    fails.auto_fail,
    fails.critical,
    levels.anchors,
    levels.bands,
    levels.target,
)


def lint(spec: RubricSpec, *, tenant_skills: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return every fault of a rubric, errors first.

    Args:
        spec: Any value that has the form of a rubric, however large.
        tenant_skills: Keys that the tenant added to the taxonomy, aliases among them.
    """
    subject = Subject(spec, frozenset(tenant_skills))
    found = tuple(structure.sizes(subject))
    if not found:
        found = tuple(finding for check in _CHECKS for finding in check(subject))
    return errors_first(found)

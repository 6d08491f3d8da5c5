"""The linter of scenarios: what is wrong with one, where, and what to do about it."""

from collections.abc import Callable, Collection, Iterator

from shared.contracts.scenario import ScenarioSpec
from shared.library.findings import errors, errors_first
from shared.library.lint import case, deals, person, process, structure, vault, wording
from shared.library.lint.findings import Finding, Rule, Severity, load_rules
from shared.library.lint.subject import LANGUAGES, Subject
from shared.library.rubrics import load_rubrics

__all__ = ["LANGUAGES", "Finding", "Rule", "Severity", "errors", "lint", "load_rules"]

_CHECKS: tuple[Callable[[Subject], Iterator[Finding]], ...] = (
    structure.keys,
    structure.references,
    structure.outside,
    person.brief,
    person.persona,
    person.opening,
    person.hostility,
    vault.ways_in,
    vault.telling,
    vault.marks,
    process.steps,
    process.twists,
    process.length,
    deals.needs,
    deals.resolutions,
    deals.terms,
    deals.forbidden,
    case.values,
    case.slots,
    wording.lines,
    wording.repeats,
    wording.voice,
    wording.stems,
)


def lint(spec: ScenarioSpec, *, rubrics: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return every fault of a scenario, errors first.

    Args:
        spec: Any value that has the form of a scenario, however large.
        rubrics: Slugs of the rubrics that exist; None means the built-in ones.
    """
    known = [rubric.slug for rubric in load_rubrics()] if rubrics is None else rubrics
    subject = Subject(spec, frozenset(known))
    found = tuple(structure.sizes(subject))
    if not found:
        found = tuple(finding for check in _CHECKS for finding in check(subject))
    return errors_first(found)

"""The tables of `docs/rubrics.md` that are made from code and data."""

from collections.abc import Callable

from shared.contracts.rubric import Criterion, RubricSpec
from shared.library.indicators import load_indicators
from shared.library.markdown import table
from shared.library.rubric_lint import load_rules
from shared.library.rubrics import load_rubrics


def rules_table() -> str:
    """Return the rules of the linter."""
    return table(
        ("Code", "Severity", "Speaks when", "Advice"),
        (
            (f"`{code}`", rule.severity, rule.when, rule.advice)
            for code, rule in load_rules().items()
        ),
    )


def indicators_table() -> str:
    """Return every indicator that a rubric may ask for."""
    return table(
        ("Key", "Polarity", "Looked for", "Title", "The judge looks whether"),
        (
            (
                f"`{key}`",
                one.polarity,
                "once" if one.whole else "on each occasion",
                one.title,
                one.definition,
            )
            for key, one in load_indicators().items()
        ),
    )


def library_table() -> str:
    """Return the criteria of each built-in rubric."""
    return table(
        ("Rubric", "For", "Target", "Criteria"),
        (
            (f"`{spec.slug}`", spec.description, str(spec.target), _criteria(spec))
            for spec in load_rubrics()
        ),
    )


def _criteria(spec: RubricSpec) -> str:
    return ", ".join(_named(each) for section in spec.sections for each in section.criteria)


def _named(criterion: Criterion) -> str:
    marks: list[str] = [criterion.kind] if criterion.kind != "base" else []
    marks += ["critical"] if criterion.critical else []
    marks += ["auto-fail"] if criterion.auto_fail is not None else []
    return f"{criterion.title} ({', '.join(marks)})" if marks else criterion.title


TABLES: dict[str, Callable[[], str]] = {
    "rules": rules_table,
    "indicators": indicators_table,
    "library": library_table,
}
"""Every generated table by its name in the document."""

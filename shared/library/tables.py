"""The tables of `docs/scenarios.md` that are made from code and data."""

from collections.abc import Callable, Sequence

from shared.contracts.scenario import Role, ScenarioSpec, Temper
from shared.library import load_scenarios
from shared.library.lint import load_rules
from shared.library.lint.case import SLOTS
from shared.library.markdown import table
from shared.library.skills import Seen, load_skills


def rules_table() -> str:
    """Return the rules of the linter."""
    return table(
        ("Code", "Severity", "Speaks when", "Advice"),
        (
            (f"`{code}`", rule.severity, rule.when, rule.advice)
            for code, rule in load_rules().items()
        ),
    )


def slots_table() -> str:
    """Return the slots that every case has."""
    return table(("Slot", "Holds"), ((f"`{name}`", SLOTS[name][0]) for name in SLOTS))


def library_table() -> str:
    """Return role x temper -> scenario, with its difficulty."""
    found: dict[tuple[Role, Temper], list[ScenarioSpec]] = {}
    for spec in load_scenarios():
        found.setdefault((spec.role, spec.temper), []).append(spec)
    return table(
        ("Role", *(temper.value for temper in Temper)),
        (
            (role.value, *(_cell(found.get((role, temper), ())) for temper in Temper))
            for role in Role
        ),
    )


def exercised_table() -> str:
    """Return each scenario with its title, difficulty, expected minutes and skills."""
    return table(
        ("Scenario", "Title", "Difficulty", "Minutes", "Skills exercised"),
        (
            (
                f"`{spec.slug}`",
                spec.title,
                str(spec.difficulty),
                str(round(spec.expected_handle_time_s / 60)),
                ", ".join(spec.skills) or "-",
            )
            for spec in load_scenarios()
        ),
    )


def skills_table() -> str:
    """Return the scenarios for each skill that one conversation can show."""
    specs = load_scenarios()
    return table(
        ("Skill", "Means", "Scenarios"),
        (
            (
                f"`{key}`",
                skill.definition,
                ", ".join(spec.slug for spec in specs if key in spec.skills) or "-",
            )
            for key, skill in load_skills().items()
            if Seen.TRANSCRIPT in skill.seen
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "rules": rules_table,
    "slots": slots_table,
    "library": library_table,
    "exercised": exercised_table,
    "skills": skills_table,
}
"""Every generated table by its name in the document."""


def _cell(specs: Sequence[ScenarioSpec]) -> str:
    return ", ".join(f"`{spec.slug}` ({spec.difficulty})" for spec in specs) or "-"

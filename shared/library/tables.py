"""The tables of `docs/scenarios.md` that are made from code and data."""

from collections.abc import Callable, Iterable, Sequence

from shared.contracts.scenario import Role, ScenarioSpec, Temper
from shared.library import load_scenarios
from shared.library.lint import load_rules
from shared.library.lint.case import SLOTS
from shared.library.skills import Seen, load_skills


def put_tables(text: str) -> str:
    """Return the document with every generated table as it is today.

    A table stands between `<!-- name:begin -->` and `<!-- name:end -->`.
    """
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        before, mark, rest = text.partition(begin)
        if mark:
            _, _, after = rest.partition(end)
            text = f"{before}{begin}{make()}{end}{after}"
    return text


def rules_table() -> str:
    """Return the rules of the linter."""
    return _table(
        ("Code", "Severity", "Speaks when", "Advice"),
        (
            (f"`{code}`", rule.severity, rule.when, rule.advice)
            for code, rule in load_rules().items()
        ),
    )


def slots_table() -> str:
    """Return the slots that every case has."""
    return _table(("Slot", "Holds"), ((f"`{name}`", SLOTS[name][0]) for name in SLOTS))


def library_table() -> str:
    """Return role x temper -> scenario, with its difficulty."""
    found: dict[tuple[Role, Temper], list[ScenarioSpec]] = {}
    for spec in load_scenarios():
        found.setdefault((spec.role, spec.temper), []).append(spec)
    return _table(
        ("Role", *(temper.value for temper in Temper)),
        (
            (role.value, *(_cell(found.get((role, temper), ())) for temper in Temper))
            for role in Role
        ),
    )


def exercised_table() -> str:
    """Return each scenario with its title, difficulty, expected minutes and skills."""
    return _table(
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
    return _table(
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


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)

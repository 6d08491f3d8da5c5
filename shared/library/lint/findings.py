"""The table of rules for scenarios."""

from functools import cache
from pathlib import Path

from shared.library.findings import Finding, Rule, Severity, read_rules

__all__ = ["Finding", "Rule", "Severity", "fault", "load_rules"]

_FILE = Path(__file__).with_name("rules.yaml")


@cache
def load_rules() -> dict[str, Rule]:
    """Return every rule by its code, in the order of the table.

    Raises:
        msgspec.ValidationError: the table is malformed.
    """
    return read_rules(_FILE)


def fault(code: str, path: str, message: str) -> Finding:
    """Return a finding of a rule.

    Raises:
        KeyError: there is no such rule.
    """
    return load_rules()[code].fault(code, path, message)

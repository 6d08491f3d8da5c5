"""What a linter of authored data says: findings, and the tables of rules that they come from."""

from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from shared.contracts.base import Authored, Record
from shared.yaml_files import read_yaml

Severity = Literal["error", "warning"]
"""An error keeps what was written from being published."""


class Rule(Authored, frozen=True, kw_only=True):
    """One rule, as the table has it."""

    severity: Severity
    when: str
    """When it speaks, as the end of a sentence."""
    advice: str

    def fault(self, code: str, path: str, message: str) -> "Finding":
        """Return a finding of this rule."""
        return Finding(
            severity=self.severity, code=code, path=path, message=message, advice=self.advice
        )


class Finding(Record, frozen=True, kw_only=True):
    """One fault of a scenario or rubric."""

    severity: Severity
    code: str
    """The rule; stable."""
    path: str
    """JSON Pointer into what was written (`/facts/0/marks/1`)."""
    message: str
    """What is wrong here, in words."""
    advice: str
    """What to do about it."""


class RuleTable:
    """The rules of a linter, read from the file beside it when they are first needed."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self) -> dict[str, Rule]:
        """Return every rule by its code, in the order of the table.

        Raises:
            msgspec.ValidationError: the table is malformed.
        """
        return self._rules

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return msgspec.convert(read_yaml(self._file), dict[str, Rule])

    def fault(self, code: str, path: str, message: str) -> Finding:
        """Return a finding of a rule.

        Raises:
            KeyError: there is no such rule.
        """
        return self._rules[code].fault(code, path, message)


def errors_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in their order, errors before warnings."""
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def errors(findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Return the findings that keep something from being published."""
    return tuple(finding for finding in findings if finding.severity == "error")

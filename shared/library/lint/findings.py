"""What the linter says: findings, and the table of rules that they come from."""

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
import yaml

from shared.contracts.base import Authored, Record

Severity = Literal["error", "warning"]
"""An error keeps a scenario from being published."""

_FILE = Path(__file__).with_name("rules.yaml")


class Rule(Authored, frozen=True, kw_only=True):
    """One rule, as the table has it."""

    severity: Severity
    when: str
    """When it speaks, as the end of a sentence."""
    advice: str


class Finding(Record, frozen=True, kw_only=True):
    """One fault of a scenario."""

    severity: Severity
    code: str
    """The rule; stable."""
    path: str
    """JSON Pointer into the scenario (`/facts/0/marks/1`)."""
    message: str
    """What is wrong here, in words."""
    advice: str
    """What to do about it."""


@cache
def load_rules() -> dict[str, Rule]:
    """Return every rule by its code, in the order of the table.

    Raises:
        msgspec.ValidationError: the table is malformed.
    """
    raw = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, Rule])


def fault(code: str, path: str, message: str) -> Finding:
    """Return a finding of a rule.

    Raises:
        KeyError: there is no such rule.
    """
    rule = load_rules()[code]
    return Finding(
        severity=rule.severity, code=code, path=path, message=message, advice=rule.advice
    )

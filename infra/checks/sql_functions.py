"""A function that services call is never replaced in place: old and new processes both call it.

Functions carry a number (`take_turn_v1`); other behavior is another number.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from infra.checks.source import Source, Violation

RULE: Final = "function-replaced"
RULE_NUMBER: Final = "function-number"

FIRST: Final = "0034"
"""Migrations before it are part of the first release."""

OWNERS_ONLY: Final = {"app.protect": "sets a table up: only migrations call it"}
"""What no process ever calls, and why."""

TRIGGERS: Final = re.compile(r"\breturns\s+trigger\b", re.IGNORECASE)

_DEFINED: Final = re.compile(
    r"create\s+(or\s+replace\s+)?(?:function|procedure)\s+((?:app|report)\.(\w+))", re.IGNORECASE
)
_DROPPED: Final = re.compile(
    r"drop\s+(?:function|procedure)\s+(?:if\s+exists\s+)?((?:app|report)\.\w+)", re.IGNORECASE
)
_NUMBERED: Final = re.compile(r"_v\d+$")


def check(migrations: Iterable[Source]) -> Iterator[Violation]:
    """Check the migrations since the first release, in order of their names."""
    known: set[str] = set()
    for source in migrations:
        name = source.path.rpartition("/")[2]
        if name >= FIRST:
            yield from _check_file(source, known)
        known |= {match[2] for match in _DEFINED.finditer(source.text)}


def _check_file(source: Source, known: set[str]) -> Iterator[Violation]:
    for match in _DEFINED.finditer(source.text):
        function, line = match[2], _line(source, match)
        if function in OWNERS_ONLY:
            continue
        if function in known:
            message = f"{function} exists: running processes call it; give the new one a number"
            yield Violation(source.path, line, RULE, message)
        elif not _NUMBERED.search(match[3]) and not _is_trigger(source, match):
            message = f"{function} has no number: call it {match[3]}_v1"
            yield Violation(source.path, line, RULE_NUMBER, message)
    for match in _DROPPED.finditer(source.text):
        if match[1] in known:
            message = f"{match[1]} may still be called: drop it a release later"
            yield Violation(source.path, _line(source, match), RULE, message)


def _is_trigger(source: Source, match: re.Match[str]) -> bool:
    """Say whether the database alone calls it: its head says so before its body begins."""
    return bool(TRIGGERS.search(source.text[match.end() :].partition("$")[0]))


def _line(source: Source, match: re.Match[str]) -> int:
    return 1 + source.text.count("\n", 0, match.start())

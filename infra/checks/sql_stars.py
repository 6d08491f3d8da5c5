"""The rule against `select *` of a table: releases run side by side, and a column may be added.

A statement that was prepared before a migration answers with the columns of that time. With a star
its result changes with the table, and the server refuses it once per connection, inside the
transaction of whoever asks next. Stars over what names its columns itself may stay: functions have
numbers in their names, subqueries and common table expressions are looked at themselves.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

from infra.checks.source import Source, Violation

RULE: Final = "star-select"

_SILENT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Literals and comments."""

_TOKEN = re.compile(r"\w+|\S")
_EXPRESSION = re.compile(
    r"\b(\w+)\s*(?:\([^()]*\)\s*)?as\s+(?:not\s+)?(?:materialized\s+)?\(", re.IGNORECASE
)
"""A name of the `with` list."""

_SQL = re.compile(r"\b(select|returning)\b", re.IGNORECASE)
_HEADER = re.compile(r"^(?=-- name: \w+$)", re.MULTILINE)

_ENDS: Final = frozenset({",", ")", ";", "from", "into", ""})
"""What may follow a star that stands for columns; a factor is followed by another one."""

_SOURCES: Final = frozenset({"from", "join", "into", "update", "using"})
_CLAUSES: Final = frozenset(
    {
        "where", "group", "order", "limit", "offset", "union", "except", "intersect", "for",
        "window", "having", "fetch", "returning", "set", "on", "values", "select",
    }
)  # fmt: skip
_NO_ALIAS: Final = (
    _CLAUSES
    | _SOURCES
    | frozenset({"left", "right", "full", "inner", "cross", "natural", "tablesample", "default"})
)

Relation = tuple[str, str]
"""Name and alias; of what lists its columns itself, no name."""


def check_queries(source: Source) -> Iterator[Violation]:
    """Look at every statement of a file of named queries."""
    line = 1
    for part in _HEADER.split(source.text):
        yield from _check(source.path, line, part)
        line += part.count("\n")


def check_strings(source: Source) -> Iterator[Violation]:
    """Look at the statements in the strings of a Python file."""
    tree = source.tree()
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in told | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            yield from _check(source.path, node.lineno, "".join(map(_text, node.values)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _check(source.path, node.lineno, node.value)


def _text(part: ast.expr) -> str:
    is_text = isinstance(part, ast.Constant) and isinstance(part.value, str)
    return str(part.value) if is_text and isinstance(part, ast.Constant) else "filled_in"


def _check(path: str, line: int, text: str) -> Iterator[Violation]:
    if "*" not in text or not _SQL.search(text):
        return
    statement = _SILENT.sub(lambda found: "''" + "\n" * found[0].count("\n"), text).lower()
    explicit = set(_EXPRESSION.findall(statement))
    places = [(found[0], found.start()) for found in _TOKEN.finditer(statement)]
    tokens = [token for token, _ in places]
    for place, (token, start) in enumerate(places):
        if token != "*":
            continue
        for table in sorted(_starred(tokens, place, explicit)):
            message = f"`*` takes whatever columns {table} has today: name them"
            yield Violation(path, line + statement.count("\n", 0, start), RULE, message)


def _starred(tokens: list[str], place: int, explicit: set[str]) -> set[str]:
    """Return the tables whose columns the star stands for."""
    before = tokens[place - 1] if place else ""
    after = tokens[place + 1] if place + 1 < len(tokens) else ""
    if before == "." and place > 1:
        return _owned(tokens, place, tokens[place - 2]) - explicit
    if before == "(" or after not in _ENDS:
        return set()
    if "returning" in _last_clause(tokens, place):
        return {"the table"}
    start = _own_from(tokens, place)
    return {name for name, _ in _relations(tokens, start) if name and name not in explicit}


def _owned(tokens: list[str], place: int, owner: str) -> set[str]:
    """Return the tables that go by a name: where the star is, else anywhere in the statement."""
    starts = [start for start, token in enumerate(tokens) if token in _SOURCES]
    for near in ([_own_from(tokens, place)], starts):
        known = [
            name for start in near for name, alias in _relations(tokens, start) if alias == owner
        ]
        if known:
            return set(filter(None, known))
    return set()


def _last_clause(tokens: list[str], place: int) -> str:
    """Return the word that begins the list which a place is in."""
    depth = 0
    for token in reversed(tokens[:place]):
        depth += (token == ")") - (token == "(")
        if depth < 0:
            return ""
        if depth == 0 and token in {"select", "returning"}:
            return token
    return ""


def _own_from(tokens: list[str], place: int) -> int:
    """Return where the `from` of the select list at a place is; behind the end without one."""
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at] == "(") - (tokens[at] == ")")
        if depth < 0:
            break
        if depth == 0 and tokens[at] == "from":
            return at
    return len(tokens)


def _relations(tokens: list[str], start: int) -> Iterator[Relation]:
    """Yield what a list of relations names, which begins with the word at `start`."""
    depth, is_next = 0, True
    for at in range(start + 1, len(tokens)):
        token = tokens[at]
        if depth == 0 and is_next and token not in {"lateral", "only"}:
            yield _relation(tokens, at)
            is_next = False
        depth += (token == "(") - (token == ")")
        if depth < 0 or (depth == 0 and token in _CLAUSES - {"on"}):
            return
        is_next = is_next or (depth == 0 and token in {",", "join"})


def _relation(tokens: list[str], at: int) -> Relation:
    rest = [*tokens[at : at + 6], "", "", "", "", "", ""]
    if not rest[0].isidentifier():
        return "", ""
    if rest[1] == ".":
        rest = rest[2:]
    if rest[1] == "(":  # a function, or the columns that an insert names
        return (rest[0], rest[0]) if tokens[at - 1] == "into" else ("", "")
    alias = rest[2] if rest[1] == "as" else rest[1]
    return rest[0], alias if alias.isidentifier() and alias not in _NO_ALIAS else rest[0]

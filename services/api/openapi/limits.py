"""Limits that the types leave open, so that a client knows how much to expect.

What a body may hold beyond the limits of its own fields is bounded by the size of the body; what an
answer may hold is bounded far above anything that the API makes.
"""

from dataclasses import dataclass
from typing import Any, Final

from services.api.body import MAX_BODY_BYTES
from services.api.paging import MAX_LIMIT

INT32: Final = 2**31 - 1

ID_PATTERN: Final = "[0-7][0-9a-hjkmnp-tv-z]{25}"
"""An id after its prefix."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one direction."""

    text: int
    """Characters."""
    items: int


SENT: Final = Limits(text=MAX_BODY_BYTES, items=MAX_BODY_BYTES // 2)
"""A body of 1 MiB has no longer text, and an item takes two bytes."""

TOLD: Final = Limits(text=65_536, items=10_000)

_TIME_CHARACTERS: Final = 35
_OWN_IDS: Final = frozenset({"external_id", "turn_id"})
"""Made by the partner, in no form of ours."""

_COUNTS: Final = frozenset(
    {
        "accepted", "branch_seq", "common_seq", "count", "end_ms", "failed", "held", "hits",
        "index", "last_seq", "opportunities", "played", "refused", "revision", "scored",
        "seq", "start_ms", "total", "turn_count", "turns", "version", "word_budget",
    }
)  # fmt: skip
"""Whole numbers that are never negative, wherever they stand; `turns` only outside differences."""

_POSITIONS: Final = frozenset({"position", "next_after", "sequence", "skipped"})
_SAFE: Final = 2**53 - 1
"""The largest integer that every JSON reader takes for the same; nothing counts further."""

_SIGNED: Final = frozenset({"DifferenceView"})


def bound(schema: Json, owner: str, limits: Limits) -> None:
    """Add what is missing to the schema of a component, in place."""
    for name, each in schema.get("properties", {}).items():
        if owner.endswith("Page") and name == "data":
            each.setdefault("maxItems", MAX_LIMIT)
        _bound(each, "" if owner in _SIGNED else name, limits)
    _bound(schema, "", limits)


def bound_parameter(schema: Json, name: str) -> None:
    """Add what is missing to the schema of a query parameter, in place."""
    _bound(schema, name, SENT)


def _bound(schema: Json, name: str, limits: Limits) -> None:
    if "enum" in schema or "const" in schema:
        _type_values(schema)
        return
    for part in ("anyOf", "oneOf", "prefixItems"):
        for each in schema.get(part, ()):
            _bound(each, name, limits)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            _bound(schema[part], name, limits)
    match schema.get("type"):
        case "string":
            _bound_text(schema, name, limits)
        case "integer":
            _bound_whole(schema, name)
        case "number":
            schema.setdefault("format", "double")
        case "array":
            schema.setdefault("maxItems", limits.items)
        case _:
            pass


def _type_values(schema: Json) -> None:
    """Say that fixed values are texts, where they are: many generators ask for a type."""
    values = [schema["const"]] if "const" in schema else schema["enum"]
    kinds = sorted({"null" if each is None else type(each).__name__ for each in values})
    if set(kinds) <= {"str", "null"}:
        names = ["string" if each == "str" else each for each in kinds]
        schema.setdefault("type", names[0] if len(names) == 1 else sorted(names, reverse=True))


def _bound_text(schema: Json, name: str, limits: Limits) -> None:
    if schema.get("format") in {"date-time", "date"}:
        schema.setdefault("maxLength", _TIME_CHARACTERS)
    elif (name == "id" or name.endswith("_id")) and name not in _OWN_IDS:
        schema.setdefault("pattern", f"^[a-z]{{2,4}}_{ID_PATTERN}$")
        schema.setdefault("maxLength", 31)
    else:
        schema.setdefault("maxLength", limits.text)


def _bound_whole(schema: Json, name: str) -> None:
    is_position = name in _POSITIONS
    schema.setdefault("minimum", 0 if is_position or name in _COUNTS else -INT32 - 1)
    schema.setdefault("maximum", _SAFE if is_position else INT32)
    wide = schema["maximum"] > INT32 or schema["minimum"] < -INT32 - 1
    schema.setdefault("format", "int64" if wide else "int32")

"""The smallest value that a JSON Schema allows."""

import re
from typing import Any, Final

Json = dict[str, Any]

MAX_DEPTH: Final = 32
"""A schema that is about itself ends here."""

CANDIDATES: Final = (
    "a", "A", "0", "en", "a-b", "a_b", "aa", "abc", "abcd", "abc-1", "abc1", "key_1", "0000",
    "00000000-0000-0000-0000-000000000000", "2026-01-01", "2026-01-01T00:00:00Z", "1.0.0",
    "a@example.org", "https://example.org/", "000000000000", "Abc def ghi.",
)  # fmt: skip
"""Texts of which one fits most patterns that people write."""

FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "email": "a@example.org",
    "uri": "https://example.org/",
    "hostname": "example.org",
    "ipv4": "192.0.2.1",
    "duration": "PT0S",
}


def minimal(schema: Json) -> Any:
    """Return the smallest value that the schema allows, as far as strict endpoints know schemas;
    `None` for a schema that is endless.
    """
    return _value(schema, schema, 0)


def _value(part: Json, root: Json, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    if "$ref" in part:
        return _value(_target(part["$ref"], root), root, depth + 1)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return part["enum"][0]
    choices = part.get("anyOf") or part.get("oneOf")
    if choices:
        # `null` is the smallest of all.
        nulls = [each for each in choices if each.get("type") == "null"]
        return None if nulls else _value(choices[0], root, depth + 1)
    kind = part.get("type")
    if isinstance(kind, list):
        kind = "null" if "null" in kind else kind[0]
    return _of_kind(kind, part, root, depth)


def _of_kind(kind: str | None, part: Json, root: Json, depth: int) -> Any:
    match kind:
        case "object":
            known: Json = part.get("properties", {})
            wanted: list[str] = part.get("required", list(known))
            return {name: _value(known.get(name, {}), root, depth + 1) for name in wanted}
        case "array":
            return [
                _value(part.get("items", {}), root, depth + 1)
                for _ in range(part.get("minItems", 0))
            ]
        case "string":
            return _string(part)
        case "integer" | "number":
            return _number(part, is_whole=kind == "integer")
        case "boolean":
            return False
        case _:
            return None


def _target(reference: str, root: Json) -> Json:
    found: Any = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        if name:
            found = found[name.replace("~1", "/").replace("~0", "~")]
    return dict(found)


def _string(part: Json) -> str:
    least: int = part.get("minLength", 0)
    most: int | None = part.get("maxLength")
    if "format" in part:
        return FORMATS.get(part["format"], "")
    pattern = part.get("pattern")
    if pattern is None:
        return "x" * least
    fitting = re.compile(pattern)
    for text in ("", *CANDIDATES):
        long = text + text[-1:] * (least - len(text))
        if fitting.search(long) and (most is None or len(long) <= most):
            return long
    return "x" * least


def _number(part: Json, *, is_whole: bool) -> float:
    step = part.get("multipleOf", 1 if is_whole else 0)
    if "exclusiveMinimum" in part:
        return (
            float(part["exclusiveMinimum"]) + (step or 1)
            if not is_whole
            else int(part["exclusiveMinimum"]) + int(step)
        )
    least = part.get("minimum")
    most = part.get("maximum", part.get("exclusiveMaximum"))
    if least is not None:
        return -(-int(least) // int(step)) * int(step) if is_whole else float(least)
    if most is not None and most <= 0:
        return int(most) - 1 if is_whole else float(most) - 1
    return 0

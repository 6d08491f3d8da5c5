"""JSON schemas of answers, in the subset that endpoints enforce strictly."""

import re
from functools import cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from shared.llm.adapting import Schema

_KEPT: Final = frozenset(
    {"type", "properties", "required", "items", "enum", "const", "anyOf", "$ref", "description"}
)
"""What every strict endpoint knows. Lengths, ranges and patterns are checked when the answer is
read."""


class UnfitTypeError(TypeError):
    """A Struct has a field that no strict schema can say: a mapping or a tuple of fixed length."""


@cache
def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of a Struct: each field required, no others allowed.

    Raises:
        UnfitTypeError: it cannot be said.
    """
    (root,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    named = {name: _strict(part) for name, part in components.items()}
    own = str(root.get("$ref", "")).removeprefix("#/$defs/")
    top = named[own] if own else _strict(root)
    if own and f'"#/$defs/{own}"' not in msgspec.json.encode(named).decode():
        del named[own]
    schema = top | ({"$defs": named} if named else {})
    name = re.sub(r"[^A-Za-z0-9_-]", "", kind.__name__)[:64].lower()
    text = msgspec.json.encode(schema, order="sorted").decode()
    return Schema(name=name, schema=schema, text=text)


def version_of(prompt: str, kind: type[msgspec.Struct] | None = None) -> str:
    """Return 12 hex digits that change with the prompt's file and the form of its answer."""
    form = schema_of(kind).text if kind is not None else ""
    return sha256(f"{prompt}\0{form}".encode()).hexdigest()[:12]


def _strict(part: dict[str, Any]) -> dict[str, Any]:
    if "prefixItems" in part or isinstance(part.get("additionalProperties"), dict):
        raise UnfitTypeError("a mapping or a tuple of fixed length has no strict schema")
    strict = {word: value for word, value in part.items() if word in _KEPT}
    if "anyOf" in strict:
        strict["anyOf"] = [_strict(one) for one in strict["anyOf"]]
    if isinstance(strict.get("items"), dict):
        strict["items"] = _strict(strict["items"])
    if strict.get("type") == "object":
        fields = {name: _strict(field) for name, field in strict.get("properties", {}).items()}
        strict |= {"properties": fields, "required": [*fields], "additionalProperties": False}
    return strict

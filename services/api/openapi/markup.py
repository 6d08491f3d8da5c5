"""Small pieces of HTML: texts, schemas as tables, examples. Nothing in them is trusted."""

import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final

Json = dict[str, Any]

_CODE: Final = re.compile(r"`([^`\n]+)`")
_BOLD: Final = re.compile(r"\*\*([^*\n]+)\*\*")

_LIMITS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("default", "default {}"),
)


def inline(text: str) -> str:
    """Return one line of a description: code and emphasis are kept."""
    marked = _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
    return _BOLD.sub(r"<strong>\1</strong>", marked)


def paragraphs(text: str) -> str:
    """Return a description."""
    return "".join(f"<p>{inline(each.strip())}</p>" for each in text.split("\n\n") if each.strip())


def kind_of(schema: Json) -> str:
    """Return what a value is, as HTML with links to named schemas."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return ", ".join(_value(each) for each in values)
    return _plain_kind(schema)


def _plain_kind(schema: Json) -> str:
    kind = schema.get("type", "any value")
    if kind == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {kind_of(schema['additionalProperties'])}"
    return escape(f"{kind} ({schema['format']})" if "format" in schema else str(kind))


def limits_of(schema: Json) -> str:
    """Return the limits of a value in words, as HTML."""
    said = [
        text.format(_value(schema[name]) if name == "default" else f"{schema[name]:,}")
        for name, text in _LIMITS
        if name in schema and schema[name] not in (-(2**31), 2**31 - 1, [], {})
    ]
    if "pattern" in schema:
        said.append(f"<code>{escape(schema['pattern'])}</code>")
    return ", ".join(said)


def meaning_of(text: str, schema: Json) -> str:
    """Return a description with the limits of the value behind it."""
    limits = limits_of(schema)
    return " ".join(part for part in (inline(text), limits and f"<small>{limits}</small>") if part)


def properties(schema: Json) -> str:
    """Return a table of the fields of an object."""
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(name)}</code>{'' if name in required else ' <i>optional</i>'}",
            kind_of(each),
            meaning_of(each.get("description", ""), each),
        )
        for name, each in schema.get("properties", {}).items()
    ]
    return table(("field", "type", "meaning"), rows) if rows else ""


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; the cells are HTML."""
    cells = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def examples(content: Json) -> Iterator[str]:
    """Yield the examples of a body or an answer, folded."""
    for each in content.get("examples", {}).values():
        if "value" in each:
            text = escape(json.dumps(each["value"], indent=2, ensure_ascii=False), quote=False)
            title = inline(each.get("summary", "Example"))
            yield f"<details><summary>Example: {title}</summary><pre>{text}</pre></details>"


def _value(value: object) -> str:
    return f"<code>{escape(json.dumps(value, ensure_ascii=False), quote=False)}</code>"

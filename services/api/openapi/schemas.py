"""Component schemas: what msgspec says of the types, with meanings and limits."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

import msgspec

from services.api.openapi.limits import SENT, TOLD, bound
from services.api.openapi.meanings import field_meanings, plain

_REF: Final = "#/components/schemas/{name}"
_PAGE: Final = re.compile(r"Page_(\w+)_")

Json = dict[str, Any]


class Schemas:
    """All schemas of a document, and references to them by type."""

    def __init__(self, *, sent: Sequence[Any], told: Sequence[Any]) -> None:
        """Build them; `sent` are the types of bodies, `told` those of answers."""
        structs = list(_structs([*sent, *told]))
        types = [*sent, *told, *structs]
        raw, found = msgspec.json.schema_components(types, ref_template=_REF)
        names = {name: _public_name(name) for name in found}
        self._references = {
            each: _renamed(schema, names) for each, schema in zip(types, raw, strict=True)
        }
        self.components: Json = {
            names[name]: _renamed(schema, names) for name, schema in sorted(found.items())
        }
        for each in structs:
            self._explain(each)
        asked = self._reachable(sent)
        for name, schema in self.components.items():
            schema["title"] = name
            schema["description"] = plain(schema.get("description", "")) or name
            bound(schema, name, SENT if name in asked else TOLD)

    def of(self, kind: Any) -> Json:
        """Return the schema of a type that the document was made with: mostly a reference."""
        return dict(self._references[kind])

    def resolved(self, schema: Json) -> Json:
        """Return what a reference means, or the schema itself."""
        name = schema.get("$ref")
        return schema if name is None else self.components[name.rsplit("/", 1)[1]]

    def _explain(self, kind: Any) -> None:
        """Add what the code says below each field, and which texts are times."""
        schema = self.resolved(self._references[kind])
        properties = schema.get("properties", {})
        meanings = field_meanings(kind)
        for each in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined] # a Struct
            shown = properties[each.encode_name]
            if each.name in meanings and "description" not in shown:
                shown["description"] = meanings[each.name]
            if keys := _keys_of(each.type):
                shown["propertyNames"] = {"enum": keys}
            if _has_time(each.type):
                for part in (shown, *shown.get("anyOf", ())):
                    if part.get("type") == "string":
                        part["format"] = "date-time"

    def _reachable(self, types: Sequence[Any]) -> set[str]:
        seen: set[str] = set()
        pending = [self._references[each] for each in types]
        while pending:
            for name in _references_in(pending.pop()):
                if name not in seen:
                    seen.add(name)
                    pending.append(self.components[name])
        return seen


@cache
def _public_name(name: str) -> str:
    """Return a name without module paths and brackets: it becomes a class in generated clients."""
    if (page := _PAGE.fullmatch(name)) is not None:
        return f"{page[1].rsplit('.', 1)[-1]}Page"
    parts = name.split(".")
    room = parts[-3].replace("_", " ").title().replace(" ", "") if len(parts) > 2 else ""
    return room + parts[-1]


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, dict):
        return {
            key: _REF.format(name=names[value.rsplit("/", 1)[1]])
            if key == "$ref"
            else _renamed(value, names)
            for key, value in schema.items()
        }
    return [_renamed(each, names) for each in schema] if isinstance(schema, list) else schema


def _references_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[1]
        for value in schema.values():
            yield from _references_in(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references_in(value)


def _structs(types: Sequence[Any]) -> Iterator[Any]:
    """Yield every Struct that the types are made of, once."""
    seen: set[Any] = set()
    pending = [msgspec.inspect.type_info(each) for each in types]
    while pending:
        info = pending.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            yield info.cls
            pending.extend(each.type for each in info.fields)
        else:
            pending.extend(_inner(info))


def _inner(info: msgspec.inspect.Type) -> Iterator[msgspec.inspect.Type]:
    for name in ("item_type", "key_type", "value_type", "type"):
        found = getattr(info, name, None)
        if isinstance(found, msgspec.inspect.Type):
            yield found
    for name in ("item_types", "types"):
        yield from getattr(info, name, ())


def _keys_of(info: msgspec.inspect.Type) -> list[Any]:
    """Return the only keys that a mapping may have, if it is one; msgspec says them nowhere."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _keys_of(info.type)
    if isinstance(info, msgspec.inspect.DictType):
        if isinstance(info.key_type, msgspec.inspect.LiteralType):
            return list(info.key_type.values)
        if isinstance(info.key_type, msgspec.inspect.EnumType):
            return [each.value for each in info.key_type.cls]
    return []


def _has_time(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.UnionType):
        return any(_has_time(each) for each in info.types)
    if isinstance(info, msgspec.inspect.Metadata):
        return _has_time(info.type)
    return isinstance(info, msgspec.inspect.DateTimeType)

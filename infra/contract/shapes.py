"""Whether a schema still takes, or still promises, what it did before."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = dict[str, Any]

Direction = Literal["sent", "told"]
"""`sent`: by clients, so it must not get narrower. `told`: to clients, so it must not get wider."""


@dataclass(frozen=True, kw_only=True)
class Break:
    """Something that an existing client may stumble over."""

    rule: str
    where: str
    detail: str


_UPPER: Final = ("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties")
_LOWER: Final = ("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties")


@dataclass(kw_only=True)
class Shapes:
    """Compares schemas of two documents."""

    old: Json
    new: Json
    _seen: set[tuple[str, str, Direction]] = field(default_factory=set)

    def compare(self, old: Json, new: Json, where: str, direction: Direction) -> Iterator[Break]:
        """Yield what breaks; each pair of components is looked at once per direction."""
        pair = (str(old.get("$ref")), str(new.get("$ref")), direction)
        if "$ref" in old and "$ref" in new:
            if pair in self._seen:
                return
            self._seen.add(pair)
            where = f"{where} ({pair[1].rsplit('/', 1)[1]})"
        old, new = _resolved(old, self.old), _resolved(new, self.new)
        ours, theirs = self._variants(old, self.old), self._variants(new, self.new)
        yield from _kinds(set(ours), set(theirs), where, direction)
        for kind in ours.keys() & theirs.keys():
            yield from self._same_kind(ours[kind], theirs[kind], where, direction)

    def _same_kind(self, old: Json, new: Json, where: str, direction: Direction) -> Iterator[Break]:
        yield from _values(old, new, where, direction)
        if direction == "sent":
            yield from _limits(old, new, where)
        elif "format" in old and new.get("format") != old["format"]:
            yield Break(rule="format-changed", where=where, detail=f"was {old['format']}")
        yield from self._properties(old, new, where, direction)
        for part in ("items", "additionalProperties"):
            if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
                yield from self.compare(old[part], new[part], f"{where}/*", direction)

    def _properties(
        self, old: Json, new: Json, where: str, direction: Direction
    ) -> Iterator[Break]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before.keys() - after.keys():
            yield Break(rule="property-removed", where=where, detail=name)
        was, now = set(old.get("required", ())), set(new.get("required", ()))
        if direction == "sent":
            for name in sorted(now - was):
                yield Break(rule="property-required", where=where, detail=name)
        else:
            for name in sorted((was - now) & after.keys()):
                yield Break(rule="property-optional", where=where, detail=name)
        for name in sorted(before.keys() & after.keys()):
            yield from self.compare(before[name], after[name], f"{where}/{name}", direction)

    def _variants(self, schema: Json, document: Json) -> dict[str, Json]:
        """Return the alternatives of a schema by their kind."""
        alternatives = schema.get("anyOf") or schema.get("oneOf") or [schema]
        found: dict[str, Json] = {}
        for each in alternatives:
            inner = _resolved(each, document)
            kind = inner.get("type", "any")
            if isinstance(kind, list):
                found |= dict.fromkeys(kind, inner)
            elif kind in found:  # several objects: told apart by their names
                found[f"{kind} {each.get('$ref', '').rsplit('/', 1)[-1]}"] = inner
            else:
                found[_kind(inner, kind)] = inner
            if kind == "any" and None in inner.get("enum", ()):
                found["null"] = inner
        return found


def _kind(schema: Json, kind: str) -> str:
    """Return the JSON type; of values without one, that of the first."""
    values = [each for each in schema.get("enum", ()) if each is not None]
    if kind == "any" and values:
        return {str: "string", int: "integer", float: "number", bool: "boolean"}[type(values[0])]
    return kind


def _kinds(ours: set[str], theirs: set[str], where: str, direction: Direction) -> Iterator[Break]:
    if direction == "sent" and ours - theirs and "any" not in theirs:
        gone = ", ".join(sorted(ours - theirs))
        yield Break(rule="type-narrowed", where=where, detail=f"no longer {gone}")
    if direction == "told" and theirs - ours and "any" not in ours:
        fresh = ", ".join(sorted(theirs - ours))
        yield Break(rule="type-widened", where=where, detail=f"may now be {fresh}")


def _values(old: Json, new: Json, where: str, direction: Direction) -> Iterator[Break]:
    before, after = _enum(old), _enum(new)
    if before is not None and after is not None:
        for each in sorted(before - after):
            yield Break(rule="value-removed", where=where, detail=each)
    elif before is None and after is not None and direction == "sent":
        yield Break(rule="values-limited", where=where, detail=", ".join(sorted(after)))
    elif after is None and before is not None and direction == "told":
        yield Break(rule="values-opened", where=where, detail="any value may come now")


def _enum(schema: Json) -> set[str] | None:
    if "const" in schema:
        return {str(schema["const"])}
    return {str(each) for each in schema["enum"]} if "enum" in schema else None


def _limits(old: Json, new: Json, where: str) -> Iterator[Break]:
    for name in _UPPER:
        if name in new and new[name] < old.get(name, float("inf")):
            yield Break(rule="limit-tightened", where=where, detail=f"{name} is {new[name]}")
    for name in _LOWER:
        if name in new and new[name] > old.get(name, float("-inf")) and new[name] != 0:
            yield Break(rule="limit-tightened", where=where, detail=f"{name} is {new[name]}")
    for name in ("pattern", "format"):
        if name in new and new[name] != old.get(name) and "enum" not in old:
            yield Break(rule=f"{name}-changed", where=where, detail=str(new[name]))


def _resolved(schema: Json, document: Json) -> Json:
    name = schema.get("$ref")
    if name is None:
        return schema
    found: Json = document["components"]["schemas"][name.rsplit("/", 1)[1]]
    return found

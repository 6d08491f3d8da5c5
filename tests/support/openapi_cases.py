"""Requests made of the OpenAPI document: good ones, and the ways in which each can be bad."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.contract.tour import fill, read_tour

Json = dict[str, Any]

ROOT: Final = Path(__file__).resolve().parents[2]

WRONG: Final = ([], {"a": 1}, 0.5, True, "\ud800", None)
"""Values of every type; what none of a field's schema allows is a wrong one."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the document."""

    name: str
    method: str
    template: str
    scope: str
    names: tuple[str, ...]
    """Of its path's parameters."""
    schema: Json | None
    """Of its body."""
    takes_key: bool
    """It has an `Idempotency-Key`."""
    needs_query: bool
    statuses: frozenset[str]

    @property
    def is_plain(self) -> bool:
        """Whether it can be called without knowing anything."""
        return not (self.names or self.needs_query or self.schema is not None)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a furnished tenant can send."""

    operation: Operation
    path: dict[str, Any]
    query: dict[str, Any]
    body: Any

    def url(self, path: Mapping[str, Any] | None = None) -> str:
        """Return the address, with other path parameters where they are given."""
        values = {**self.path, **(path or {})}
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), self.operation.template)


def operations_in(document: Json) -> list[Operation]:
    """Return every operation of the document, in its order."""
    return [
        _operation(method, template, each)
        for template, methods in document["paths"].items()
        for method, each in methods.items()
    ]


def _operation(method: str, template: str, raw: Json) -> Operation:
    content = raw.get("requestBody", {}).get("content", {})
    return Operation(
        name=raw["operationId"],
        method=method.upper(),
        template=template,
        scope=raw["security"][0]["api_key"][0],
        names=tuple(re.findall(r"\{(\w+)\}", template)),
        schema=content["application/json"]["schema"] if content else None,
        takes_key=any(each["name"] == "Idempotency-Key" for each in raw["parameters"]),
        needs_query=any(each["in"] == "query" and each["required"] for each in raw["parameters"]),
        statuses=frozenset(raw["responses"]),
    )


def samples_of(document: Json, kept: Mapping[str, Any]) -> list[Sample]:
    """Return a request per operation, as the tour sends it.

    Raises:
        AssertionError: nobody knows how to call an operation; add it to the tour, and what it
            names to the furnished tenant.
    """
    steps: dict[str, Any] = {}
    for step in read_tour():
        steps.setdefault(step.operation, step)
    found, unknown = [], []
    for each in operations_in(document):
        step = steps.get(each.name)
        if step is None and each.is_plain:
            found.append(Sample(operation=each, path={}, query={}, body=None))
            continue
        try:
            assert step is not None, "no step of the tour"
            sample = Sample(
                operation=each,
                path=fill(step.path, kept),
                query=fill(step.query, kept),
                body=fill(step.body, kept),
            )
            assert set(sample.path) == set(each.names), "other path parameters"
            assert (sample.body is None) == (each.schema is None), "a body in one of both only"
            found.append(sample)
        except (AssertionError, KeyError) as error:
            unknown.append(f"{each.name}: {error}")
    assert unknown == [], "the tour and the furnished tenant must know every operation"
    return found


def block_of(page: str) -> Any:
    """Return the last YAML block of a page of the documentation."""
    return fill({"$yaml_of": page}, {})


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A body that is wrong in known places."""

    title: str
    body: Any
    pointers: tuple[str, ...]
    """Fields that the refusal has to name, itself or something in them."""


class BodyFaults:
    """Makes wrong bodies of a good one, by its schema."""

    def __init__(self, document: Json) -> None:
        self._components = document["components"]["schemas"]

    def of(self, body: Any, schema: Json) -> Iterator[Fault]:
        """Yield bodies with one wrong field each, and one with all of the first level wrong."""
        fields = list(self._fields(body, schema, ""))
        for pointer, wrong in fields:
            yield Fault(
                title=f"type of {pointer}", body=_with(body, pointer, wrong), pointers=(pointer,)
            )
        first = [(pointer, wrong) for pointer, wrong in fields if pointer.count("/") == 1]
        every = body
        for pointer, wrong in first:
            every = _with(every, pointer, wrong)
        yield Fault(title="all types", body=every, pointers=tuple(each for each, _ in first))
        for pointer in self._objects(body, schema, ""):
            place = f"{pointer}/unheard_of"
            yield Fault(title=f"unknown {place}", body=_with(body, place, 1), pointers=(place,))
        needed = [f"/{name}" for name in self._resolved(schema).get("required", ())]
        if needed:
            yield Fault(title="nothing in it", body={}, pointers=tuple(needed))

    def _fields(self, value: Any, schema: Json, pointer: str) -> Iterator[tuple[str, Any]]:
        """Yield every field that the schema knows with a value of a type that it does not have."""
        schema = self._resolved(schema)
        for name, inner in schema.get("properties", {}).items():
            place = f"{pointer}/{name}"
            types = self._types(inner)
            wrong = [each for each in WRONG if types and not types & _types_of(each)]
            if wrong:
                yield place, wrong[0]
            if isinstance(value, dict) and name in value:
                yield from self._inside(value[name], inner, place)

    def _inside(self, value: Any, schema: Json, pointer: str) -> Iterator[tuple[str, Any]]:
        schema = self._chosen(value, schema)
        if isinstance(value, dict):
            yield from self._fields(value, schema, pointer)
        elif isinstance(value, list) and value and "items" in schema:
            yield from self._inside(value[0], schema["items"], f"{pointer}/0")

    def _objects(self, value: Any, schema: Json, pointer: str) -> Iterator[str]:
        """Yield every object of the body that takes no unknown fields."""
        schema = self._chosen(value, schema)
        if isinstance(value, dict) and schema.get("additionalProperties") is False:
            yield pointer
        if isinstance(value, dict):
            for name, inner in schema.get("properties", {}).items():
                if name in value:
                    yield from self._objects(value[name], inner, f"{pointer}/{name}")
        elif isinstance(value, list) and value and "items" in schema:
            yield from self._objects(value[0], schema["items"], f"{pointer}/0")

    def _types(self, schema: Json) -> set[str]:
        """Return the JSON types that a value may have; nothing when it may have any."""
        schema = self._resolved(schema)
        options = schema.get("anyOf") or schema.get("oneOf")
        if options:
            found = [self._types(each) for each in options]
            return set().union(*found) if all(found) else set()
        kinds = schema.get("type", ())
        return {kinds} if isinstance(kinds, str) else set(kinds)

    def _chosen(self, value: Any, schema: Json) -> Json:
        """Return the part of a schema that is about values like this one."""
        schema = self._resolved(schema)
        for each in schema.get("anyOf") or schema.get("oneOf") or ():
            if self._types(each) & _types_of(value):
                return self._resolved(each)
        return schema

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._components[schema["$ref"].rsplit("/", 1)[1]]
        return schema


def malformed(body: Any) -> Iterator[tuple[str, bytes, str, int, str]]:
    """Yield what is no JSON body at all: title, content, content type, status, code."""
    good = json.dumps(body).encode()
    kind = "application/json"
    inside = good.removeprefix(b"{").removesuffix(b"}")
    twice = b"{" + b",".join(part for part in (inside, b'"twice":1,"twice":1') if part) + b"}"
    deep = b'{"deep":' + b"[" * 200 + b"]" * 200 + b"}"
    yield "no body", b"", kind, 400, "malformed-json"
    yield "no JSON", b"not JSON", kind, 400, "malformed-json"
    yield "cut off", good[:-1], kind, 400, "malformed-json"
    yield "key twice", twice, kind, 400, "malformed-json"
    yield "too deep", deep, kind, 400, "malformed-json"
    yield "deeper than the stack", b"[" * 100_000, kind, 400, "malformed-json"
    yield "no object", b"[]", kind, 400, "validation-failed"
    yield "null", b"null", kind, 400, "validation-failed"
    yield "no type", good, "", 415, "unsupported-media-type"
    yield "another type", good, "text/plain", 415, "unsupported-media-type"
    yield "a form", b"a=1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"


def _types_of(value: Any) -> set[str]:
    if isinstance(value, bool):  # which is an int here, and not there
        return {"boolean"}
    kinds: Json = {
        str: {"string"},
        int: {"integer", "number"},
        float: {"number"},
        list: {"array"},
        dict: {"object"},
        type(None): {"null"},
    }
    found: set[str] = kinds[type(value)]
    return found


def _with(body: Any, pointer: str, value: Any) -> Any:
    """Return the body with another value in one place."""
    changed = copy.deepcopy(body)
    *way, last = pointer.split("/")[1:]
    target = changed
    for part in way:
        target = target[int(part)] if isinstance(target, list) else target[part]
    target[last] = value
    return changed

"""Makes an older version's answer from today's.

What has to be changed where is worked out once per operation from the types of its answers, so that
a request of the newest version pays nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import inspect

from services.api.versions.changes import CHANGES, VERSIONS, Change

EACH: Final = "*"
"""Stands in a path for every element of a list or every value of an object."""

Path = tuple[str, ...]

_CHILDREN: Final[dict[type[inspect.Type], tuple[str, ...]]] = {
    inspect.ListType: ("item_type",),
    inspect.VarTupleType: ("item_type",),
    inspect.DictType: ("value_type",),
}
"""Where the types inside a container are."""


class Step(msgspec.Struct, frozen=True):
    """One change at one place of an answer."""

    change: Change
    path: Path


class Transformer:
    """Knows what to do to the answers of one operation."""

    def __init__(self, answers: Iterable[Any], changes: Sequence[Change] = CHANGES) -> None:
        """Look for the places; `answers` are the types of its bodies."""
        found = {
            (change.version, path): Step(change, path)
            for kind in answers
            for change in changes
            for path in _places(inspect.type_info(kind), change.kind, (), ())
        }
        # The newest first, and inner places before those around them.
        self._steps = sorted(
            found.values(), key=lambda step: (step.change.version, len(step.path)), reverse=True
        )

    def older(self, body: Any, version: str) -> Any:
        """Return the body as a version shows it; the very same one when nothing differs."""
        steps = [step for step in self._steps if step.change.version > version]
        if not steps:
            return body
        plain = msgspec.json.decode(msgspec.json.encode(body))
        for step in steps:
            plain = _apply(plain, step.path, step.change)
        return plain


def is_known(version: str) -> bool:
    """Say whether there is such a version."""
    return version in VERSIONS


def _places(
    found: inspect.Type, wanted: type[msgspec.Struct], path: Path, inside: tuple[type, ...]
) -> Iterator[Path]:
    if isinstance(found, inspect.StructType):
        if found.cls is wanted:
            yield path
        if found.cls not in inside:  # a type that contains itself is looked at once
            for field in found.fields:
                inner = (*path, field.encode_name)
                yield from _places(field.type, wanted, inner, (*inside, found.cls))
    elif isinstance(found, inspect.UnionType):
        for each in found.types:
            yield from _places(each, wanted, path, inside)
    else:
        for name in _CHILDREN.get(type(found), ()):
            yield from _places(getattr(found, name), wanted, (*path, EACH), inside)


def _apply(value: Any, path: Path, change: Change) -> Any:
    if value is None:  # an optional part that is not there
        return None
    if not path:
        return change.older(value)
    name, rest = path[0], path[1:]
    if name == EACH:
        if isinstance(value, list):
            return [_apply(each, rest, change) for each in value]
        return {key: _apply(each, rest, change) for key, each in value.items()}
    return {**value, name: _apply(value[name], rest, change)} if name in value else value

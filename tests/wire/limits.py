"""What a field refuses beyond its type, as data: the least and most, lengths, patterns."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import inspect as kinds

LEAST: Final = frozenset({"ge", "gt", "min_length"})
MOST: Final = frozenset({"le", "lt", "max_length"})
EXACT: Final = ("pattern", "multiple_of", "tz")
"""Of two that differ nobody can say which of them takes more."""

Limits = dict[str, dict[str, Any]]
"""Limits by where they are: the value itself, `[]` its items, `{}` its values, and so on."""


def limits(kind: kinds.Type) -> Limits:
    """Return every limit of a field; structs and enums have shapes and names of their own."""
    return dict(_found(kind, ""))


def _found(kind: kinds.Type, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(kind, kinds.Metadata):
        yield from _found(kind.type, place)
        return
    if own := _own(kind):
        yield place, own
    for step, part in _parts(kind):
        yield from _found(part, place + step)


def _parts(kind: kinds.Type) -> Iterator[tuple[str, kinds.Type]]:
    match kind:
        case kinds.UnionType():
            # none beside one type is the same place: a field that may be null now keeps its limits
            several = [each for each in kind.types if not isinstance(each, kinds.NoneType)]
            for each in several:
                name = type(each).__name__.removesuffix("Type").lower()
                yield ("" if len(several) == 1 else f"<{name}>"), each
        case kinds.TupleType():
            yield from ((f"[{number}]", each) for number, each in enumerate(kind.item_types))
        case kinds.CollectionType():
            yield "[]", kind.item_type
        case kinds.DictType():
            yield "{key}", kind.key_type
            yield "{}", kind.value_type
        case _:
            pass


def _own(kind: kinds.Type) -> dict[str, Any]:
    names = (*sorted(LEAST), *sorted(MOST), *EXACT)
    own = {name: value for name in names if (value := getattr(kind, name, None)) is not None}
    if isinstance(kind, kinds.IntType):  # above 0 is from 1
        for strict, name, step in (("gt", "ge", 1), ("lt", "le", -1)):
            if strict in own:
                own[name] = own.pop(strict) + step
    return own


def tightened(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield the new limits that refuse what the old ones let pass."""
    for place, own in new.items():
        before = old.get(place, {})
        for name, value in own.items():
            if _is_tighter(name, before.get(name), value):
                instead = f"and not {before[name]}" if name in before else "and not any"
                yield f"{f'{place} ' if place else ''}{name} {value} {instead}"


def _is_tighter(name: str, old: Any, new: Any) -> bool:
    if old is None:
        return not (name == "min_length" and new == 0)
    if name in LEAST:
        return bool(new > old)
    if name in MOST:
        return bool(new < old)
    return bool(new != old)

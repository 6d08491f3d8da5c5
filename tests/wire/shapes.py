"""What travels between processes or rests for a later release, as data: shapes and sample values.

Everything is found by itself: the structs of the contracts, of workflows and of dry runs.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as kinds

import shared.contracts
import shared.workflows
from tests.wire.limits import limits

ROOMS = (shared.contracts, shared.workflows)

MODULES = ("shared.library.rubric_dry_run",)
"""Further modules whose structs travel."""

FOR_PARTNERS = ("shared.contracts.event_catalog",)
"""Only written, for partners, who are promised more than this: see the checks of the contract."""

UUID_TEXT = "01900000-0000-7000-8000-000000000001"

TEXTS = ("x", "a-b", "relate.empathy", "en", "2026-11-16", "2026-11-16T10:00:00Z", "a_b", "A", "1",
         "https://a.example/x", "Europe/Vienna", "EUR")  # fmt: skip
"""One of them fits each pattern."""


def structs() -> dict[str, type[msgspec.Struct]]:
    """Return every struct of the wire by its full name."""
    return {
        f"{each.__module__}.{each.__qualname__}": each for each in _structs() if _is_whole(each)
    }


def _structs() -> Iterator[type[msgspec.Struct]]:
    for module in _modules():
        for _, each in inspect.getmembers(module, inspect.isclass):
            if issubclass(each, msgspec.Struct) and each.__module__ == module.__name__:
                yield each


def _modules() -> Iterator[Any]:
    for room in ROOMS:
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if found.name not in FOR_PARTNERS:
                yield importlib.import_module(found.name)
    yield from (importlib.import_module(name) for name in MODULES)


def _is_whole(struct: type[msgspec.Struct]) -> bool:
    """Bases without fields never travel themselves, nor does what holds Python's own types."""
    types = [field.type for field in kinds.type_info(struct).fields]
    is_base = not types and struct.__struct_config__.tag is None
    return not is_base and not any(isinstance(each, kinds.CustomType) for each in types)


def shape(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Return what a reader of another release depends on."""
    info = kinds.type_info(struct)
    assert isinstance(info, kinds.StructType)
    return {
        "tag": info.tag,
        "forbids_unknown": info.forbid_unknown_fields,
        "fields": {
            field.encode_name: {"type": named(field.type), "required": field.required}
            | ({"limits": found} if (found := limits(field.type)) else {})
            for field in info.fields
        },
    }


def named(kind: kinds.Type) -> str:  # noqa: PLR0911  (one return per type)
    """Return a type as text; structs by name, for they have shapes of their own."""
    if isinstance(kind, kinds.Metadata):
        return named(kind.type)
    if isinstance(kind, kinds.StructType):
        return kind.cls.__qualname__
    if isinstance(kind, kinds.EnumType):
        return f"{kind.cls.__qualname__}({'|'.join(sorted(str(each.value) for each in kind.cls))})"
    if isinstance(kind, kinds.LiteralType):
        return f"({'|'.join(sorted(map(str, kind.values)))})"
    if isinstance(kind, kinds.UnionType):
        return " | ".join(sorted(named(each) for each in kind.types))
    if isinstance(kind, kinds.CollectionType):
        return f"list[{named(kind.item_type)}]"
    if isinstance(kind, kinds.TupleType):
        return f"tuple[{', '.join(named(each) for each in kind.item_types)}]"
    if isinstance(kind, kinds.DictType):
        return f"dict[{named(kind.key_type)}, {named(kind.value_type)}]"
    return type(kind).__name__.removesuffix("Type").lower()


def sample(struct: type[msgspec.Struct], *, full: bool) -> Any:
    """Return plain data of a struct: all fields, or the required ones only."""
    return _value(kinds.type_info(struct), full=full)


def _value(kind: kinds.Type, *, full: bool) -> Any:  # noqa: PLR0911, PLR0912  (one case per type)
    match kind:
        case kinds.Metadata():
            return _value(kind.type, full=full)
        case kinds.StructType():
            return _fields(kind, full=full)
        case kinds.UnionType():
            return _value(
                next(t for t in kind.types if not isinstance(t, kinds.NoneType)), full=full
            )
        case kinds.EnumType():
            return next(iter(kind.cls)).value
        case kinds.LiteralType():
            return kind.values[0]
        case kinds.TupleType():
            return [_value(each, full=full) for each in kind.item_types]
        case kinds.CollectionType():
            amount = max(kind.min_length or 0, 1 if full else 0)
            return [_value(kind.item_type, full=full)] * amount
        case kinds.DictType():
            amount = kind.min_length or (1 if full else 0)
            key, value = _value(kind.key_type, full=full), _value(kind.value_type, full=full)
            return {key: value} if amount else {}
        case kinds.StrType():
            return _text(kind)
        case kinds.IntType() | kinds.FloatType():
            least = kind.ge if kind.ge is not None else (kind.gt or 0) + (kind.gt is not None)
            return least if kind.multiple_of is None else kind.multiple_of
        case kinds.BoolType():
            return True
        case kinds.UUIDType():
            return UUID_TEXT
        case kinds.DateTimeType():
            return "2026-11-16T10:00:00Z"
        case kinds.DateType():
            return "2026-11-16"
        case kinds.BytesType():
            return "eA=="
        case kinds.DecimalType():
            return "1.5"
        case _:
            return None


def _fields(kind: kinds.StructType, *, full: bool) -> dict[str, Any]:
    found = {
        field.encode_name: _value(field.type, full=full)
        for field in kind.fields
        if full or field.required
    }
    return found if kind.tag is None else {str(kind.tag_field): kind.tag} | found


def _text(kind: kinds.StrType) -> str:
    for text in TEXTS:
        padded = text.ljust(kind.min_length or 0, text[-1])
        fits = kind.pattern is None or re.search(kind.pattern, padded)
        if fits and len(padded) <= (kind.max_length or len(padded)):
            return padded
    raise AssertionError(f"no sample text fits {kind.pattern}")

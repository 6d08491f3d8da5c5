"""Bodies and query strings: decoded strictly, and every wrong field is named.

msgspec stops at the first mistake, so a refused value is walked a second time, field by field.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain, islice
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from urllib.parse import parse_qsl

import msgspec

from shared.errors import FieldError, MalformedJsonError, ValidationFailedError

T = TypeVar("T")

MAX_DEPTH: Final = 16
"""Levels of nesting in a body; ours need five."""

MAX_ERRORS: Final = 1000
"""Wrong fields looked for and named; keeps a hostile body from growing into a larger answer, and
from holding the process for longer than it takes to find so many.
"""

_CODES: Final = (
    (re.compile("length <="), "too-long"),
    (re.compile("length >="), "too-short"),
    (re.compile("matching regex '\\\\\\\\S'"), "blank"),
    (re.compile("matching regex"), "format"),
    (re.compile("Invalid enum value"), "unknown-value"),
    (re.compile("timezone component"), "time-zone-missing"),
    (re.compile("of type|[<>]=? "), "out-of-range"),
    (re.compile("Expected"), "type"),
)


class RuleError(ValueError):
    """Raised by a Struct's `__post_init__`: fields that are fine alone and wrong together."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("fields do not fit together")
        self.errors = errors


def broken(pointer: str, code: str, detail: str) -> FieldError:
    """Name one wrong field; the pointer is relative to the Struct that raises the `RuleError`."""
    return FieldError(pointer=pointer, code=code, detail=detail)


def decode_json(body: bytes) -> Any:
    """Return the plain value of a JSON text.

    Raises:
        MalformedJsonError: not UTF-8, not JSON, a key twice in one object, or nested too deeply.
    """
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except UnicodeDecodeError:
        raise MalformedJsonError("The body is not valid UTF-8") from None
    except RecursionError:
        raise MalformedJsonError("The body is nested too deeply") from None
    except ValueError:
        raise MalformedJsonError from None


def validate(value: Any, kind: type[T]) -> T:
    """Return the value as its type.

    Raises:
        ValidationFailedError: all wrong fields, with JSON Pointers.
        MalformedJsonError: nested too deeply.
    """
    errors = list(islice(_unsafe_text(value, "", 0), MAX_ERRORS))
    if errors:  # a lone surrogate would break whatever looks at the text after us
        value = _encodable(value)
    try:
        result = msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        errors.extend(islice(wrong_fields(value, kind), MAX_ERRORS - len(errors)))
    else:
        if not errors:
            return result
    raise ValidationFailedError(errors=tuple(errors))


def parse_query(raw: bytes, kind: type[T]) -> T:
    """Return the query string as a Struct.

    A parameter that the type calls `REPEATABLE` may come several times; its values are joined by
    commas.

    Raises:
        ValidationFailedError: unknown, repeated or wrong parameters; all are named `query:<name>`.
    """
    errors: list[FieldError] = []
    values: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeError, ValueError):
        raise ValidationFailedError(
            errors=(broken("query:", "format", "The query string is not valid UTF-8"),)
        ) from None
    repeatable: frozenset[str] = getattr(kind, "REPEATABLE", frozenset())
    for name, text in pairs:
        is_more = name in values
        if is_more and name not in repeatable:
            errors.append(broken(f"query:{name}", "repeated", "Give this parameter once"))
        values[name] = f"{values[name]},{text}" if is_more and name in repeatable else text
    errors.extend(_as_query(_unsafe_text(values, "", 0)))
    try:
        result = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError:
        errors.extend(_as_query(wrong_fields(values, kind, strict=False)))
    else:
        errors.extend(_too_lax(values, result))
        if not errors:
            return result
    raise ValidationFailedError(errors=tuple(errors[:MAX_ERRORS]))


def wrong_fields(
    value: Any, kind: Any, pointer: str = "", *, strict: bool = True
) -> Iterator[FieldError]:
    """Yield every field of `value` that does not fit `kind`; nothing when all fit."""
    try:
        msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        # One by one: whoever asks may have enough before a long list is through.
        found = chain(
            _wrong_length(value, kind, pointer),
            _inner(value, _core(kind), pointer, strict=strict),
        )
        first = next(found, None)
        yield from _of(error, pointer) if first is None else chain((first,), found)


def _inner(value: Any, core: Any, pointer: str, *, strict: bool) -> Iterator[FieldError]:
    if isinstance(value, dict) and isinstance(core, type) and issubclass(core, msgspec.Struct):
        yield from _fields(value, core, pointer, strict=strict)
    elif isinstance(value, list) and get_origin(core) in {list, tuple}:
        item = get_args(core)[0]
        for index, element in enumerate(value):
            yield from wrong_fields(element, item, f"{pointer}/{index}", strict=strict)
    elif isinstance(value, dict) and get_origin(core) is dict:
        key_kind, kind = get_args(core)
        yield from _entries(value, key_kind, kind, pointer, strict=strict)


def _entries(
    value: dict[str, Any], key_kind: Any, kind: Any, pointer: str, *, strict: bool
) -> Iterator[FieldError]:
    for key, element in value.items():
        place = f"{pointer}/{_escape(key)}"
        yield from wrong_fields(key, key_kind, place, strict=strict)
        yield from wrong_fields(element, kind, place, strict=strict)


def _fields(
    value: dict[str, Any], kind: type[msgspec.Struct], pointer: str, *, strict: bool
) -> Iterator[FieldError]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    hints = _hints(kind)
    is_closed = kind.__struct_config__.forbid_unknown_fields
    for name in value:
        if is_closed and name not in fields:
            yield broken(f"{pointer}/{_escape(name)}", "unknown-field", "This field is not known")
    for name, field in fields.items():
        if name in value:
            hint = hints[field.name]
            yield from wrong_fields(value[name], hint, f"{pointer}/{name}", strict=strict)
        elif field.required:
            yield broken(f"{pointer}/{name}", "missing", "This field is required")


@lru_cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _wrong_length(value: Any, kind: Any, pointer: str) -> Iterator[FieldError]:
    if not isinstance(value, list) or get_origin(kind) is not Annotated:
        return
    if get_origin(_core(kind)) not in {list, tuple}:
        return
    shape = Annotated[(list[Any], *get_args(kind)[1:])]
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        yield from _of(error, pointer)


def _of(error: msgspec.ValidationError, pointer: str) -> Iterable[FieldError]:
    if isinstance(error.__cause__, RuleError):
        return [
            msgspec.structs.replace(inner, pointer=pointer + inner.pointer)
            for inner in error.__cause__.errors
        ]
    message = str(error).split(" - at ")[0]
    code = next((code for pattern, code in _CODES if pattern.search(message)), "format")
    detail = "This must not be blank" if code == "blank" else message.replace("`", "")
    return [broken(pointer, code, detail)]


def _core(kind: Any) -> Any:
    """Return the type inside `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _core(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        rest = [each for each in get_args(kind) if each is not type(None)]
        return _core(rest[0]) if len(rest) == 1 else kind
    return kind


def _unsafe_text(value: Any, pointer: str, depth: int) -> Iterator[FieldError]:
    """Yield strings that PostgreSQL or UTF-8 cannot hold."""
    if isinstance(value, str):
        yield from _unsafe_string(value, pointer)
    elif depth > MAX_DEPTH:
        raise MalformedJsonError("The body is nested too deeply")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unsafe_string(name, f"{pointer}/{_escape(name)}")
            yield from _unsafe_text(inner, f"{pointer}/{_escape(name)}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unsafe_text(inner, f"{pointer}/{index}", depth + 1)


def _unsafe_string(text: str, pointer: str) -> Iterator[FieldError]:
    if "\0" in text:
        yield broken(pointer, "nul-character", "The character U+0000 is not allowed")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield broken(pointer, "lone-surrogate", "Half of a surrogate pair is not a character")


def _encodable(value: Any) -> Any:
    """Return the value with a question mark in place of what UTF-8 cannot carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(inner) for name, inner in value.items()}
    return [_encodable(inner) for inner in value] if isinstance(value, list) else value


def _too_lax(values: dict[str, str], result: Any) -> Iterator[FieldError]:
    """Yield parameters that say `null` or give a time as a number, which the decoder would take.

    Taken for absent, a filter would silently let everything through.
    """
    for field in msgspec.structs.fields(result):
        text, value = values.get(field.encode_name), getattr(result, field.name)
        if text is None:
            continue
        if value is None:
            yield broken(f"query:{field.encode_name}", "type", "A parameter is never null")
        elif isinstance(value, datetime) and text[4:5] != "-":
            yield broken(f"query:{field.encode_name}", "format", "Invalid RFC3339 encoded datetime")


def _as_query(errors: Iterable[FieldError]) -> list[FieldError]:
    return [
        msgspec.structs.replace(error, pointer=f"query:{error.pointer.removeprefix('/')}")
        for error in errors
    ]


def _escape(name: str) -> str:
    """Escape a key for a JSON Pointer; what UTF-8 cannot carry is shown as a question mark."""
    return str(_encodable(name)).replace("~", "~0").replace("/", "~1")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedJsonError("An object has the same key twice")
    return result


def _no_constant(_name: str) -> NoReturn:
    raise MalformedJsonError("NaN and Infinity are not JSON")

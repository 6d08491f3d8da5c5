import json
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.validation import (
    MAX_ERRORS,
    RuleError,
    broken,
    decode_json,
    parse_query,
    validate,
    wrong_fields,
)
from shared.errors import MalformedJsonError, ValidationFailedError


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    low: Annotated[int, msgspec.Meta(ge=0)]
    high: int | None = None

    def __post_init__(self) -> None:
        if self.high is not None and self.high < self.low:
            raise RuleError(broken("/high", "out-of-order", "high is below low"))


class Odd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mode: Literal["a", "b"] = "a"
    seed: int = 0
    day: date | None = None
    inner: Inner | None = None
    items: tuple[Inner, ...] = ()


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=5)]
    items: Annotated[tuple[Inner, ...], msgspec.Meta(min_length=1, max_length=3)]
    first: Inner | None = None
    kind: str = msgspec.field(name="type", default="x")


def _wrong(value: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailedError) as caught:
        validate(value, Outer)
    return [(error.pointer, error.code) for error in caught.value.errors]


def test_a_good_value_is_converted() -> None:
    value = {"name": "a", "items": [{"low": 1}], "type": "y"}

    assert validate(value, Outer) == Outer(name="a", items=(Inner(low=1),), kind="y")


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({}, [("/name", "missing"), ("/items", "missing")]),
        ({"name": "", "items": [{"low": 1}]}, [("/name", "blank")]),
        ({"name": "abcdef", "items": [{"low": 1}]}, [("/name", "too-long")]),
        ({"name": "a", "items": []}, [("/items", "too-short")]),
        ({"name": "a", "items": [{"low": -1}]}, [("/items/0/low", "out-of-range")]),
        ({"name": "a", "items": [{"low": "1"}]}, [("/items/0/low", "type")]),
        ({"name": "a", "items": [{"low": 5, "high": 1}]}, [("/items/0/high", "out-of-order")]),
        ({"name": "a", "items": [{"low": 1}], "first": 3}, [("/first", "type")]),
        ({"name": "a", "items": {"low": 1}}, [("/items", "type")]),
        ({"name": "a", "items": [{"low": 1}], "a/b~c": 0}, [("/a~1b~0c", "unknown-field")]),
        ({"name": "a", "items": [{"low": 1}], "kind": "y"}, [("/kind", "unknown-field")]),
        ({"name": "a\0", "items": [{"low": 1}]}, [("/name", "nul-character")]),
        ([], [("", "type")]),
    ],
)
def test_the_wrong_field_is_named(value: Any, wrong: list[tuple[str, str]]) -> None:
    assert _wrong(value) == wrong


def test_all_wrong_fields_are_named_at_once() -> None:
    value = {
        "name": 7,
        "items": [{"low": -1, "x": 1}, {"low": 3, "high": 2}, {"low": 1}, 4],
        "first": {"low": None},
    }

    assert set(_wrong(value)) == {
        ("/name", "type"),
        ("/items", "too-long"),
        ("/items/0/x", "unknown-field"),
        ("/items/0/low", "out-of-range"),
        ("/items/1/high", "out-of-order"),
        ("/items/3", "type"),
        ("/first/low", "type"),
    }


@pytest.mark.parametrize("name", ["mode", "seed", "day", "inner", "items", "\udc00"])
@pytest.mark.parametrize("odd", ["\ud800", {"\ud800": 1}, ["\ud800"], {"low": "\ud800"}])
def test_lone_surrogates_are_named_wherever_they_are(name: str, odd: Any) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        validate({name: odd}, Odd)
    errors = caught.value.errors
    assert "lone-surrogate" in {error.code for error in errors}
    assert msgspec.json.encode(errors)


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"], {"\ud800": "\ud800"}])
def test_a_body_of_lone_surrogates_is_refused(value: Any) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        validate(value, Odd)
    assert caught.value.errors[0].code == "lone-surrogate"


def test_the_search_stops_when_enough_is_found() -> None:
    """A body of 340,000 empty objects held the whole process for 24 seconds."""
    value = {"name": "a", "items": [{}] * 100_000}
    found = wrong_fields(value, Outer)
    assert (next(found).code, next(found).pointer) == ("too-long", "/items/0/low")
    with pytest.raises(ValidationFailedError) as caught:
        validate(value, Outer)
    assert len(caught.value.errors) == MAX_ERRORS
    assert caught.value.errors[-1].pointer == f"/items/{MAX_ERRORS - 2}/low"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_value_breaks_validation(value: Any) -> None:
    with pytest.raises((ValidationFailedError, MalformedJsonError)) as caught:
        validate(value, Outer)
    assert isinstance(caught.value, MalformedJsonError) or caught.value.errors


@given(st.binary())
def test_no_bytes_break_decoding(body: bytes) -> None:
    try:
        value = decode_json(body)
    except MalformedJsonError:
        return
    assert json.loads(body) == value


@given(st.binary())
def test_no_query_string_breaks_parsing(raw: bytes) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        parse_query(raw + b"&low=x", Inner)
    assert all(error.pointer.startswith("query:") for error in caught.value.errors)


def test_a_query_string_is_typed() -> None:
    assert parse_query(b"low=3&high=4", Inner) == Inner(low=3, high=4)


def test_a_repeated_parameter_is_named() -> None:
    with pytest.raises(ValidationFailedError) as caught:
        parse_query(b"low=3&low=4", Inner)
    assert [error.pointer for error in caught.value.errors] == ["query:low"]

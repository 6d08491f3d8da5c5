"""Schemas that endpoints enforce strictly, and answers read strictly."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from shared.llm.schema import UnfitTypeError, schema_of, version_of
from shared.llm.structured import Reading


class Verdict(StrEnum):
    MET = "met"
    NOT_MET = "not_met"


class Quote(msgspec.Struct, frozen=True):
    """Where it stands."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=300, description="verbatim")]


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    quote: Quote | None = None
    kinds: list[Literal["a", "b"]] = []
    sure: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5


class Tree(msgspec.Struct, frozen=True):
    name: str
    children: list["Tree"]


class Cat(msgspec.Struct, tag="cat", frozen=True):
    lives: int


class Dog(msgspec.Struct, tag="dog", frozen=True):
    name: str


class Owner(msgspec.Struct, frozen=True):
    pet: Cat | Dog


class Mapped(msgspec.Struct, frozen=True):
    scores: dict[str, int]


class Pair(msgspec.Struct, frozen=True):
    both: tuple[int, str]


ALLOWED = {
    "type", "properties", "required", "items", "enum", "const", "anyOf", "$ref", "$defs",
    "description", "additionalProperties",
}  # fmt: skip


def parts(schema: Any) -> list[dict[str, Any]]:
    """Every schema inside, itself included."""
    if isinstance(schema, list):
        return [part for one in schema for part in parts(one)]
    if not isinstance(schema, dict):
        return []
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [schema["items"]] if "items" in schema else []
    return [schema, *parts(inner), *parts(schema.get("anyOf", []))]


@pytest.mark.parametrize("kind", [Opinion, Tree, Owner])
def test_every_part_is_in_the_strict_subset(kind: type[msgspec.Struct]):
    schema = schema_of(kind).schema
    assert schema["type"] == "object"
    assert "$ref" not in schema
    for part in parts(schema):
        assert set(part) <= ALLOWED, part
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert sorted(part["required"]) == sorted(part["properties"])


def test_every_reference_leads_somewhere():
    for kind in (Opinion, Tree, Owner):
        schema = schema_of(kind).schema
        targets = {f"#/$defs/{name}" for name in schema.get("$defs", {})}
        assert {part["$ref"] for part in parts(schema) if "$ref" in part} <= targets


def test_descriptions_stay_and_bounds_go():
    quote = schema_of(Opinion).schema["$defs"]["Quote"]["properties"]
    assert quote["words"] == {"type": "string", "description": "verbatim"}
    assert quote["seq"] == {"type": "integer"}


@pytest.mark.parametrize("kind", [Mapped, Pair])
def test_what_cannot_be_said_strictly_is_a_mistake_of_ours(kind: type[msgspec.Struct]):
    with pytest.raises(UnfitTypeError):
        schema_of(kind)


def test_the_version_changes_with_the_prompt_and_with_the_form():
    versions = {version_of("a"), version_of("b"), version_of("a", Opinion), version_of("a", Tree)}
    assert len(versions) == 4
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)
    assert version_of("a", Opinion) == version_of("a", Opinion)


GOOD = '{"verdict": "met", "quote": {"seq": 1, "words": "x"}, "kinds": ["a"], "sure": 1}'


@pytest.mark.parametrize(
    "text",
    [GOOD, f"\n {GOOD} \n", f"```json\n{GOOD}\n```", f"```\n{GOOD}\n```\n"],
)
def test_one_fence_is_tolerated(text: str):
    reading = Reading(Opinion)
    assert reading.check(text) is None
    assert reading.value == Opinion(
        verdict=Verdict.MET, quote=Quote(seq=1, words="x"), kinds=["a"], sure=1.0
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! " + GOOD,
        GOOD + " Hope that helps.",
        f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```",
        "[" + GOOD + "]",
        "{}",
        GOOD.replace('"met"', '"maybe"'),
        GOOD.replace('"seq": 1', '"seq": 0'),
        GOOD.replace('"seq": 1', '"seq": "1"'),
        GOOD[:-1],
        '{"verdict": "met", "sure": NaN}',
        "null",
    ],
)
def test_nothing_else_is(text: str):
    reading = Reading(Opinion)
    complaint = reading.check(text)
    assert complaint
    assert reading.value is None

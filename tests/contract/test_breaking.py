"""Every rule of the breaking-change check, and that what only adds breaks nothing."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from infra.contract.breaking import breaks, is_newer
from infra.contract.built import skeleton

Json = dict[str, Any]

THING = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"enum": ["open", "ended"], "type": "string"},
        "score": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
        "marks": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["id", "state"],
}
PART = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "of": {"$ref": "#/components/schemas/Part"}},
    "required": ["name"],
}
WISH = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 80, "minLength": 1},
        "mode": {"enum": ["fast", "slow"], "type": "string"},
        "count": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}]},
        "free": {"type": "string"},
    },
    "required": ["name"],
}


def _document() -> Json:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    return {
        "info": {"version": "2026-11-22"},
        "paths": {
            "/v1/things": {
                "post": {
                    "operationId": "create_thing",
                    "security": [{"api_key": ["things:write"]}],
                    "parameters": [
                        {
                            "name": "limit",
                            "in": "query",
                            "required": False,
                            "schema": {"type": "integer", "maximum": 100},
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}
                        },
                    },
                    "responses": {"201": {"content": content}, "409": {}},
                },
                "get": {"operationId": "list_things", "responses": {"200": {"content": content}}},
            }
        },
        "webhooks": {
            "thing.made": {
                "post": {"operationId": "on_thing_made", "requestBody": {"content": content}}
            }
        },
        "components": {"schemas": deepcopy({"Thing": THING, "Part": PART, "Wish": WISH})},
    }


def _post(document: Json) -> Json:
    operation: Json = document["paths"]["/v1/things"]["post"]
    return operation


def _schema(document: Json, name: str) -> Json:
    schema: Json = document["components"]["schemas"][name]
    return schema


def _set(name: str, path: str, value: Any) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        at = _schema(document, name)
        *way, last = path.split("/")
        for part in way:
            at = at[int(part)] if isinstance(at, list) else at[part]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return change


BREAKING: list[tuple[str, Callable[[Json], Any]]] = [
    ("operation-removed", lambda d: d["paths"]["/v1/things"].pop("get")),
    ("operation-removed", lambda d: d["paths"].update({"/v1/stuff": d["paths"].pop("/v1/things")})),
    ("operation-renamed", lambda d: _post(d).update(operationId="make_thing")),
    ("scope-changed", lambda d: _post(d).update(security=[{"api_key": ["other:write"]}])),
    ("parameter-removed", lambda d: _post(d)["parameters"].clear()),
    ("parameter-required", lambda d: _post(d)["parameters"][0].update(required=True)),
    (
        "parameter-required",
        lambda d: _post(d)["parameters"].append(
            {"name": "K", "in": "header", "required": True, "schema": {}}
        ),
    ),
    ("limit-tightened", lambda d: _post(d)["parameters"][0]["schema"].update(maximum=50)),
    ("body-removed", lambda d: _post(d).pop("requestBody")),
    (
        "body-required",
        lambda d: d["paths"]["/v1/things"]["get"].update(requestBody=_post(d)["requestBody"]),
    ),
    ("status-removed", lambda d: _post(d)["responses"].pop("201")),
    ("status-added", lambda d: _post(d)["responses"].update({"202": {}})),
    ("media-type-removed", lambda d: _post(d)["responses"]["201"].update(content={})),
    ("event-removed", lambda d: d["webhooks"].clear()),
    ("property-removed", _set("Thing", "properties/marks", None)),
    ("property-removed", _set("Part", "properties/name", None)),
    ("property-removed", _set("Wish", "properties/free", None)),
    ("property-optional", _set("Thing", "required", ["id"])),
    ("property-required", _set("Wish", "required", ["name", "mode"])),
    (
        "type-widened",
        _set("Thing", "properties/id", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ),
    ("type-widened", _set("Thing", "properties/parts/items", {"type": "string"})),
    ("type-widened", _set("Thing", "properties/marks/additionalProperties", {"type": "integer"})),
    ("type-narrowed", _set("Wish", "properties/count", {"type": "integer", "maximum": 9})),
    ("type-narrowed", _set("Wish", "properties/free", {"type": "integer"})),
    ("value-removed", _set("Wish", "properties/mode/enum", ["fast"])),
    ("value-removed", _set("Thing", "properties/state/enum", ["open"])),
    ("values-limited", _set("Wish", "properties/free/enum", ["a", "b"])),
    ("values-opened", _set("Thing", "properties/state", {"type": "string"})),
    ("limit-tightened", _set("Wish", "properties/name/maxLength", 40)),
    ("limit-tightened", _set("Wish", "properties/name/minLength", 2)),
    ("limit-tightened", _set("Wish", "properties/free/maxLength", 40)),
    ("limit-tightened", _set("Wish", "properties/count/anyOf/0/maximum", 8)),
    ("pattern-changed", _set("Wish", "properties/free/pattern", "^a")),
    ("format-changed", _set("Wish", "properties/free/format", "date")),
    ("format-changed", _set("Thing", "properties/id/format", "date")),
]

HARMLESS: list[Callable[[Json], Any]] = [
    lambda d: d["paths"].update({"/v1/more": {"get": {"operationId": "x", "responses": {}}}}),
    lambda d: d["webhooks"].update({"thing.gone": d["webhooks"]["thing.made"]}),
    lambda d: _post(d)["responses"].pop("409"),
    lambda d: _post(d)["parameters"].append(
        {"name": "q", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    lambda d: _post(d)["security"].append({"token": ["things:write"]}),
    _set("Thing", "properties/more", {"type": "string"}),
    _set("Thing", "required", ["id", "state", "score"]),
    _set("Thing", "properties/state/enum", ["open", "ended", "scored"]),
    _set("Thing", "properties/score", {"type": "integer"}),
    _set("Wish", "properties/more", {"type": "string"}),
    _set("Wish", "required", []),
    _set("Wish", "properties/mode/enum", ["fast", "slow", "slower"]),
    _set("Wish", "properties/name/maxLength", 100),
    _set("Wish", "properties/name/minLength", 0),
    _set("Wish", "properties/free", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


@pytest.mark.parametrize(("rule", "change"), BREAKING)
def test_what_breaks_is_named(rule: str, change: Callable[[Json], Any]) -> None:
    new = _document()
    change(new)

    assert rule in {each.rule for each in breaks(_document(), new)}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_only_adds_breaks_nothing(change: Callable[[Json], Any]) -> None:
    new = _document()
    change(new)

    assert breaks(_document(), new) == []


def test_the_same_document_breaks_nothing(document: Json) -> None:
    assert breaks(document, document) == []


def test_a_break_says_where(document: Json) -> None:
    new = deepcopy(document)
    del new["components"]["schemas"]["SimulationView"]["properties"]["brief"]

    found = breaks(document, new)

    assert {each.rule for each in found} == {"property-removed"}
    assert all("SimulationView" in each.where and each.detail == "brief" for each in found)


def test_only_a_later_date_allows_for_breaks() -> None:
    old, new = _document(), _document()
    assert not is_newer(old, new)

    new["info"]["version"] = "2027-01-15"

    assert is_newer(old, new)


def test_a_released_file_keeps_all_that_is_compared(document: Json) -> None:
    kept = msgspec.json.decode(skeleton(document))

    assert breaks(kept, document) == []
    assert breaks(document, kept) == []
    assert len(skeleton(document)) < len(msgspec.json.encode(document))
    titled = kept["components"]["schemas"]["TeamCreate"]["properties"]
    assert "name" in titled

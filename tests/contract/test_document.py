"""The document is complete, true to its own schemas, and the committed one."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import services.api
from infra.contract.breaking import breaks, is_newer
from infra.contract.built import COMMITTED, newest_release
from infra.contract.recording import ANSWERS
from infra.contract.tour import read_tour
from services.api.openapi.examples import Taken
from services.api.openapi.parameters import WAITING
from services.api.problem_pages import error_types
from shared.contracts.event_catalog import CATALOG
from tests.contract.validation import Checker, Json, content_of, operations

WRITE = "run: .venv/bin/python -m infra.contract write"
RECORD = "run: python -m infra.contract record, see docs/api-contract.md"


def test_the_committed_document_is_what_the_app_serves(document_text: bytes) -> None:
    assert COMMITTED.read_bytes() == document_text, WRITE


def test_nothing_released_is_broken(document: Json) -> None:
    released = msgspec.json.decode(newest_release().read_bytes())
    if is_newer(released, document):
        pytest.skip("a new date allows for breaks; the older one is still served")

    assert breaks(released, document) == []


def test_every_operation_says_what_it_is(document: Json) -> None:
    told = {each["name"]: each["description"] for each in document["tags"]}
    for name, each in operations(document).items():
        assert each["summary"].endswith("."), name
        assert each["description"], name
        assert each["security"][0]["api_key"], name
        for tag in each["tags"]:
            assert told[tag] != f"`/v1/{tag}`.", f"say what {tag} is in prose.yaml"
        for parameter in each["parameters"]:
            assert parameter["schema"], name


def test_every_operation_has_examples(document: Json) -> None:
    for name, each in operations(document).items():
        answers = [
            content
            for status, response in each["responses"].items()
            if status.startswith("2")
            for content in content_of(document, response).values()
        ]
        is_bytes = all(content["schema"].get("format") == "binary" for content in answers)
        assert is_bytes or any(content.get("examples") for content in answers), f"{name}: {RECORD}"
        if "requestBody" in each:
            assert each["requestBody"]["content"]["application/json"]["examples"], name
        for parameter in each["parameters"]:
            if parameter["in"] == "path":
                assert "example" in parameter, (name, parameter["name"])


def test_every_operation_documents_refusals(document: Json) -> None:
    for name, each in operations(document).items():
        assert {"400", "401", "403", "429", "500", "503"} <= set(each["responses"]), name
        if "requestBody" in each:
            assert {"408", "413", "415"} <= set(each["responses"]), name
        if "{" in each["path"]:
            assert "404" in each["responses"], name


def test_refusals_are_kinds_of_errors_with_pages(document: Json) -> None:
    known = {f"problem-{code}" for code in error_types()}

    assert set(document["components"]["examples"]) <= known


def test_every_example_fits_its_schema(document: Json, checker: Checker) -> None:
    wrong = [
        f"{where}: {fault}"
        for where, value, schema in _examples(document)
        for fault in checker.faults(value, schema)
    ]

    assert wrong == []


def test_every_event_has_an_example_that_fits(document: Json, checker: Checker) -> None:
    assert set(document["webhooks"]) == {each.value for each in CATALOG}
    for name, methods in document["webhooks"].items():
        content = methods["post"]["requestBody"]["content"]["application/json"]
        (example,) = content["examples"].values()
        assert example["value"]["type"] == name
        assert checker.faults(example["value"], content["schema"]) == []
        assert checker.faults(example["value"] | {"type": "other"}, content["schema"]) != []


def test_everything_has_limits(document: Json) -> None:
    schemas = document["components"]["schemas"]
    open_ended = [where for name, schema in schemas.items() for where in _unlimited(schema, name)]
    for name, each in operations(document).items():
        for parameter in each["parameters"]:
            open_ended += _unlimited(parameter["schema"], f"{name} {parameter['name']}")

    assert open_ended == []


def test_links_lead_to_operations(document: Json) -> None:
    known = operations(document)
    count = 0
    for name, each in known.items():
        for response in each["responses"].values():
            for link in response.get("links", {}).values():
                count += 1
                target = known[link["operationId"]]
                names = {parameter["name"] for parameter in target["parameters"]}
                assert set(link["parameters"]) <= names, (name, link)
    assert "get_simulation" in known["create_simulation"]["responses"]["201"]["links"]
    assert count > 50


def test_waiting_operations_are_those_that_look_at_the_wish(document: Json) -> None:
    looking = {each.__name__ for each in _handlers() if "wait_s" in each.__code__.co_names}

    assert looking == WAITING


def test_the_recorded_answers_are_those_of_the_tour() -> None:
    recorded = msgspec.json.decode(ANSWERS.read_bytes(), type=list[Taken])
    shown = [(each.operation, each.title) for each in read_tour() if each.shown]

    assert [(each.operation, each.title) for each in recorded] == shown, RECORD


def _handlers() -> Iterator[Any]:
    """Yield every marked method of the features' routes."""
    for each in pkgutil.walk_packages(services.api.__path__, "services.api."):
        if each.name.endswith("routes"):
            for kind in vars(importlib.import_module(each.name)).values():
                if inspect.isclass(kind) and kind.__module__ == each.name:
                    yield from (f for f in vars(kind).values() if hasattr(f, "__endpoint__"))


def _examples(document: Json) -> Iterator[tuple[str, Any, Json]]:
    for name, each in operations(document).items():
        bodies = each.get("requestBody", {}).get("content", {})
        contents = [(f"{name} body", content) for content in bodies.values()]
        for status, response in each["responses"].items():
            contents += [
                (f"{name} {status}", content) for content in content_of(document, response).values()
            ]
        for where, content in contents:
            for example in content.get("examples", {}).values():
                shared = example.get("$ref", "").rsplit("/", 1)[-1]
                shown = document["components"]["examples"][shared] if shared else example
                yield where, shown["value"], content["schema"]
        for parameter in each["parameters"]:
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter["example"], parameter["schema"]


def _unlimited(schema: Json, where: str) -> list[str]:
    if "enum" in schema or "const" in schema:
        return []
    needed = {
        "string": ("maxLength",),
        "array": ("maxItems",),
        "integer": ("minimum", "maximum", "format"),
    }.get(str(schema.get("type")), ())
    found = [f"{where}: no {each}" for each in needed if each not in schema]
    for name, each in schema.get("properties", {}).items():
        found += _unlimited(each, f"{where}/{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            found += _unlimited(schema[part], f"{where}/*")
    for part in ("anyOf", "oneOf", "prefixItems"):
        for each in schema.get(part, ()):
            found += _unlimited(each, where)
    return found

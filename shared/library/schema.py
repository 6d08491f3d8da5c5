"""The JSON Schemas of scenarios and rubrics, with the contract's own words on every field."""

import ast
import inspect
import sys
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import msgspec

from shared.contracts import dialogue
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]


def scenario_schema() -> Json:
    """Return the schema of a scenario; the same contract gives the same schema."""
    return _schema(ScenarioSpec, "Scenario")


def rubric_schema() -> Json:
    """Return the schema of a rubric; the same contract gives the same schema."""
    return _schema(RubricSpec, "Rubric")


def schema_text() -> str:
    """Return the schema as the file `docs/scenario.schema.json` holds it."""
    return _text(scenario_schema())


def rubric_schema_text() -> str:
    """Return the schema as the file `docs/rubric.schema.json` holds it."""
    return _text(rubric_schema())


def _schema(root: type, title: str) -> Json:
    schema = msgspec.json.schema(root)
    definitions: Json = schema.pop("$defs")
    for name, definition in definitions.items():
        _describe(definition, _class(root, name))
    return {
        "$schema": DIALECT,
        "title": title,
        **schema,
        "$defs": dict(sorted(definitions.items())),
    }


def _text(schema: Json) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _class(root: type, name: str) -> type:
    """Return a class of the contract, or of the one that it builds on."""
    found = getattr(sys.modules[root.__module__], name, None) or getattr(dialogue, name)
    if not isinstance(found, type):
        raise TypeError(f"{name} is no class of the contracts")
    return found


def _describe(definition: Json, kind: type) -> None:
    if issubclass(kind, Enum):
        definition["description"] = inspect.getdoc(kind) or ""
        return
    told = _field_docs(kind)
    for name, field in definition.get("properties", {}).items():
        if name in told:
            # beside a reference, a description is allowed since draft 2019-09
            field["description"] = told[name]


def _field_docs(kind: type) -> dict[str, str]:
    """Return the text below each field of a class."""
    tree = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    body = next(
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    docs: dict[str, str] = {}
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            docs[field.target.id] = " ".join(text.value.value.split())
    return docs

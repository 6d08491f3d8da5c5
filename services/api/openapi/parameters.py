"""Parameters of an operation: path, query, headers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_type_hints

import msgspec

from services.api.endpoint import TEXT_PATTERN, Endpoint
from services.api.idempotency import KEY_PATTERN
from services.api.openapi.limits import ID_PATTERN, bound_parameter
from services.api.openapi.meanings import field_meanings
from services.api.streams.position import PATTERN
from services.api.versions.changes import CURRENT, VERSIONS
from services.api.waiting import MAX_WAIT_S

Json = dict[str, Any]

WAITING: Final = frozenset(
    {
        "create_rubric_draft",
        "create_scenario_draft",
        "create_scoring",
        "create_scoring_batch",
        "create_simulation_batch",
        "get_operation",
        "get_rubric_draft_result",
        "get_scenario_draft_result",
        "get_scoring",
        "get_scoring_batch",
        "list_events",
        "try_scenario",
    }
)
"""Operations that follow `Prefer: wait=N`."""

_ID_CHARACTERS: Final = 26

VERSION_SCHEMA: Final[Json] = {
    "title": "ApiVersion",
    "description": "The dates of all versions of the API that are served, oldest first.",
    "type": "string",
    "enum": list(VERSIONS),
}

_VERSION: Final[Json] = {
    "name": "Api-Version",
    "in": "header",
    "required": False,
    "description": "The date of the version to speak in this request; that of your tenant when "
    "absent. This document describes the newest.",
    "schema": {"$ref": "#/components/schemas/ApiVersion"},
    "example": CURRENT,
}

_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 printable ASCII characters, bare or in double quotes; kept 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 257, "pattern": KEY_PATTERN},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}

_PREFER: Final[Json] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": f"`wait=N`: answer when the work has ended, or after N seconds, at most "
    f"{MAX_WAIT_S} (RFC 7240).",
    "schema": {"type": "string", "maxLength": 200},
    "example": "wait=10",
}

_LAST_EVENT: Final[Json] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The `id` of the last event you have: the stream goes on after it.",
    "schema": {"type": "string", "maxLength": 19, "pattern": PATTERN},
    "example": "3",
}

_OWN: Final[Mapping[str, tuple[Json, ...]]] = {
    "list_statements": (
        {
            "name": "X-Experience-API-Version",
            "in": "header",
            "required": False,
            "description": "The version of xAPI to speak, 1.0 or 2.0; the newest when absent.",
            "schema": {"type": "string", "maxLength": 20, "pattern": "^[12]\\.0(\\.[0-9]+)?$"},
            "example": "2.0.0",
        },
    )
}
"""What only one operation reads."""


def parameters(contract: Endpoint, operation: str) -> list[Json]:
    """Return the parameters of an operation, without examples of path and query."""
    found = _path_parameters(contract)
    if contract.query is not None:
        found += _query_parameters(contract.query)
    if contract.idempotency != "none":
        found.append({**_KEY, "required": contract.idempotency == "required"})
    if operation in WAITING:
        found.append(dict(_PREFER))
    found += [dict(each) for each in _OWN.get(operation, ())]
    if contract.events and contract.method == "GET":
        found.append(dict(_LAST_EVENT))
    return [*found, dict(_VERSION)]


def _path_parameters(contract: Endpoint) -> list[Json]:
    schemas: dict[str, Json] = {}
    for name, prefix in contract.path_ids.items():
        schemas[name] = {
            "type": "string",
            "pattern": f"^{prefix}_{ID_PATTERN}$",
            "maxLength": len(prefix) + 1 + _ID_CHARACTERS,
        }
    for name in contract.path_numbers:
        schemas[name] = {
            "type": "integer",
            "format": "int32",
            "minimum": 1,
            "maximum": 999_999_999,
        }
    for name in contract.path_texts:
        schemas[name] = {"type": "string", "pattern": f"^{TEXT_PATTERN}$", "maxLength": 80}
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in schemas.items()
    ]


def _query_parameters(kind: type[msgspec.Struct]) -> list[Json]:
    hints = get_type_hints(kind, include_extras=True)
    meanings = field_meanings(kind)
    parameters = []
    for field in msgspec.structs.fields(kind):
        (schema,), components = msgspec.json.schema_components([hints[field.name]])
        schema = _flat(schema, components)
        text = schema.pop("description", None) or meanings.get(field.name)
        default = field.default
        if default is not msgspec.NODEFAULT and default is not None:
            schema["default"] = msgspec.to_builtins(default)
        if field.encode_name == "expand":
            schema["pattern"] = _lists_of(_expandable(kind))
        bound_parameter(schema, field.encode_name)
        parameter: Json = {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": schema,
        }
        parameters.append(parameter | ({"description": text} if text else {}))
    return parameters


def _expandable(kind: type[msgspec.Struct]) -> Sequence[str]:
    paths: Sequence[str] = getattr(kind, "EXPANDABLE", None) or kind.ALLOWED  # type: ignore[attr-defined] # where there is `expand`, one of both is
    return paths


def _lists_of(paths: Sequence[str]) -> str:
    one = "|".join(each.replace(".", "\\.") for each in paths)
    return f"^({one})(,({one}))*$"


def _flat(schema: Json, components: Json) -> Json:
    """Return a parameter's schema in one piece; a parameter is absent or a value, never null."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        parts = [_flat(each, components) for each in schema["anyOf"]]
        rest = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = rest | next(each for each in parts if each.get("type") != "null")
    if "enum" in schema:
        schema = schema | {"enum": [each for each in schema["enum"] if each is not None]}
    return schema

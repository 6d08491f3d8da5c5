"""Whether a value is what the document says."""

from typing import Any

import jsonschema_rs

Json = dict[str, Any]


class Checker:
    """Validates values against schemas of one document, formats included."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._made: dict[str, Any] = {}

    def faults(self, value: Any, schema: Json) -> list[str]:
        """Return what is wrong with a value; nothing when it fits."""
        key = repr(schema)
        if key not in self._made:
            self._made[key] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": {"schemas": self._document["components"]["schemas"]}},
                validate_formats=True,
            )
        return [
            f"/{'/'.join(str(part) for part in each.instance_path)}: {each.message}"[:300]
            for each in self._made[key].iter_errors(value)
        ]


def operations(document: Json) -> dict[str, Json]:
    """Return every operation by its operationId, with its method and path."""
    return {
        operation["operationId"]: {**operation, "method": method.upper(), "path": path}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def content_of(document: Json, response: Json) -> Json:
    """Return the content of a response, by media type."""
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    content: Json = response.get("content", {})
    return content

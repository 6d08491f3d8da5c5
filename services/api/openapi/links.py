"""Which answer leads to which operation, found by the paths."""

from collections.abc import Sequence
from typing import Any

from services.api.endpoint import Endpoint, Handler
from services.api.openapi.schemas import Schemas

Json = dict[str, Any]


class Links:
    """Links between the operations of a document."""

    def __init__(self, endpoints: Sequence[tuple[Endpoint, Handler]], schemas: Schemas) -> None:
        self._schemas = schemas
        self._contracts = {handler.__name__: contract for contract, handler in endpoints}
        self._readers: dict[str, str] = {}
        """What reads a thing, by the parameter that names it."""
        for name, contract in self._contracts.items():
            parts = contract.template.split("/")
            if contract.method == "GET" and len(parts) == 4 and parts[3].startswith("{"):
                self._readers.setdefault(parts[3][1:-1], name)

    def of(self, operation: str, status: int) -> Json:
        """Return the links of an answer by their names."""
        contract = self._contracts[operation]
        kind = contract.answers[status]
        if kind is None:
            return {}
        schema = self._schemas.resolved(self._schemas.of(kind))
        required = set(schema.get("required", ()))
        found: Json = {}
        if contract.method == "POST" and "id" in required:
            for name in self._below(contract):
                (parameter,) = self._contracts[name].path_ids
                found[name] = _link(name, parameter, "id")
        for parameter, name in self._readers.items():
            is_new = name not in found and name != operation
            if is_new and parameter in required and _is_text(schema["properties"][parameter]):
                found[name] = _link(name, parameter, parameter)
        return found

    def _below(self, maker: Endpoint) -> list[str]:
        """Return the operations on one thing of the collection that the maker adds to."""
        depth = len(maker.template.split("/"))
        return [
            name
            for name, each in self._contracts.items()
            if each.template.startswith(maker.template + "/{")
            and len(each.path_ids) == 1
            and not (each.path_numbers or each.path_texts)
            and each.template.split("/")[depth][1:-1] in each.path_ids
        ]


def _link(operation: str, parameter: str, field: str) -> Json:
    return {
        "operationId": operation,
        "parameters": {parameter: f"$response.body#/{field}"},
        "description": f"`{field}` of this answer is `{parameter}` there.",
    }


def _is_text(schema: Json) -> bool:
    return schema.get("type") == "string"

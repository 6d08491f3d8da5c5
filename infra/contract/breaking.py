"""What of a contract a newer one breaks. What only adds is no break: clients ignore the unknown."""

from collections.abc import Iterator
from typing import Any, Final

from infra.contract.shapes import Break, Shapes

Json = dict[str, Any]

_METHODS: Final = frozenset({"get", "put", "post", "patch", "delete"})


def breaks(old: Json, new: Json) -> list[Break]:
    """Return everything in `new` that a client of `old` may stumble over, in order."""
    comparison = _Comparison(old, new)
    found = [*comparison.operations(), *comparison.events()]
    return sorted(found, key=lambda each: (each.where, each.rule, each.detail))


def is_newer(old: Json, new: Json) -> bool:
    """Whether `new` has a later date, which allows for breaks: older dates are still served."""
    later: str = new["info"]["version"]
    earlier: str = old["info"]["version"]
    return later > earlier


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old, self._new = old, new
        self._shapes = Shapes(old=old, new=new)

    def operations(self) -> Iterator[Break]:
        """Yield breaks of the operations."""
        before, after = _operations(self._old["paths"]), _operations(self._new["paths"])
        for place, old in before.items():
            new = after.get(place)
            if new is None:
                yield Break(rule="operation-removed", where=place, detail=old["operationId"])
                continue
            yield from self._operation(place, old, new)

    def events(self) -> Iterator[Break]:
        """Yield breaks of what is delivered to webhooks."""
        after = self._new.get("webhooks", {})
        for name, old in self._old.get("webhooks", {}).items():
            if name not in after:
                yield Break(rule="event-removed", where=f"webhook {name}", detail=name)
                continue
            yield from self._shapes.compare(
                _body(old["post"]), _body(after[name]["post"]), f"webhook {name}", "told"
            )

    def _operation(self, place: str, old: Json, new: Json) -> Iterator[Break]:
        if old["operationId"] != new["operationId"]:
            detail = f"{old['operationId']} is {new['operationId']}"
            yield Break(rule="operation-renamed", where=place, detail=detail)
        for way in old.get("security", ()):
            if way not in new.get("security", ()):
                yield Break(rule="scope-changed", where=place, detail=f"not with {way} any more")
        yield from self._parameters(place, old, new)
        yield from self._request(place, old, new)
        yield from self._answers(place, old, new)

    def _parameters(self, place: str, old: Json, new: Json) -> Iterator[Break]:
        before, after = _parameters(old), _parameters(new)
        for name in before.keys() - after.keys():
            yield Break(rule="parameter-removed", where=place, detail=name)
        for name, each in after.items():
            is_asked = each.get("required", False)
            if is_asked and not before.get(name, {}).get("required", False):
                yield Break(rule="parameter-required", where=place, detail=name)
        for name in before.keys() & after.keys():
            yield from self._shapes.compare(
                before[name]["schema"], after[name]["schema"], f"{place} {name}", "sent"
            )

    def _request(self, place: str, old: Json, new: Json) -> Iterator[Break]:
        if "requestBody" not in old and new.get("requestBody", {}).get("required"):
            yield Break(rule="body-required", where=place, detail="a body is needed now")
        elif "requestBody" in old and "requestBody" not in new:
            yield Break(rule="body-removed", where=place, detail="the body is not read any more")
        elif "requestBody" in old:
            yield from self._shapes.compare(_body(old), _body(new), f"{place} body", "sent")

    def _answers(self, place: str, old: Json, new: Json) -> Iterator[Break]:
        before, after = _successes(old), _successes(new)
        for status in sorted(before.keys() - after.keys()):
            yield Break(rule="status-removed", where=place, detail=status)
        for status in sorted(after.keys() - before.keys()):
            yield Break(rule="status-added", where=place, detail=status)
        for status in sorted(before.keys() & after.keys()):
            for kind, content in before[status].get("content", {}).items():
                now = after[status].get("content", {}).get(kind)
                if now is None:
                    yield Break(rule="media-type-removed", where=f"{place} {status}", detail=kind)
                    continue
                yield from self._shapes.compare(
                    content.get("schema", {}), now.get("schema", {}), f"{place} {status}", "told"
                )


def _operations(paths: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in _METHODS
    }


def _parameters(operation: Json) -> dict[str, Json]:
    return {f"{each['in']} {each['name']}": each for each in operation.get("parameters", ())}


def _body(operation: Json) -> Json:
    schema: Json = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _successes(operation: Json) -> dict[str, Json]:
    return {
        status: answer
        for status, answer in operation["responses"].items()
        if status.startswith("2")
    }

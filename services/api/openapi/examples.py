"""Examples: requests that were sent to a running API and what it answered, with tame ids and times.

`answers.json` is written by `python -m infra.contract record`, which follows `tour.yaml`; a test
sends the same requests again.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

Json = dict[str, Any]


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request that was sent, and its answer."""

    operation: str
    """Its operationId."""
    title: str
    path: dict[str, str | int] = {}
    query: dict[str, str | int] = {}
    body: Any = None
    status: int
    headers: dict[str, str] = {}
    """Those of the answer that mean something to a client."""
    answer: Any = None


class Examples:
    """What was recorded, by operation."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        self._taken: dict[str, list[Taken]] = {}
        for each in taken:
            self._taken.setdefault(each.operation, []).append(each)

    def sent(self, operation: str) -> Json:
        """Return examples of the body."""
        with_body = [each for each in self._of(operation) if each.body is not None]
        return _named((each.title, each.body) for each in with_body)

    def told(self, operation: str, status: int) -> Json:
        """Return examples of the answer with this status."""
        answers = [each for each in self._of(operation) if each.status == status]
        return _named((each.title, each.answer) for each in answers)

    def parameter(self, operation: str, place: str, name: str) -> str | int | None:
        """Return an example of a path or query parameter."""
        for each in self._of(operation):
            values = {"path": each.path, "query": each.query}.get(place, {})
            if name in values:
                return values[name]
        return None

    def _of(self, operation: str) -> list[Taken]:
        return self._taken.get(operation, [])


@cache
def read_examples() -> Examples:
    """Return what is recorded."""
    text = files("services.api.openapi").joinpath("answers.json").read_bytes()
    return Examples(msgspec.json.decode(text, type=list[Taken]))


def _named(pairs: Any) -> Json:
    """Return example objects under names made of their titles."""
    return {
        "".join(c if c.isalnum() else "_" for c in title.lower()): {
            "summary": title,
            "value": value,
        }
        for title, value in pairs
    }

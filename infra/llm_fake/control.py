"""Addresses below `/fake`: what a test in another process reads and sets."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from infra.llm_fake.delivery import Delivery, refusal
from infra.llm_fake.http import Request
from infra.llm_fake.lint import ScriptError, read_script

if TYPE_CHECKING:
    from infra.llm_fake.server import Asked, FakeLlm

PREFIX: Final = "/fake/"

SECRET: Final = frozenset({"authorization", "api-key"})
"""Headers that are not shown."""


def answer(fake: "FakeLlm", request: Request) -> Delivery:
    """Answer a request of the person or test that runs the endpoint."""
    match request.method, request.path.removeprefix(PREFIX):
        case "GET", "counts":
            return _json(counts(fake))
        case "GET", "requests":
            return _json([_shown(asked) for asked in fake.asked])
        case "DELETE", "requests":
            fake.clear()
            return _json({})
        case "PUT", "script":
            try:
                fake.play(read_script(request.body.decode("utf-8", "replace"), "script"))
            except ScriptError as error:
                return _json({"faults": error.faults}, 422)
            return _json({})
        case _:
            said = "GET counts, GET requests, DELETE requests, PUT script"
            return _json({"addresses": said}, 404)


def counts(fake: "FakeLlm") -> dict[str, Any]:
    """Return how often what was asked."""
    return {
        "requests": fake.count,
        "rules": dict(fake.by_rule),
        "tasks": dict(fake.by_task),
        "in_flight": fake.in_flight,
        "most_in_flight": fake.most_in_flight,
        "connections": fake.connections,
    }


def _shown(asked: "Asked") -> dict[str, Any]:
    shown = msgspec.structs.asdict(asked)
    shown["headers"] = {
        name: "..." if name in SECRET else value for name, value in asked.headers.items()
    }
    try:
        shown["body"] = msgspec.json.decode(asked.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown["body"] = asked.body.decode("utf-8", "replace")
    return shown


def _json(value: Any, status: int = 200) -> Delivery:
    return refusal(status, msgspec.json.encode(value))

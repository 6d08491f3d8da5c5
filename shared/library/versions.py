"""The form in which a version of a scenario or rubric is stored and compared."""

from hashlib import sha256

import msgspec

from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec


class Content(msgspec.Struct, frozen=True):
    """A version as it is stored."""

    text: str
    """JSON."""
    hash: bytes
    """SHA-256 of the text, 32 bytes: equal for equal versions, whatever the order of their keys."""


def content_of(spec: ScenarioSpec | RubricSpec) -> Content:
    """Return the stored form of a version."""
    encoded = msgspec.json.encode(spec, order="deterministic")
    return Content(encoded.decode(), sha256(encoded).digest())

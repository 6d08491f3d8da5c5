"""`python -m tests.wire.record`: take the wire of today as that of the last release.

Only when a release is made. Never to make a failing comparison pass: the processes of the last
release run beside those of the next one, and they read and write what they were built for.
"""

from pathlib import Path
from typing import Any

import msgspec

from tests.wire.shapes import sample, shape, structs

PATH = Path(__file__).parent / "released.json"


def load() -> dict[str, Any]:
    """Return shapes and samples of the last release by struct."""
    found: dict[str, Any] = msgspec.json.decode(PATH.read_bytes())
    return found


def today() -> dict[str, Any]:
    """Return the same of this checkout."""
    return {
        name: {
            "shape": shape(struct),
            "full": sample(struct, full=True),
            "minimal": sample(struct, full=False),
        }
        for name, struct in sorted(structs().items())
    }


if __name__ == "__main__":
    PATH.write_bytes(msgspec.json.format(msgspec.json.encode(today()), indent=1) + b"\n")

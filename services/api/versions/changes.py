"""Every change that an older client must not notice, and how its answer is made from today's.

A new version is a new date at the end of `VERSIONS` and at least one `Change` with that date. What
only adds (a field, an operation, a value the documents allow for) needs neither.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from services.api.operations.schemas import ProgressView

Json = dict[str, Any]

FIRST: Final = "2026-09-01"

VERSIONS: Final = (FIRST, "2026-11-22")
"""All dates, oldest first; each is served as long as it is here."""

CURRENT: Final = VERSIONS[-1]
"""What handlers speak, the document describes, and new tenants are pinned to."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between a version and the one before."""

    version: str
    """The first that has it."""
    kind: type[msgspec.Struct]
    """Wherever an answer shows this, it is changed."""
    summary: str
    """One sentence for the page of versions."""
    older: Callable[[Json], Json]
    """Makes the older form from the newer."""


def _played(progress: Json) -> Json:
    return {("played" if name == "done" else name): value for name, value in progress.items()}


CHANGES: Final = (
    Change(
        version="2026-11-22",
        kind=ProgressView,
        summary="`progress.played` of an operation is called `progress.done`: conversations that "
        "were handed in are not played.",
        older=_played,
    ),
)
"""In the order of their versions."""

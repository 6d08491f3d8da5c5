"""One finished piece of work, noted where it ends; metrics and the operators' view listen.

With no listener a note costs one look at an empty tuple.
"""

from collections.abc import Callable
from typing import Literal
from uuid import UUID

import msgspec

Kind = Literal["request", "turn", "scoring", "webhook", "model_call", "report"]
"""`turn`: from the learner's words to the reply. `scoring`: from its acceptance to its result.
`webhook`: from the event's commit to its first attempt's answer. The others: their own length.
"""

Outcome = Literal["ok", "refused", "failed"]
"""`refused`: the caller's fault or a limit. `failed`: ours, or a dependency's."""


class Measure(msgspec.Struct, frozen=True):
    """How long one piece of work of a tenant took, and how it ended."""

    kind: Kind
    tenant_id: UUID
    seconds: float
    outcome: Outcome = "ok"


Sink = Callable[[Measure], None]
"""Takes a measure; must not raise and must not wait."""

_sinks: tuple[Sink, ...] = ()


def note(measure: Measure) -> None:
    """Tell every listener of this process."""
    for sink in _sinks:
        sink(measure)


def listen(sink: Sink) -> Callable[[], None]:
    """Add a listener; return what takes it away again."""
    global _sinks  # noqa: PLW0603 - a process has one set of listeners, like its loggers
    _sinks = (*_sinks, sink)

    def stop() -> None:
        global _sinks  # noqa: PLW0603
        _sinks = tuple(each for each in _sinks if each is not sink)

    return stop

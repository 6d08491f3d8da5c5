"""Spans for whoever does work. Off, everything here is a look at one variable.

A trace goes on in another process by its `traceparent` (W3C): in a header of NATS, in the row of a
job or an event, in Temporal's headers. OpenTelemetry is imported only when tracing is on; see
`shared.telemetry.otlp`. [R-D1]
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Literal, Protocol, Self

from typing_extensions import override

HEADER: Final = "traceparent"
"""Of a message on NATS."""

Kind = Literal["server", "client", "producer", "consumer", "internal"]

Value = str | int | float | bool


class Span(Protocol):
    """One piece of work that is being timed."""

    def rename(self, name: str) -> None:
        """Give it the name that was not known when it began."""
        ...

    def set(self, name: str, value: Value) -> None:
        """Say something about it: ids, numbers and fixed words, by `shared.telemetry.names`."""
        ...

    def fail(self, why: str) -> None:
        """Say that it failed; a fixed word, never a message."""
        ...


class Tracer(Protocol):
    """What makes spans when tracing is on."""

    def span(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str,
        links: Sequence[str],
        attributes: Mapping[str, Value],
    ) -> AbstractContextManager[Span]:
        """See `span` below."""
        ...

    def here(self) -> str:
        """Return the current traceparent; empty outside of any trace."""
        ...

    def temporal(self) -> Any:
        """Return an interceptor for Temporal's client and worker."""
        ...


class _Nothing(AbstractContextManager["_Nothing"]):
    """The span of a process without tracing."""

    @override
    def __enter__(self) -> Self:
        return self

    @override
    def __exit__(self, *_: object) -> None:
        return None

    def rename(self, name: str) -> None:
        """Do nothing."""

    def set(self, name: str, value: Value) -> None:
        """Do nothing."""

    def fail(self, why: str) -> None:
        """Do nothing."""


_NOTHING: Final = _Nothing()

_NONE: Final[Mapping[str, Value]] = {}

_tracer: Tracer | None = None


def install(tracer: Tracer) -> Callable[[], None]:
    """Begin to trace in this process; return what ends it."""
    global _tracer  # noqa: PLW0603 - a process has one tracer, like its loggers
    _tracer = tracer

    def uninstall() -> None:
        global _tracer  # noqa: PLW0603
        if _tracer is tracer:
            _tracer = None

    return uninstall


def is_on() -> bool:
    """Say whether this process traces: to save what only a trace needs."""
    return _tracer is not None


def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: str = "",
    links: Sequence[str] = (),
    attributes: Mapping[str, Value] = _NONE,
) -> AbstractContextManager[Span]:
    """Return a block whose time is told, under the current span.

    Args:
        name: what is done: fixed words, templates of paths.
        kind: its side of a conversation between processes.
        parent: traceparent of what caused it in another process; empty: the current span.
        links: traceparents of other causes.
        attributes: what is known at its beginning.
    """
    if _tracer is None:
        return _NOTHING
    return _tracer.span(name, kind=kind, parent=parent, links=links, attributes=attributes)


def here() -> str:
    """Return the traceparent of the current span; empty without one."""
    return "" if _tracer is None else _tracer.here()


def kept() -> str:
    """Return the traceparent worth a place in a row: that of a trace which is being recorded."""
    parent = "" if _tracer is None else _tracer.here()
    return parent if is_recorded(parent) else ""


def trace_id() -> str:
    """Return the id of the current trace, 32 hex digits; empty without one."""
    return here()[3:35]


def headers() -> dict[str, str]:
    """Return what a message on NATS carries; nothing without a trace."""
    parent = here()
    return {HEADER: parent} if parent else {}


def parent_of(message_headers: Mapping[str, str] | None) -> str:
    """Return the traceparent that a message carries; empty when it has none."""
    if _tracer is None or not message_headers:
        return ""
    return message_headers.get(HEADER, "")


def is_recorded(parent: str) -> bool:
    """Say whether the trace behind a traceparent is being recorded."""
    return parent.endswith("1")


def temporal_interceptors() -> list[Any]:
    """Return what Temporal's client needs to carry traces on; nothing when tracing is off."""
    return [] if _tracer is None else [_tracer.temporal()]

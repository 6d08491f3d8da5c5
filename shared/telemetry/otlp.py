"""Tracing with OpenTelemetry's SDK, sent over OTLP/HTTP. Imported only when it is switched on.

What leaves is what `shared.telemetry.names.EXPORTED` names: no messages of exceptions, no events,
no attribute that a library adds by itself. [R-D1]
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

from opentelemetry import context as contexts
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    ReadableSpan,
    SpanLimits,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from typing_extensions import override

from shared.telemetry import names
from shared.telemetry.trace import Kind, Span, Tracer, Value

EXPORT_EVERY_MS: Final = 5000
"""Milliseconds between two exports, each of which costs as much as a turn: of a process that is
killed, no more than these are lost."""

EXPORT_TIMEOUT_S: Final = 3.0
"""Seconds a collector has to take a batch; it never holds up work."""

STOP_S: Final = 4.0
"""Seconds for the last spans when the process ends."""

QUEUE: Final = 4096
"""Spans that wait for the collector; more are dropped."""

LINKS: Final = 64
"""Of one span; more causes than that explain nothing."""

_KINDS: Final[Mapping[Kind, api.SpanKind]] = {
    "server": api.SpanKind.SERVER,
    "client": api.SpanKind.CLIENT,
    "producer": api.SpanKind.PRODUCER,
    "consumer": api.SpanKind.CONSUMER,
    "internal": api.SpanKind.INTERNAL,
}


def context_of(traceparent: str) -> api.SpanContext | None:
    """Return what a traceparent says; None when it is none of version 00."""
    parts = traceparent.split("-")
    if len(parts) != 4 or parts[0] != "00" or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    try:
        found = api.SpanContext(
            int(parts[1], 16), int(parts[2], 16), True, api.TraceFlags(int(parts[3], 16) & 1)
        )
    except ValueError:
        return None
    return found if found.is_valid else None


def traceparent_of(found: api.SpanContext) -> str:
    """Return the traceparent of a span."""
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags & 1:02x}"


class _Block(AbstractContextManager[Span]):
    """A span that is current while its block runs."""

    def __init__(self, span: api.Span) -> None:
        self._span = span
        self._token: Any = None

    @override
    def __enter__(self) -> Span:
        self._token = contexts.attach(api.set_span_in_context(self._span))
        return self

    @override
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        contexts.detach(self._token)
        if kind is not None and self._span.is_recording():
            self.fail(kind.__name__)
        self._span.end()

    def rename(self, name: str) -> None:
        """See `Span`."""
        self._span.update_name(name)

    def set(self, name: str, value: Value) -> None:
        """See `Span`."""
        self._span.set_attribute(name, value)

    def fail(self, why: str) -> None:
        """See `Span`."""
        self._span.set_attribute(names.ERROR, why)
        self._span.set_status(api.StatusCode.ERROR)


class _Quiet(AbstractContextManager[Span]):
    """A piece of a trace that is not recorded: the trace goes on by its id, and costs no span."""

    def __init__(self, within: api.SpanContext | None) -> None:
        self._within = within
        self._token: Any = None

    @override
    def __enter__(self) -> Span:
        if self._within is not None:
            quiet = api.set_span_in_context(api.NonRecordingSpan(self._within))
            self._token = contexts.attach(quiet)
        return self

    @override
    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            contexts.detach(self._token)

    def rename(self, name: str) -> None:
        """Do nothing."""

    def set(self, name: str, value: Value) -> None:
        """Do nothing."""

    def fail(self, why: str) -> None:
        """Do nothing."""


class OtelTracer(Tracer):
    """Spans of OpenTelemetry.

    Whether a trace is recorded is decided here at its beginning: the SDK's own way costs a span
    that is recorded and one that is not nearly the same.
    """

    def __init__(self, makers: "Makers", sample: float) -> None:
        """Trace with these.

        Args:
            makers: of spans.
            sample: share of traces that begin here and are recorded, 0..1.
        """
        self._tracer = makers.leading.get_tracer("rapport")
        self._following = makers.following.get_tracer("rapport")
        self._ids = RandomIdGenerator()
        self._bound = round(sample * (TraceIdRatioBased.TRACE_ID_LIMIT + 1))

    @override
    def span(
        self,
        name: str,
        *,
        kind: Kind,
        parent: str,
        links: Sequence[str],
        attributes: Mapping[str, Value],
    ) -> _Block | _Quiet:
        above = context_of(parent) if parent else None
        if (quiet := self._quiet(above)) is not None:
            return quiet
        within = None if above is None else api.set_span_in_context(api.NonRecordingSpan(above))
        causes = [api.Link(found) for each in links[:LINKS] if (found := context_of(each))]
        return _Block(
            self._tracer.start_span(
                name, within, kind=_KINDS[kind], attributes=dict(attributes), links=causes
            )
        )

    def _quiet(self, above: api.SpanContext | None) -> _Quiet | None:
        """Return what stands for the span where nothing is recorded; None: something is."""
        if above is not None:
            return None if above.trace_flags.sampled else _Quiet(above)
        current = api.get_current_span().get_span_context()
        if current.is_valid:
            return None if current.trace_flags.sampled else _Quiet(None)
        trace_id = self._ids.generate_trace_id()
        if trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound:
            return None
        return _Quiet(api.SpanContext(trace_id, self._ids.generate_span_id(), is_remote=False))

    @override
    def here(self) -> str:
        found = api.get_current_span().get_span_context()
        return traceparent_of(found) if found.is_valid else ""

    @override
    def temporal(self) -> Any:
        # Only the orchestrator speaks to Temporal; the others do not pay for the import.
        from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415

        return TracingInterceptor(self._following)


class DiscreetExporter(SpanExporter):
    """Passes on ids, numbers and fixed words, and nothing else."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._inner.export([discreet(each) for each in spans])

    @override
    def shutdown(self) -> None:
        self._inner.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def discreet(span: ReadableSpan) -> ReadableSpan:
    """Return the span without messages, events and attributes that are not ours."""
    said = span.attributes or {}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in said.items() if name in names.EXPORTED},
        links=span.links,
        kind=span.kind,
        status=api.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class Makers(NamedTuple):
    """What makes the spans of a process."""

    leading: TracerProvider
    """Records what begins with it; asked only for what was chosen."""
    following: TracerProvider
    """Records only what belongs to a trace that is recorded: libraries choose nothing."""


def makers_of(service: str, exporter: SpanExporter) -> Makers:
    """Return what makes the spans of a service; to end both, shut the leading one down."""
    processors = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # its only gap
    processors.add_span_processor(
        BatchSpanProcessor(
            DiscreetExporter(exporter), max_queue_size=QUEUE, schedule_delay_millis=EXPORT_EVERY_MS
        )
    )

    def made(root: Sampler) -> TracerProvider:
        return TracerProvider(
            sampler=ParentBased(root),
            resource=Resource({"service.name": f"rapport-{service}"}),
            shutdown_on_exit=False,
            active_span_processor=processors,
            span_limits=SpanLimits(max_events=0, max_links=LINKS),
        )

    return Makers(made(ALWAYS_ON), made(ALWAYS_OFF))


def start(
    service: str, endpoint: str, sample: float, headers: Mapping[str, str]
) -> tuple[OtelTracer, Callable[[], None]]:
    """Return a tracer that sends to a collector, and what ends it within `STOP_S` seconds.

    Args:
        service: the process's name.
        endpoint: base URL of the collector; `/v1/traces` is added.
        sample: share of traces that begin here and are recorded, 0..1.
        headers: sent with every batch, for collectors that want a key.
    """
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces",
        headers=dict(headers),
        timeout=EXPORT_TIMEOUT_S,
    )
    makers = makers_of(service, exporter)

    def stop() -> None:
        # A collector that hangs must not hold up the end of the process.
        ending = threading.Thread(target=makers.leading.shutdown, daemon=True)
        ending.start()
        ending.join(STOP_S)

    return OtelTracer(makers, sample), stop

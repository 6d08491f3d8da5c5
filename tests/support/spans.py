"""Tracing in the test's own process: every trace is recorded, and kept in memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from shared.telemetry import trace
from shared.telemetry.otlp import OtelTracer, makers_of


class Recorded(SpanExporter):
    """Remembers what would be sent."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@contextmanager
def recording(sample: float = 1.0) -> Iterator[Recorded]:
    """Trace while the block runs; its spans are complete after it."""
    exporter = Recorded()
    makers = makers_of("test", exporter)
    uninstall = trace.install(OtelTracer(makers, sample))
    try:
        yield exporter
    finally:
        uninstall()
        makers.leading.shutdown()

"""Telemetry of a process: switched on by its settings, off again at its end."""

import importlib.metadata
import time
from collections.abc import Callable

import msgspec

from shared.config import ConfigError, Settings
from shared.health.lag import LoopLag
from shared.telemetry import catalog, measures, metrics, tenants, trace
from shared.telemetry.measures import Measure


def start(settings: Settings, service: str) -> Callable[[], None]:
    """Begin to count and to trace, as far as the settings want it; return what ends it.

    Called before the event loop's work begins.

    Raises:
        ConfigError: the headers of the collector are not a JSON object of texts.
    """
    ends: list[Callable[[], None]] = []
    if settings.metrics and settings.health_port:  # else nobody could read them
        ends.append(_count(service))
    if settings.otlp_endpoint:
        ends.append(_trace(settings, service))

    def stop() -> None:
        for end in reversed(ends):
            end()

    return stop


def _count(service: str) -> Callable[[], None]:
    metrics.begin()
    catalog.PROCESS.set(1, service, importlib.metadata.version("rapport"))
    catalog.RLS_DENIED.add(by=0)  # an alert on the first one needs a nought before it
    top = tenants.begin(time.monotonic, metrics.forget_tenant)
    unlisten = measures.listen(lambda measure: count(measure, top))

    def stop() -> None:
        unlisten()
        tenants.end()
        metrics.end()

    return stop


def count(measure: Measure, top: tenants.TopTenants) -> None:
    """Count finished work; a tenant's label follows from it."""
    if measure.kind != "request":  # requests have a finer histogram of their own
        catalog.WORK_SECONDS.observe(measure.seconds, measure.kind, measure.outcome)
    catalog.WORK.add(measure.kind, measure.outcome, top.label(measure.tenant_id))
    if measure.kind == "webhook":
        catalog.WEBHOOK_DELAY.observe(measure.seconds)


def _trace(settings: Settings, service: str) -> Callable[[], None]:
    from shared.telemetry import otlp  # noqa: PLC0415 -- only a process that traces pays for it

    try:
        headers = msgspec.json.decode(settings.otlp_headers.reveal or "{}", type=dict[str, str])
    except msgspec.MsgspecError:
        raise ConfigError("RAPPORT_OTLP_HEADERS is not a JSON object of texts") from None
    tracer, flush = otlp.start(service, settings.otlp_endpoint, settings.trace_sample, headers)
    uninstall = trace.install(tracer)

    def stop() -> None:
        uninstall()
        flush()

    return stop


class LoopWatch:
    """Shows how late timers ran: what blocks the event loop delays everything."""

    def __init__(self, lag: LoopLag) -> None:
        """Take who measures it."""
        self._lag = lag
        self._worst = 0.0
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to watch, if this process counts."""
        if metrics.is_on():
            self._ends = [self._lag.listen(self._hear), metrics.before_showing(self._show)]

    def stop(self) -> None:
        """End it."""
        for end in self._ends:
            end()
        self._ends = []

    def _hear(self, late_s: float) -> None:
        self._worst = max(self._worst, late_s)

    def _show(self) -> None:
        catalog.LOOP_LAG.set(self._worst)
        self._worst = 0.0

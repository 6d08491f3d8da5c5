"""Numbers for Prometheus. Off, counting something is a look at one variable.

What there is to count stands in `shared.telemetry.catalog`. `prometheus_client` is imported when a
process starts to count, and a metric is made when it is first used: a process shows what it does.
[R-D2]
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Final

from typing_extensions import override

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of `exposition`."""

SECONDS: Final = (0.005, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets of what a person or a request waits for."""

LONG_SECONDS: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Buckets of what waits in queues."""

TENANT: Final = "tenant_top"
"""Label of a tenant: its id while it is one of the biggest, else `other`; always the last one."""


_MAKING: Final = threading.Lock()


class Metric:
    """One family of numbers with the same labels."""

    kind: ClassVar[str]

    def __init__(self, name: str, meaning: str, *labels: str) -> None:
        self.name = name
        self.meaning = meaning
        self.labels = labels
        self._registry: CollectorRegistry | None = None
        self._family: Any = None
        self._children: dict[tuple[str, ...], Any] = {}
        CATALOG[name] = self

    @property
    def samples(self) -> tuple[str, ...]:
        """Names that Prometheus knows."""
        return (self.name,)

    def child(self, labels: tuple[str, ...]) -> Any:
        """Return what counts under these labels; None while nothing is counted."""
        if self._registry is None:
            return None
        found = self._children.get(labels)
        return self._add(self._registry, labels) if found is None else found

    def _add(self, registry: "CollectorRegistry", labels: tuple[str, ...]) -> Any:
        with _MAKING:  # scrapes run in a thread
            if self._family is None:
                self._family = self._make(registry)
            found = self._family.labels(*labels) if self.labels else self._family
            self._children[labels] = found
        return found

    def _make(self, registry: "CollectorRegistry") -> Any:
        raise NotImplementedError

    def begin(self, registry: "CollectorRegistry | None") -> None:
        """Count into a registry from now on; None: count nothing, forget everything."""
        self._registry = registry
        self._family = None
        self._children = {}

    def forget_all(self) -> None:
        """Show nothing until somebody counts again."""
        with _MAKING:
            if self._family is not None and self._registry is not None:
                self._registry.unregister(self._family)
            self.begin(self._registry)

    def forget(self, last_label: str) -> None:
        """Drop the series whose last label has this value."""
        self._drop(each for each in list(self._children) if each and each[-1] == last_label)

    def _drop(self, gone: Iterable[tuple[str, ...]]) -> None:
        with _MAKING:  # both a scrape's thread and the event loop drop series
            for labels in gone:
                if self._children.pop(labels, None) is not None:
                    self._family.remove(*labels)


CATALOG: Final[dict[str, Metric]] = {}
"""Every metric by its name."""


class Counter(Metric):
    """Only grows; its name ends with `_total`."""

    kind = "counter"

    @override
    def _make(self, registry: "CollectorRegistry") -> Any:
        from prometheus_client import Counter as Made  # noqa: PLC0415 -- only who counts pays

        return Made(self.name, self.meaning, self.labels, registry=registry)

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count."""
        if (child := self.child(labels)) is not None:
            child.inc(by)


class Gauge(Metric):
    """How things are right now."""

    kind = "gauge"

    @override
    def _make(self, registry: "CollectorRegistry") -> Any:
        from prometheus_client import Gauge as Made  # noqa: PLC0415 -- only who counts pays

        return Made(self.name, self.meaning, self.labels, registry=registry)

    def set(self, value: float, *labels: str) -> None:
        """Say how it is."""
        if (child := self.child(labels)) is not None:
            child.set(value)

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Say how it changed."""
        if (child := self.child(labels)) is not None:
            child.inc(by)

    def replace(self, values: Mapping[tuple[str, ...], float], first_label: str) -> None:
        """Say how all series with this first label are; those that are not named go away."""
        for labels, value in values.items():
            self.set(value, *labels)
        self._drop(
            each for each in list(self._children) if each[0] == first_label and each not in values
        )

    @contextmanager
    def one_more(self, *labels: str) -> Iterator[None]:
        """Count one more while the block runs."""
        self.add(*labels)
        try:
            yield
        finally:
            self.add(*labels, by=-1.0)


class Histogram(Metric):
    """How often values fell under each of a few bounds."""

    kind = "histogram"

    def __init__(
        self, name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS
    ) -> None:
        super().__init__(name, meaning, *labels)
        self.buckets = buckets

    @property
    @override
    def samples(self) -> tuple[str, ...]:
        return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")

    @override
    def _make(self, registry: "CollectorRegistry") -> Any:
        from prometheus_client import Histogram as Made  # noqa: PLC0415 -- only who counts pays

        return Made(self.name, self.meaning, self.labels, buckets=self.buckets, registry=registry)

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        if (child := self.child(labels)) is not None:
            child.observe(value)


_registry: "CollectorRegistry | None" = None
_before_showing: list[Callable[[], None]] = []


def is_on() -> bool:
    """Say whether this process counts."""
    return _registry is not None


def begin(*, with_process: bool = True) -> None:
    """Begin to count, from nothing; `with_process`: processor time, memory and files as well."""
    global _registry  # noqa: PLW0603 - a process has one set of metrics, like its loggers
    import prometheus_client  # noqa: PLC0415 -- only who counts pays for it

    # Creation times would be one more series for each that counts.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # its only gap
    _registry = prometheus_client.CollectorRegistry()
    if with_process:
        prometheus_client.ProcessCollector(registry=_registry)
    for metric in CATALOG.values():
        metric.begin(_registry)


def end() -> None:
    """Count nothing from now on, and forget what was counted."""
    global _registry  # noqa: PLW0603
    _registry = None
    _before_showing.clear()
    for metric in CATALOG.values():
        metric.begin(None)


def before_showing(look: Callable[[], None]) -> Callable[[], None]:
    """Have gauges set when somebody asks, not before; return what ends that.

    `look` is called in a thread; it only reads, must not wait and must not raise.
    """
    _before_showing.append(look)

    def stop() -> None:
        if look in _before_showing:
            _before_showing.remove(look)

    return stop


def forget_tenant(label: str) -> None:
    """Drop the series of a tenant that has no label of its own any more."""
    for metric in CATALOG.values():
        if metric.labels and metric.labels[-1] == TENANT:
            metric.forget(label)


def exposition() -> bytes:
    """Return every number in Prometheus' text format (`CONTENT_TYPE`); empty when off."""
    if _registry is None:
        return b""
    from prometheus_client import generate_latest  # noqa: PLC0415 -- only who counts pays for it

    for look in tuple(_before_showing):
        look()
    return generate_latest(_registry)

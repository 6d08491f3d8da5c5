"""What is told of a worker's jobs: a span each, how long they waited and took, how busy it is."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Final
from uuid import UUID

from nats.aio.msg import Msg

from shared.clock import Clock, SystemClock
from shared.contracts.jobs import JobKind, JobMessage
from shared.telemetry import catalog, metrics, names, tenants, trace

INTERACTIVE: Final = "interactive"
"""Somebody waits for it."""

BACKGROUND: Final = "background"


class Watch:
    """Watches the jobs of one lane in this process."""

    def __init__(self, kind: JobKind, slots: int, clock: Clock | None = None) -> None:
        self._kind = kind.value
        self._priority = INTERACTIVE if kind is JobKind.TURN else BACKGROUND
        self._slots = slots
        self._clock = clock or SystemClock()
        self._working: Counter[UUID] = Counter()
        self._stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to show how busy this worker is."""
        self._stop = metrics.before_showing(self._show)

    def stop(self) -> None:
        """End it."""
        self._stop()

    @contextmanager
    def job(self, job: JobMessage, message: Msg) -> Iterator[None]:
        """Time a job; in its trace, which began where the job was written."""
        if not (metrics.is_on() or trace.is_on()):
            yield
            return
        began = self._clock.now()
        if metrics.is_on():
            published = message.metadata.timestamp.astimezone(UTC)
            waited = (began - published).total_seconds()
            catalog.OPERATION_WAIT.observe(max(waited, 0.0), self._kind, self._priority)
        outcome = "failed"
        self._working[job.tenant_id] += 1
        try:
            with trace.span(
                f"work {self._kind}",
                kind="consumer",
                parent=trace.parent_of(message.headers),
                attributes=_about(job),
            ):
                yield
            outcome = "ok"
        finally:
            self._working[job.tenant_id] -= 1
            if not self._working[job.tenant_id]:
                del self._working[job.tenant_id]
            took = (self._clock.now() - began).total_seconds()
            catalog.JOB_SECONDS.observe(max(took, 0.0), self._kind, outcome)

    def pending(self, stream: str, messages: int) -> None:
        """Note how many messages nobody has finished."""
        catalog.BUS_PENDING.set(messages, stream, "all")

    def _show(self) -> None:
        shares: Counter[str] = Counter()
        for tenant_id, jobs in list(self._working.items()):
            shares[tenants.label_of(tenant_id)] += jobs
        catalog.WORKER_SLOTS.set(self._slots, self._kind)
        catalog.WORKER_SLOTS_BUSY.set(shares.total(), self._kind)
        catalog.OPERATIONS_IN_FLIGHT.replace(
            {(self._kind, label): float(jobs) for label, jobs in shares.items()}, self._kind
        )


def _about(job: JobMessage) -> dict[str, trace.Value]:
    if not trace.is_on():
        return {}
    return {
        names.SYSTEM: "nats",
        names.OPERATION: "process",
        names.DESTINATION: f"jobs.{job.kind}",
        names.TENANT: str(job.tenant_id),
        names.JOB: str(job.job_id),
        names.KIND: job.kind.value,
        names.ATTEMPT: job.attempt,
    }

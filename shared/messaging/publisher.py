"""Publishing: jobs with an acknowledgement, wake-ups and live news without."""

import asyncio

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.contracts.events import EventHeader
from shared.contracts.jobs import JobMessage
from shared.contracts.subjects import WAKE_EVENTS, event_subject, job_subject, wake_subject
from shared.log import get_logger
from shared.telemetry import names, trace

log = get_logger()

ACK_TIMEOUT_S = 2.0
"""Seconds to wait for JetStream; after that the relay's republication takes over."""


WAKE_REST_S = 0.01
"""One wake-up serves every commit of a process in this time."""


class Publisher:
    """Tells others that something is in Postgres. A failure is logged, never raised: the relay
    repeats it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=ACK_TIMEOUT_S)
        self._waking: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def job(self, message: JobMessage, parent: str = "") -> bool:
        """Publish a job and wake the workers; say whether JetStream has it.

        `parent` is the traceparent of whoever wrote the row, if that is not the caller.
        """
        subject = job_subject(message.kind, message.tenant_id)
        with trace.span(
            f"publish {message.kind}", kind="producer", parent=parent, attributes=_about(message)
        ) as span:
            try:
                await self._jetstream.publish(
                    subject,
                    msgspec.json.encode(message),
                    headers={"Nats-Msg-Id": message.message_id, **trace.headers()},
                )
                # The wake-up comes after the acknowledgement, else a worker may look too early.
                await self._client.publish(wake_subject(message.kind, message.tenant_id), b"")
            except (NatsError, OSError, TimeoutError) as error:
                span.fail(type(error).__name__)
                log.warning(
                    "job.publish_failed", job_id=str(message.job_id), error=type(error).__name__
                )
                return False
        return True

    async def event(self, header: EventHeader, parent: str = "") -> None:
        """Publish an event that has its position; `parent` is the traceparent of its cause.

        No acknowledgement: a consumer that hears nothing reads by position from Postgres.
        """
        said = {trace.HEADER: parent} if parent else {}
        await self.tell(
            event_subject(header.tenant_id, header.type),
            msgspec.json.encode(header),
            {"Nats-Msg-Id": str(header.event_id), **said},
        )

    def wake_events(self) -> None:
        """Tell the relay, within `WAKE_REST_S`, that events were committed."""
        if self._waking is None:
            loop = asyncio.get_running_loop()
            self._waking = loop.call_later(WAKE_REST_S, self._wake_now)

    def _wake_now(self) -> None:
        self._waking = None
        task = asyncio.get_running_loop().create_task(self.tell(WAKE_EVENTS, b""))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tell(
        self, subject: str, payload: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """Publish on core NATS; whoever listens hears it, nobody else ever does."""
        try:
            await self._client.publish(subject, payload, headers=headers)
        except (NatsError, OSError) as error:
            log.warning("tell.failed", error=type(error).__name__)


def _about(message: JobMessage) -> dict[str, trace.Value]:
    if not trace.is_on():
        return {}
    return {
        names.SYSTEM: "nats",
        names.OPERATION: "publish",
        names.DESTINATION: f"jobs.{message.kind}",
        names.TENANT: str(message.tenant_id),
        names.JOB: str(message.job_id),
        names.KIND: message.kind.value,
        names.ATTEMPT: message.attempt,
    }

"""Sends what is due. Waiting costs nothing: a delivery that waits is a row, and an endpoint that
waits is one look at an index.
"""

import asyncio
import random
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from services.orchestrator.context import Context
from services.orchestrator.webhooks.outcome import judge
from services.orchestrator.webhooks.recorder import DISCARD_ROWS, Recorder
from services.orchestrator.webhooks.repository import Attempt, due_endpoints
from services.orchestrator.webhooks.slots import Gate, Lane
from services.orchestrator.webhooks.taking import Delivery, Taken, Taker
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.log import get_logger
from shared.tasks import end
from shared.telemetry import catalog, names, trace
from shared.telemetry.ages import age_s
from shared.telemetry.measures import Measure, Outcome, note
from shared.webhooks.outbound import Answer, Outbound
from shared.webhooks.schedule import Chance
from shared.webhooks.sealing import RESPONSE, attempt_row
from shared.webhooks.signing import sign

log = get_logger()

LOOK_S = 5.0
"""Seconds between two looks at what is due: retries, work of processes that died, lost hints."""

SOON_S = 60.0
"""Retries within this time get a timer of their own; later ones are found by the looks."""

TAKE_MOST = 8
"""Deliveries of one endpoint taken at once, so that others get their turn."""

TAKING_AT_ONCE = 4
"""Transactions that take at the same time."""

FAILED_TAKE_S = 1.0
"""Seconds until an endpoint is tried again whose deliveries could not be taken."""

USER_AGENT = "Rapport-Webhooks/1"


class Sender:
    """Sends due deliveries; every process may run one."""

    def __init__(
        self,
        context: Context,
        taker: Taker,
        outbound: Outbound,
        recorder: Recorder,
        *,
        chance: Chance = random.random,
    ) -> None:
        self._context = context
        self._taker = taker
        self._outbound = outbound
        self._recorder = recorder
        self._chance = chance
        self._gate = Gate(context.settings.webhook_slots)
        catalog.WEBHOOK_SLOTS.set(context.settings.webhook_slots)
        self._taking = asyncio.Semaphore(TAKING_AT_ONCE)
        self._lanes: dict[UUID, Lane] = {}
        self._attempts: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._look_now = asyncio.Event()
        self._is_stopping = False

    # -- from outside

    def hint(self, tenant_id: UUID, endpoint_id: UUID, *, is_failing: bool) -> None:
        """Something is due at this endpoint, perhaps; `is_failing`: its last attempt failed."""
        if self._is_stopping:
            return
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            lane = self._lanes[endpoint_id] = Lane(tenant_id, endpoint_id, is_failing=is_failing)
        lane.is_hinted = True
        if lane.task is None:
            lane.task = asyncio.create_task(self._serve(lane))

    def hint_all(self) -> None:
        """Look soon at what is due anywhere."""
        self._look_now.set()

    async def run(self) -> None:
        """Look for due deliveries until canceled."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.warning("webhooks.look_failed", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._look_now.wait()
            self._look_now.clear()

    async def look(self) -> None:
        """Find every endpoint with something due, and begin to send."""
        now = self._context.clock.now()
        async with system_tx(self._context.database) as connection:
            endpoints = await due_endpoints(connection)
        catalog.WEBHOOKS_DUE.set(sum(one.due_at <= now for one in endpoints))
        catalog.WEBHOOKS_FAILING.set(sum(one.is_failing for one in endpoints))
        for one in endpoints:
            if not one.is_enabled:
                await self._discard(one.tenant_id, one.endpoint_id)
            elif one.due_at <= now:
                self.hint(one.tenant_id, one.endpoint_id, is_failing=one.is_failing)

    async def settle(self) -> None:
        """Return when everything that was due when it was hinted is sent and recorded."""
        while tasks := [
            *self._attempts,
            *(lane.task for lane in self._lanes.values() if lane.task),
        ]:
            await asyncio.wait(tasks)

    async def stop(self, patience_s: float) -> None:
        """Take nothing more; give requests in hand some time, then drop them: their leases end."""
        self._is_stopping = True
        for timer in self._timers:
            timer.cancel()
        await end([lane.task for lane in self._lanes.values() if lane.task])
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=patience_s)
        await end([*self._attempts])

    # -- one endpoint

    async def _serve(self, lane: Lane) -> None:
        try:
            while lane.is_hinted:
                lane.is_hinted = False
                await self._drain(lane)
        except Exception as error:
            log.warning(
                "webhook.take_failed",
                endpoint_id=str(lane.endpoint_id),
                error=type(error).__name__,
            )
            self._hint_in(FAILED_TAKE_S, lane)
        finally:
            lane.task = None
            if lane.in_flight == 0:
                self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        if lane.task is None and not lane.is_hinted:
            self._lanes.pop(lane.endpoint_id, None)

    async def _drain(self, lane: Lane) -> None:
        """Take and send until nothing is due here."""
        while True:
            await lane.wait_for_room()
            is_failing = lane.is_failing
            await self._gate.take(is_failing=is_failing)
            amount = 1
            room = min(lane.window - lane.in_flight, TAKE_MOST)
            while not is_failing and amount < room and self._gate.take_now():
                amount += 1
            given_back = amount
            try:
                async with self._taking:
                    taken = await self._taker.take(lane.tenant_id, lane.endpoint_id, amount)
                given_back -= len(taken.deliveries)
            finally:
                for _ in range(given_back):
                    self._gate.give(is_failing=is_failing)
            self._begin(lane, taken, is_failing=is_failing)
            if taken.wait_s is not None:
                self._hint_in(taken.wait_s, lane)
                return
            if len(taken.deliveries) < amount:
                return

    def _begin(self, lane: Lane, taken: Taken, *, is_failing: bool) -> None:
        if taken.is_failing and not lane.is_failing:
            lane.fail()
        for delivery in taken.deliveries:
            lane.in_flight += 1
            task = asyncio.create_task(self._attempt(lane, taken, delivery, is_failing=is_failing))
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)

    def _hint_in(self, seconds: float, lane: Lane) -> None:
        timer: asyncio.TimerHandle | None = None

        def fire() -> None:
            if timer is not None:
                self._timers.discard(timer)
            self.hint(lane.tenant_id, lane.endpoint_id, is_failing=lane.is_failing)

        timer = asyncio.get_running_loop().call_later(seconds, fire)
        self._timers.add(timer)

    async def _discard(self, tenant_id: UUID, endpoint_id: UUID) -> None:
        if await self._recorder.discard(tenant_id, endpoint_id) == DISCARD_ROWS:
            self._look_now.set()

    # -- one delivery

    async def _attempt(
        self, lane: Lane, taken: Taken, delivery: Delivery, *, is_failing: bool
    ) -> None:
        try:
            attempt = await self._send(taken, delivery)
            if attempt.outcome.result == "failed":
                lane.fail()
            else:
                lane.succeed()
            _note_first(lane.tenant_id, delivery, attempt)
            await self._recorder.add(lane.tenant_id, lane.endpoint_id, attempt)
            self._plan(lane, attempt.outcome.next_attempt_at)
        except Exception as error:
            log.warning(
                "webhook.attempt_lost",
                delivery_id=str(delivery.row.delivery_id),
                error=type(error).__name__,
            )
        finally:
            self._gate.give(is_failing=is_failing)
            lane.release()
            if lane.in_flight == 0:
                self._forget(lane)

    def _plan(self, lane: Lane, at: datetime | None) -> None:
        if at is None or self._is_stopping:
            return
        wait_s = (at - self._context.clock.now()).total_seconds()
        if wait_s < SOON_S:
            self._hint_in(max(wait_s, 0), lane)

    async def _send(self, taken: Taken, delivery: Delivery) -> Attempt:
        clock, row = self._context.clock, delivery.row
        number = row.attempt + 1
        started_at, began = clock.now(), asyncio.get_running_loop().time()
        headers = sign(
            format_id("evt", row.event_id),
            started_at,
            delivery.body,
            secrets=taken.secrets,
            private_keys=taken.private_keys,
        )
        headers |= {
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "accept-encoding": "identity",
            "rapport-delivery": format_id("dlv", row.delivery_id),
            "rapport-attempt": str(number),
        }
        answer = await self._posted(taken, delivery, headers)
        latency_ms = int(1000 * (asyncio.get_running_loop().time() - began))
        ended_at = clock.now()
        outcome = judge(
            answer,
            number,
            ended_at,
            self._chance,
            scale=self._context.settings.webhook_retry_scale,
        )
        catalog.WEBHOOK_ATTEMPTS.add(outcome.result)
        return Attempt(
            delivery_id=row.delivery_id,
            number=number,
            started_at=started_at,
            ended_at=ended_at,
            latency_ms=latency_ms,
            status_code=answer.status,
            error=error_of(answer),
            response=delivery.key.seal(answer.body, RESPONSE, attempt_row(row.delivery_id, number))
            if answer.body
            else None,
            outcome=outcome,
        )

    async def _posted(self, taken: Taken, delivery: Delivery, headers: dict[str, str]) -> Answer:
        """Send a delivery, in the trace of what made its event happen."""
        row = delivery.row
        with trace.span(
            "webhook",
            kind="client",
            parent=delivery.trace,
            attributes={
                names.DELIVERY: str(row.delivery_id),
                names.EVENT: str(row.event_id),
                names.ATTEMPT: row.attempt + 1,
            },
        ) as span:
            with catalog.WEBHOOKS_IN_FLIGHT.one_more():
                answer = await self._outbound.post(
                    taken.url, headers | trace.headers(), delivery.body
                )
            if answer.status is not None:
                span.set(names.STATUS, answer.status)
            if (why := error_of(answer)) is not None:
                span.fail(why)
        return answer


def _note_first(tenant_id: UUID, delivery: Delivery, attempt: Attempt) -> None:
    """Tell how long the first attempt of a delivery came after its event."""
    if attempt.number == 1 and delivery.row.is_event:
        waited = age_s(delivery.row.event_id, attempt.ended_at)
        outcome: Outcome = "failed" if attempt.outcome.result == "failed" else "ok"
        note(Measure("webhook", tenant_id, waited, outcome))


def error_of(answer: Answer) -> str | None:
    """Return the class of what went wrong; None after a success."""
    if answer.status is None:
        return answer.error
    if 300 <= answer.status < 400:
        return "redirect"
    return "status" if not 200 <= answer.status < 300 else None

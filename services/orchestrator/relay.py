"""The relay: places events, republishes due jobs, buries dead ones. One runs at a time (advisory
lock).
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import asyncpg
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from services.orchestrator import lives
from services.orchestrator.batches import bury_bulk_job, bury_part_job
from services.orchestrator.context import Context
from services.orchestrator.repository import (
    EVENTS_PER_PASS,
    OrchestratorRepository,
    forget_claims,
    list_dying_jobs,
    place_events,
    republish_jobs,
)
from shared import failpoints
from shared.contracts.events import EventHeader
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    BulkScoreJob,
    JobKind,
    ReplyTo,
    RescoreJob,
    RubricDraftJob,
    ScenarioDraftJob,
    ScenarioTrialJob,
    ScoreJob,
    StartScoring,
    StartSimulation,
    TurnJob,
)
from shared.contracts.subjects import WAKE_EVENTS
from shared.db.outbox import add_job
from shared.db.pool import Connection
from shared.db.tx import system_tx, tenant_tx
from shared.log import get_logger
from shared.messaging.topology import ensure_stream, events_stream_config
from shared.tasks import end
from shared.telemetry import names, trace
from shared.telemetry.ages import age_s
from shared.telemetry.measures import Measure, note

log = get_logger()

LOCK = 0x72656C61
"""Advisory lock of the relay; any fixed number, ours spells `rela`."""

POLL_S = 0.5
"""Seconds between two looks for due jobs, and between two passes when nobody wakes the relay."""

REST_S = 0.03
"""Seconds a woken relay waits first, so that one pass serves many commits."""

STANDBY_S = 1.0
"""Seconds between two tries for the lock."""

STREAM_CHECK_S = 5.0
"""Seconds between two checks that the stream of events exists."""

HOUSEKEEPING_S = 600.0
"""Seconds between two clean-ups of old idempotency claims."""

WORKER_CRASHED = "worker-crashed"
"""Failure code of a job that five workers took and none finished."""

CLAIMS_KEPT = timedelta(hours=24)
"""How long a used Idempotency-Key is remembered."""


class Relay:
    """Owner of repair: whatever was committed and not delivered, it delivers."""

    def __init__(
        self,
        context: Context,
        client: Client,
        *,
        on_placed: Callable[[Sequence[EventHeader]], None] = lambda _: None,
    ) -> None:
        self._context = context
        self._client = client
        self._on_placed = on_placed
        self._wake = asyncio.Event()
        self._last_cleaning = float("-inf")

    async def run(self) -> None:
        """Work while this process holds the lock, else wait for it; ends only by cancellation."""
        await self._client.subscribe(WAKE_EVENTS, cb=self._on_wake)
        keeper = asyncio.create_task(self._keep_stream())
        try:
            await self._lead_forever()
        finally:
            await end([keeper])

    async def _lead_forever(self) -> None:
        while True:
            try:
                pool = await self._context.database.system()
                async with pool.acquire() as guard:
                    if await guard.fetchval("select pg_try_advisory_lock($1)", LOCK):
                        log.info("relay.leading")
                        try:
                            await self._lead(guard)
                        finally:
                            await _unlock(guard)
            except Exception:
                log.warning("relay.interrupted", exc_info=True)
            await asyncio.sleep(STANDBY_S)

    async def _keep_stream(self) -> None:
        """Make the stream of events again when the store of NATS was lost."""
        while True:
            try:
                await ensure_stream(self._client, events_stream_config(), patience_s=0)
            except (NatsError, TimeoutError, OSError) as error:
                log.warning("relay.stream_failed", error=type(error).__name__)
            await asyncio.sleep(STREAM_CHECK_S)

    async def _on_wake(self, _message: Msg) -> None:
        self._wake.set()

    async def _lead(self, guard: Connection) -> None:
        """Place events as they come, and look for due jobs every `POLL_S`.

        Ends by the error of the guarding connection, with which the lock is lost.
        """
        loop = asyncio.get_running_loop()
        next_repair = loop.time()
        while True:
            # On the guarding connection: no placement without the lock, and one round trip.
            placed = await self.place(guard)
            if loop.time() >= next_repair:
                await self.repair()
                await self._clean()
                next_repair = loop.time() + POLL_S
            if placed >= EVENTS_PER_PASS:
                continue
            with suppress(TimeoutError):
                # Not wait_for: on Python 3.11 it may swallow a cancellation.
                async with asyncio.timeout(max(next_repair - loop.time(), 0)):
                    await self._wake.wait()
                await asyncio.sleep(REST_S)
            self._wake.clear()

    async def place(self, connection: Connection) -> int:
        """Give waiting events their positions and publish them; return how many."""
        placed = await place_events(connection)
        if not placed:
            return 0
        failpoints.hit("relay.after_mark")
        causes = [one.trace for one in placed if one.trace]
        with trace.span(
            "place events",
            parent=causes[0] if causes else "",
            links=causes,
            attributes={names.EVENTS: len(placed)},
        ):
            self._on_placed([one.header for one in placed])
            for one in placed:
                await self._context.publisher.event(one.header, one.trace)
        failpoints.hit("relay.after_publish_before_mark")  # the next mark comes with the next pass
        return len(placed)

    async def repair(self) -> None:
        """Publish due jobs again, and make dead ones visible."""
        async with system_tx(self._context.database) as connection:
            due = await republish_jobs(connection, self._context.settings.job_first_retry_s)
            dying = await list_dying_jobs(connection)
        for one in due:
            log.info("job.republished", job_id=str(one.message.job_id), attempt=one.message.attempt)
        # All at once: while NATS is away each takes seconds, and events must be placed meanwhile.
        publish = self._context.publisher.job
        await asyncio.gather(*(publish(one.message, one.trace) for one in due))
        for tenant_id, job_id, kind in dying:
            log.error("job.dead", job_id=str(job_id), kind=kind.value)
            try:
                # First its end, which may be repeated, then the burial: a crash between the two
                # leaves nobody waiting.
                await self._mourn(tenant_id, job_id)
                async with tenant_tx(self._context.database, tenant_id) as connection:
                    await OrchestratorRepository(connection, tenant_id).bury_job(
                        job_id, WORKER_CRASHED, self._context.clock.now()
                    )
            except Exception:
                log.exception("job.burial_failed", job_id=str(job_id))

    async def _mourn(self, tenant_id: UUID, job_id: UUID) -> None:
        """Make a dead job visible where its owner looks."""
        async with tenant_tx(self._context.database, tenant_id) as connection:
            repository = OrchestratorRepository(connection, tenant_id)
            payload = await repository.find_payload(job_id)
        match payload:
            case TurnJob(simulation_id=simulation_id):
                waited = age_s(job_id, self._context.clock.now())
                note(Measure("turn", tenant_id, waited, "failed"))
                await lives.fail_simulation(self._context, tenant_id, simulation_id)
            case BatchJob() if payload.part is not None:
                await bury_part_job(self._context, tenant_id, job_id, payload, WORKER_CRASHED)
            case ScoreJob(reply_to=reply_to) | BatchJob(reply_to=reply_to):
                await self._fail_activity(tenant_id, reply_to)
            case BulkScoreJob():
                await bury_bulk_job(self._context, tenant_id, job_id, payload, WORKER_CRASHED)
            case ScenarioDraftJob() | ScenarioTrialJob() | RubricDraftJob():
                await lives.fail_draft(
                    self._context, tenant_id, payload.operation_id, WORKER_CRASHED
                )
            case RescoreJob():
                await lives.fail_rescore(self._context, tenant_id, payload, WORKER_CRASHED)
            case StartScoring(scoring_id=scoring_id):
                await lives.fail_unstarted(self._context, tenant_id, scoring_id, WORKER_CRASHED)
            case StartSimulation(simulation_id=simulation_id):
                await lives.fail_unplayed(self._context, tenant_id, simulation_id)
            case (
                _
            ):  # ends and results come again: by the workflow's timer, by the activity's timeout
                log.error("flow.dead", job_id=str(job_id))

    async def _fail_activity(self, tenant_id: UUID, reply_to: ReplyTo) -> None:
        async with tenant_tx(self._context.database, tenant_id) as connection:
            message = await add_job(
                connection,
                tenant_id,
                self._context.ids.new(),
                ActivityDone(reply_to=reply_to, failure_code=WORKER_CRASHED),
                JobKind.FLOW,
                now=self._context.clock.now(),
                first_retry_s=self._context.settings.job_first_retry_s,
            )
        await self._context.publisher.job(message)

    async def _clean(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_cleaning < HOUSEKEEPING_S:
            return
        self._last_cleaning = now
        async with system_tx(self._context.database) as connection:
            await forget_claims(connection, self._context.clock.now(), CLAIMS_KEPT)


async def _unlock(guard: Connection) -> None:
    try:
        await guard.execute("select pg_advisory_unlock($1)", LOCK)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        # Back in the pool it would hold the lock for ever: nobody could lead any more.
        guard.terminate()
        log.info("relay.lock_lost")

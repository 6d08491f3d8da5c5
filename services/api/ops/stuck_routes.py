"""HTTP face of what moves no more: stuck things, dead letters, and setting them going again."""

from services.api.endpoint import Answer, Endpoint, endpoint
from services.api.ops.access import READ, WORK
from services.api.ops.dead import DeadLetters, letter_of
from services.api.ops.reception import OpsCall
from services.api.ops.stuck import StuckDesk
from services.api.ops.stuck_schemas import (
    DeadLetterPage,
    DeadLetterView,
    DeadQuery,
    Replay,
    ReplayBody,
    Replays,
    Retried,
    RetryBody,
    StuckQuery,
    StuckView,
    tenant_of,
)
from services.api.paging import make_page
from shared.errors import CursorInvalidError, NotFoundError


class StuckRoutes:
    """`/ops/v1/stuck` and `/ops/v1/dead_letters`."""

    def __init__(self, stuck: StuckDesk, dead: DeadLetters) -> None:
        self._stuck = stuck
        self._dead = dead

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/stuck",
            scope=READ,
            query=StuckQuery,
            answers={200: StuckView},
        )
    )
    async def list_stuck(self, call: OpsCall) -> Answer:
        """List what does not move for longer than its kind should take, and why."""
        query: StuckQuery = call.query
        data, total = await self._stuck.find(tenant_of(query.tenant_id), query.limit)
        return Answer(body=StuckView(data=data, total=total))

    @endpoint(
        Endpoint(
            method="POST",
            path="/ops/v1/tenants/{tenant_id:ten}/retry",
            scope=WORK,
            body=RetryBody,
            answers={200: Retried},
            problems=(NotFoundError,),
        )
    )
    async def retry_stuck(self, call: OpsCall) -> Answer:
        """Set a job, scoring, conversation or operation going again; a repeat does no harm."""
        body: RetryBody = call.body
        done = await self._stuck.retry(
            call.operator, call.ids["tenant_id"], body.id, call.request_id
        )
        return Answer(body=done)

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/dead_letters",
            scope=READ,
            query=DeadQuery,
            answers={200: DeadLetterPage},
            problems=(CursorInvalidError,),
        )
    )
    async def list_dead_letters(self, call: OpsCall) -> Answer:
        """List jobs that failed for good, the oldest first: ids, kinds, codes and times."""
        query: DeadQuery = call.query
        rows = await self._dead.find(
            call.page, tenant_of(query.tenant_id), query.type, query.failure_code
        )
        return Answer(body=make_page(rows, call.page, lambda row: row["job_id"], letter_of))

    @endpoint(
        Endpoint(
            method="GET",
            path="/ops/v1/tenants/{tenant_id:ten}/dead_letters/{job_id:job}",
            scope=READ,
            answers={200: DeadLetterView},
            problems=(NotFoundError,),
        )
    )
    async def get_dead_letter(self, call: OpsCall) -> Answer:
        """Get a dead letter, and the ids of what it was about."""
        return Answer(body=await self._dead.get(call.ids["tenant_id"], call.ids["job_id"]))

    @endpoint(
        Endpoint(
            method="POST",
            path="/ops/v1/tenants/{tenant_id:ten}/dead_letters/{job_id:job}/replay",
            scope=WORK,
            answers={200: Replay},
            problems=(NotFoundError,),
        )
    )
    async def replay_dead_letter(self, call: OpsCall) -> Answer:
        """Make a dead letter due again, once; or say why that would do no good."""
        done = await self._dead.replay(call.ids["tenant_id"], call.ids["job_id"], call.request_id)
        return Answer(body=done)

    @endpoint(
        Endpoint(
            method="POST",
            path="/ops/v1/dead_letters/replay",
            scope=WORK,
            body=ReplayBody,
            answers={200: Replays},
        )
    )
    async def replay_dead_letters(self, call: OpsCall) -> Answer:
        """Replay the oldest dead letters that fit, a hundred at most.

        Types that cannot be replayed are passed over.
        """
        body: ReplayBody = call.body
        done = await self._dead.replay_many(
            tenant_of(body.tenant_id), body.type, body.failure_code, body.limit, call.request_id
        )
        return Answer(body=Replays(data=done))

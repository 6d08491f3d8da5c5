"""A worker that tells its replies in pieces and writes their events, and clients that read along."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Litestar
from typing_extensions import override

from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.live import DELTA_COLUMN, LiveDelta, delta_row
from shared.contracts.subjects import live_subject
from shared.db.outbox import add_event
from shared.ids import parse_id
from tests.integration.api.conftest import IDS, FakeWorker, Partner
from tests.support.sse_client import AsgiAnswer, SseEvent, SseReader, open_answer


class Facts(Record, frozen=True, kw_only=True):
    seq: int | None = None
    reason: str | None = None
    assessment_id: UUID | None = None
    revision: int | None = None
    cause: str | None = None


class StreamWorker(FakeWorker):
    """Tells pieces before it stores the reply, tries and all."""

    tries: Sequence[Sequence[str]] = ()
    """Pieces of each try at every reply."""
    ends = False
    """Whether the customer ends the conversation with the reply."""

    @override
    async def start(self) -> Any:
        self.go_on = asyncio.Event()
        """Cleared: replies are told, and stored when it is set."""
        self.go_on.set()
        return await super().start()

    @override
    async def write_reply(
        self, connection: Any, tenant_id: UUID, simulation_id: UUID, seq: int
    ) -> None:
        for attempt, pieces in enumerate(self.tries, 1):
            for index, text in enumerate(pieces):
                await self.tell(connection, tenant_id, simulation_id, (seq, attempt, index), text)
        await self.go_on.wait()
        await super().write_reply(connection, tenant_id, simulation_id, seq)
        await event(connection, tenant_id, EventType.TURN_COMPLETED, simulation_id, seq=seq)
        if self.ends:
            await end(connection, tenant_id, simulation_id, "customer_left")

    async def tell(
        self,
        connection: Any,
        tenant_id: UUID,
        simulation_id: UUID,
        place: tuple[int, int, int],
        text: str,
    ) -> None:
        learner_id = await connection.fetchval(
            "select learner_id from simulations where tenant_id = $1 and simulation_id = $2",
            tenant_id,
            simulation_id,
        )
        key = await self._keys.learner(connection, tenant_id, learner_id)
        seq, attempt, index = place
        sealed = key.seal_text(text, DELTA_COLUMN, delta_row(simulation_id, *place))
        delta = LiveDelta(seq=seq, attempt=attempt, index=index, text=sealed)
        await self._nats.publish(live_subject(tenant_id, simulation_id), msgspec.json.encode(delta))


async def event(
    connection: Any, tenant_id: UUID, kind: EventType, resource_id: UUID, **facts: Any
) -> None:
    await add_event(
        connection,
        tenant_id,
        IDS.new(),
        kind,
        resource_id,
        Facts(**facts),
        now=await connection.fetchval("select now()"),
    )


async def end(connection: Any, tenant_id: UUID, simulation_id: UUID, reason: str) -> None:
    await connection.execute(
        "update simulations set status = 'ended', end_reason = $3, ended_at = now()"
        " where tenant_id = $1 and simulation_id = $2",
        tenant_id,
        simulation_id,
        reason,
    )
    await event(connection, tenant_id, EventType.SIMULATION_ENDED, simulation_id, reason=reason)


async def score(connection: Any, tenant_id: UUID, simulation_id: UUID) -> UUID:
    """Store a scoring of a simulation as the worker would; return its assessment's id."""
    assessment_id = IDS.new()
    await connection.execute(
        "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
        " rubric_version, source, status, workflow_id, occurred_at, created_at, assessment_id,"
        " finished_at)"
        " select $1, $2, s.learner_id, $2, r.rubric_id, r.version, 'simulation', 'completed', 'w',"
        " now(), now(), $3, now()"
        " from simulations s, (select rubric_id, version from rubric_versions"
        "   where tenant_id = $1 limit 1) r"
        " where s.tenant_id = $1 and s.simulation_id = $2",
        tenant_id,
        simulation_id,
        assessment_id,
    )
    await event(
        connection,
        tenant_id,
        EventType.SCORING_COMPLETED,
        simulation_id,
        assessment_id=assessment_id,
        revision=1,
    )
    return assessment_id


def plain(simulation_id: str) -> UUID:
    return parse_id("sim", simulation_id)


async def speak(
    app: Litestar, partner: Partner, simulation_id: str, seq: int, key: str = ""
) -> AsgiAnswer:
    headers = {
        **partner.headers,
        "Accept": "text/event-stream",
        "Idempotency-Key": key or str(IDS.new()),
    }
    body = {"text": "I am sorry about that.", "expected_seq": seq}
    return await open_answer(app, "POST", f"/v1/simulations/{simulation_id}/turns", headers, body)


async def follow(
    app: Litestar,
    partner: Partner,
    simulation_id: str,
    last: str | None = None,
    query: str = "",
) -> AsgiAnswer:
    headers = {**partner.headers, **({} if last is None else {"Last-Event-ID": last})}
    return await open_answer(app, "GET", f"/v1/simulations/{simulation_id}/events{query}", headers)


async def events_of(answer: AsgiAnswer, reader: SseReader | None = None) -> list[SseEvent]:
    reader = reader or SseReader()
    return [event async for chunk in answer.chunks() for event in reader.feed(chunk)]


async def until(answer: AsgiAnswer, name: str, reader: SseReader | None = None) -> list[SseEvent]:
    """Return the events up to the first of this name."""
    reader, heard = reader or SseReader(), []
    async for chunk in answer.chunks():
        for one in reader.feed(chunk):
            heard.append(one)
            if one.name == name:
                return heard
    raise AssertionError(f"the stream ended without {name}: {[each.name for each in heard]}")


async def problem(answer: AsgiAnswer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await answer.text())
    return found

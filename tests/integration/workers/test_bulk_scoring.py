"""A request with many conversations, from intake to its end, without messages in between."""

from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.scorings.batches import ScoringBatchService
from services.api.scorings.settling import RolesService
from services.orchestrator.batches import bury_bulk_job
from services.orchestrator.context import Context as OrchestratorContext
from services.scoring_worker.handler import ScoreHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import (
    BulkScoreJob,
    JobKind,
    JobMessage,
    ReplyTo,
    RescoreJob,
    ScoreJob,
    decode_payload,
    encode_payload,
)
from shared.contracts.scoring import JudgeResult, SkillStatus
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, format_id
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()

CALL = (
    ("agent", "Thank you for calling Northfield Water, my name is Priya, how can I help you?"),
    ("customer", "Hi, I'm calling about my bill, I was charged twice and I want my money back."),
    ("agent", "I'm so sorry about that. May I have your account number, please?"),
    ("customer", "It's 4432 1198. I've called three times already, this is really frustrating."),
    ("agent", "I understand how annoying that is. I'll refund the second payment today."),
    ("customer", "Thank you, that helps."),
    ("agent", "Is there anything else I can do for you? You'll get an e-mail by five o'clock."),
)
GERMAN = "Guten Tag, ich habe das Paket nicht bekommen und ich möchte wissen, wo es jetzt ist."
NOBODY = ReplyTo(workflow_id="nobody", activity_id="waits")
OTHER = {"agent": "customer", "customer": "agent"}


class Room(NamedTuple):
    """One tenant with one learner, and the services that take part."""

    database: Database
    keys: KeyRing
    principal: Principal
    learner_id: UUID
    batches: ScoringBatchService
    roles: RolesService
    judge: ScoreHandler
    orchestrator: OrchestratorContext

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.principal.tenant_id) as connection:
            return await connection.fetch(statement, self.principal.tenant_id, *values)

    async def send(self, *items: dict[str, Any]) -> UUID:
        operation, _, _ = await self.batches.accept(self.principal, None, items)
        return operation.operation_id

    def item(self, said: Any = CALL, **fields: Any) -> dict[str, Any]:
        turns = [{"role": role, "text": text} for role, text in said]
        return {
            "learner_id": format_id("lrn", self.learner_id),
            "conversation": {"source": "call", "turns": turns, **fields},
        }

    async def jobs(self, operation_id: UUID) -> list[tuple[JobMessage, BulkScoreJob]]:
        rows = await self.fetch(
            "select job_id, payload from jobs where tenant_id = $1 and dead_at is null"
            " and payload ->> 'operation_id' = $2 order by job_id",
            str(operation_id),
        )
        found = []
        for row in rows:
            payload = decode_payload(row["payload"])
            assert isinstance(payload, BulkScoreJob)
            found.append((self._message(row["job_id"]), payload))
        return found

    def _message(self, job_id: UUID) -> JobMessage:
        tenant_id = self.principal.tenant_id
        return JobMessage(tenant_id=tenant_id, job_id=job_id, kind=JobKind.SCORE, attempt=1)

    async def status(self, operation_id: UUID) -> str:
        operation, _ = await self.batches.get(self.principal, operation_id)
        return operation.status

    async def ends(self, operation_id: UUID) -> list[str]:
        rows = await self.fetch(
            "select data ->> 'status' as status from events"
            " where tenant_id = $1 and resource_id = $2 and type = 'operation.ended'",
            operation_id,
        )
        return [row["status"] for row in rows]

    async def result(self, assessment_id: UUID) -> JudgeResult:
        (row,) = await self.fetch(
            "select result from assessments where tenant_id = $1 and assessment_id = $2",
            assessment_id,
        )
        async with tenant_tx(self.database, self.principal.tenant_id) as connection:
            key = await self.keys.learner(connection, self.principal.tenant_id, self.learner_id)
        plain = key.open(row["result"], "assessments.result", assessment_id.bytes)
        return msgspec.json.decode(plain, type=JudgeResult)


@pytest.fixture
async def room(
    database: Database, keys: KeyRing, tenants: TenantFactory, settings: Settings, nats: Client
) -> Room:
    for kind in (JobKind.SCORE, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    tenant_id, learner_id = (await tenants.new()).tenant_id, IDS.new()
    async with tenant_tx(database, tenant_id) as connection:
        tenant = await keys.tenant(connection, tenant_id)
        await connection.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, 'x', 'x', now())",
            tenant_id,
            learner_id,
        )
        await connection.execute(
            "insert into learner_keys (tenant_id, learner_id, wrapped) values ($1, $2, $3)",
            tenant_id,
            learner_id,
            tenant.new_learner_key(learner_id),
        )
    publisher = Publisher(nats)
    context = ProcessContext(
        settings=settings, database=database, keys=keys, nats=nats, publisher=publisher
    )
    return Room(
        database=database,
        keys=keys,
        principal=Principal(
            tenant_id=tenant_id,
            key_id=IDS.new(),
            scopes=frozenset(),
            team_ids=None,
            learner_id=None,
            time_zone=ZoneInfo("UTC"),
        ),
        learner_id=learner_id,
        batches=ScoringBatchService(context),
        roles=RolesService(context),
        judge=ScoreHandler(settings, database, keys, publisher, clock=SystemClock(), ids=IDS),
        orchestrator=OrchestratorContext(
            settings=settings,
            database=database,
            publisher=publisher,
            temporal=None,  # type: ignore[arg-type]  # nothing here speaks to it
            clock=SystemClock(),
            ids=IDS,
        ),
    )


async def test_the_last_scoring_ends_the_operation_once(room: Room) -> None:
    operation_id = await room.send(room.item(), room.item(), {})

    (first, _), (second, _) = await room.jobs(operation_id)
    await room.judge.handle(first)
    assert await room.status(operation_id) == "running"
    await room.judge.handle(second)
    await room.judge.handle(second)  # a second delivery finds nothing to do

    operation, items = await room.batches.get(room.principal, operation_id)
    assert (operation.status, operation.played, operation.scored) == ("succeeded", 2, 2)
    assert operation.ended_at is not None
    assert [item.status for item in items] == ["completed", "completed", None]
    assert items[0].overall is not None
    assert items[0].overall == items[1].overall
    assert await room.ends(operation_id) == ["succeeded"]


async def test_what_intake_saw_is_in_the_assessment(room: Room) -> None:
    hidden = [(role, text.replace("a", "a\u200b")) for role, text in CALL]
    operation_id = await room.send(
        room.item(),
        room.item(hidden),
        room.item([("agent", GERMAN), ("customer", GERMAN)]),
        room.item(language="fr"),
    )
    for message, _ in await room.jobs(operation_id):
        await room.judge.handle(message)

    _, items = await room.batches.get(room.principal, operation_id)
    plain, cleaned, german, french = [
        await room.result(item.assessment_id) for item in items if item.assessment_id
    ]
    assert cleaned.flags == ("invisible_characters_removed",)
    assert (cleaned.overall, cleaned.criteria) == (plain.overall, plain.criteria)
    for foreign in (german, french):
        assert foreign.overall is None
        assert "unsupported_language" in foreign.flags
        assert "unsupported_language" in foreign.needs_review
        assert SkillStatus.SCORED not in {skill.status for skill in foreign.skills}


@pytest.mark.parametrize("swap", [True, False], ids=["swap", "keep"])
async def test_a_held_conversation_is_judged_by_the_settled_roles(
    room: Room, *, swap: bool
) -> None:
    backwards = [(OTHER[role], text) for role, text in CALL]
    operation_id = await room.send(room.item(), room.item(backwards))
    _, (_, held) = await room.batches.get(room.principal, operation_id)
    assert held.scoring_id is not None
    assert len(await room.jobs(operation_id)) == 1

    await room.roles.settle(room.principal, None, held.scoring_id, swap=swap)
    (job,) = await room.jobs(operation_id)
    await room.judge.handle(job[0])
    assert await room.status(operation_id) == "succeeded"  # it never waited for the held one

    # As the flow would have it judged.
    job_id = IDS.new()
    await room.fetch(
        "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
        " values ($1, $2, 'score', $3, now() + interval '1 hour', now())",
        job_id,
        encode_payload(ScoreJob(scoring_id=held.scoring_id, reply_to=NOBODY)),
    )
    await room.judge.handle(room._message(job_id))
    _, (right, settled) = await room.batches.get(room.principal, operation_id)
    assert right.assessment_id is not None
    assert settled.assessment_id is not None
    one, other = await room.result(right.assessment_id), await room.result(settled.assessment_id)
    if swap:
        assert other.criteria == one.criteria
        assert other.flags == ()
    else:
        assert other.criteria != one.criteria
        assert other.flags == ("roles_look_swapped",)
        assert "roles_look_swapped" in other.needs_review


async def test_a_scoring_that_kills_its_workers_fails_alone(room: Room) -> None:
    operation_id = await room.send(room.item(), room.item())
    (dead, payload), (alive, _) = await room.jobs(operation_id)
    tenant_id = room.principal.tenant_id

    for _ in range(2):  # the relay may be interrupted between its two steps
        await bury_bulk_job(room.orchestrator, tenant_id, dead.job_id, payload, "worker-crashed")
    assert await room.status(operation_id) == "running"
    await room.judge.handle(alive)

    operation, items = await room.batches.get(room.principal, operation_id)
    assert operation.status == "succeeded"
    assert (operation.scored, operation.failed) == (1, 1)
    assert [item.failure_code for item in items] == ["worker-crashed", None]
    assert await room.ends(operation_id) == ["succeeded"]


@pytest.mark.parametrize("is_replayed", [False, True], ids=["buried", "replayed"])
async def test_a_worker_that_was_given_up_is_counted_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, *, is_replayed: bool
) -> None:
    operation_id = await room.send(room.item(), room.item())
    (slow, payload), (alive, _) = await room.jobs(operation_id)
    judge = room.judge._judge

    async def late(*given: Any) -> Any:
        verdict = await judge(*given)
        await bury_bulk_job(
            room.orchestrator, slow.tenant_id, slow.job_id, payload, "worker-crashed"
        )
        if is_replayed:  # as an operator's replay does
            await room.fetch(
                "update scorings set status = 'running', failure_code = null, finished_at = null"
                " where tenant_id = $1 and status = 'failed'"
            )
            await room.fetch(
                "update jobs set dead_at = null, starts = 0, payload = $3"
                " where tenant_id = $1 and job_id = $2",
                slow.job_id,
                encode_payload(ScoreJob(scoring_id=payload.scoring_id, reply_to=NOBODY)),
            )
        return verdict

    with monkeypatch.context() as patched:
        patched.setattr(room.judge, "_judge", late)
        await room.judge.handle(slow)
    assert await room.status(operation_id) == "running"
    assert await room.ends(operation_id) == []
    left = await room.fetch(
        "select dead_at from jobs where tenant_id = $1 and job_id = $2", slow.job_id
    )
    assert len(left) == (0 if is_replayed else 1)  # the letter of what was told stays

    await room.judge.handle(alive)
    assert await room.ends(operation_id) == ["succeeded"]
    operation, _ = await room.batches.get(room.principal, operation_id)
    assert (operation.scored, operation.failed) == ((2, 0) if is_replayed else (1, 1))


async def test_an_erased_learner_fails_the_whole_operation(room: Room) -> None:
    operation_id = await room.send(room.item())
    await room.fetch("delete from learner_keys where tenant_id = $1")
    ((message, _),) = await room.jobs(operation_id)

    await room.judge.handle(message)

    operation, (item,) = await room.batches.get(room.principal, operation_id)
    assert item.failure_code == "learner-erased"
    assert operation.status == "failed"
    assert await room.ends(operation_id) == ["failed"]


async def _remove_words(room: Room) -> None:
    await room.fetch(
        "insert into removed_texts (tenant_id, thing_id, removed_at)"
        " select $1, conversation_id, now() from scorings where tenant_id = $1"
    )


async def test_words_that_were_removed_are_not_judged_as_silence(room: Room) -> None:
    operation_id = await room.send(room.item())
    await _remove_words(room)
    ((message, _),) = await room.jobs(operation_id)

    for _ in range(2):
        await room.judge.handle(message)

    operation, (item,) = await room.batches.get(room.principal, operation_id)
    assert item.failure_code == "transcript-removed"
    assert item.assessment_id is None
    assert operation.status == "failed"
    assert await room.fetch("select 1 from jobs where tenant_id = $1") == []


async def test_a_second_judgment_of_removed_words_leaves_the_first(room: Room) -> None:
    operation_id = await room.send(room.item())
    ((message, _),) = await room.jobs(operation_id)
    await room.judge.handle(message)
    (scored,) = await room.fetch("select * from scorings where tenant_id = $1")
    await _remove_words(room)
    again, assessment_id = IDS.new(), IDS.new()
    await room.fetch(
        "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
        " values ($1, $2, 'score', $3, now() + interval '1 hour', now())",
        again,
        encode_payload(
            RescoreJob(
                scoring_id=scored["scoring_id"],
                assessment_id=assessment_id,
                rubric_id=scored["rubric_id"],
                rubric_version=scored["rubric_version"],
            )
        ),
    )
    await room.judge.handle(room._message(again))

    (after,) = await room.fetch("select * from scorings where tenant_id = $1")
    assert dict(after) == dict(scored)
    made = await room.fetch("select assessment_id from assessments where tenant_id = $1")
    assert [row["assessment_id"] for row in made] == [scored["assessment_id"]]
    assert await room.fetch("select 1 from jobs where tenant_id = $1 and job_id = $2", again) == []

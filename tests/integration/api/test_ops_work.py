"""What moves no more, why, and setting it going again: stuck things and dead letters."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.context import ProcessContext
from services.scoring_worker.handler import ScoreHandler
from shared.contracts.jobs import (
    BatchJob,
    BulkScoreJob,
    JobKind,
    JobMessage,
    ReplyTo,
    RescoreJob,
    ScenarioDraftJob,
    ScoreJob,
    SimulationEnded,
    StartScoring,
    StartSimulation,
    TurnJob,
    decode_payload,
)
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.load.heartbeat import Heartbeat
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.ops_world import Operator, Work, uuid_of
from tests.support.tenants import TenantFactory

REPLY_TO = ReplyTo(workflow_id="scr_x", activity_id="score-x")
LONG_AGO = datetime.now(UTC) - timedelta(days=2)
DEAD: dict[str, Any] = {
    "dead_at": LONG_AGO,
    "failure_code": "worker-crashed",
    "starts": 5,
    "created_at": LONG_AGO,
}


@pytest.fixture(scope="module")
async def operator(http: httpx.AsyncClient, tenants: TenantFactory) -> Operator:
    return await Operator.new(http, tenants)


@pytest.fixture
async def fresh(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def work(database: Database, fresh: Partner) -> Work:
    return Work(database, fresh.tenant.tenant_id)


class Desk:
    """The operators' routes of one tenant."""

    def __init__(self, operator: Operator, tenant_id: UUID) -> None:
        self.operator = operator
        self.tenant = format_id("ten", tenant_id)

    async def stuck(self) -> dict[str, Any]:
        seen = await self.operator.seen("/stuck", tenant_id=self.tenant)
        assert seen["total"] == len(seen["data"])
        return {each["id"]: each for each in seen["data"]}

    async def retry(self, thing: str) -> Any:
        response = await self.operator.send("POST", f"/tenants/{self.tenant}/retry", {"id": thing})
        assert response.status_code == 200, response.text
        return response.json()

    async def replay(self, job_id: UUID) -> Any:
        path = f"/tenants/{self.tenant}/dead_letters/{format_id('job', job_id)}/replay"
        response = await self.operator.send("POST", path)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def desk(operator: Operator, work: Work) -> Desk:
    return Desk(operator, work.tenant_id)


async def _scoring(partner: Partner) -> str:
    turns = [
        {"role": "agent", "text": "Hello, how can I help you today?"},
        {"role": "customer", "text": "My parcel has not arrived."},
        {"role": "agent", "text": "I am sorry about that. Let me look it up for you."},
    ]
    body = {
        "conversation": {"source": "chat", "turns": turns},
        "learner_id": await partner.learner(),
        "occurred_at": "2026-01-05T09:00:00Z",
    }
    response = await partner.post("/v1/scorings", body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def _fail(work: Work, scoring: str, workflow_id: str | None) -> None:
    await work.sql("delete from jobs where tenant_id = $1")
    await work.sql(
        "update scorings set status = 'failed', failure_code = 'worker-crashed', workflow_id = $3,"
        " finished_at = now() where tenant_id = $1 and scoring_id = $2",
        uuid_of(scoring),
        workflow_id,
    )


class TestReasons:
    async def test_a_job_that_nobody_takes(
        self, desk: Desk, work: Work, database: Database
    ) -> None:
        turn = TurnJob(simulation_id=IDS.new(), seq=2)
        job = format_id("job", await work.job(turn, JobKind.TURN, created_at=LONG_AGO))
        young = format_id("job", await work.job(turn, JobKind.TURN))
        seen = await desk.stuck()
        assert seen[job]["reason"] == "no sim-worker runs"
        assert seen[job]["can_retry"]
        assert young not in seen
        heartbeat = Heartbeat(database, "sim-worker", period_s=3600)
        await heartbeat.beat()
        assert "waits behind others" in (await desk.stuck())[job]["reason"]
        await work.sql("update jobs set attempt = 6 where tenant_id = $1")
        assert "published 6 times" in (await desk.stuck())[job]["reason"]
        await work.sql("update jobs set starts = 3 where tenant_id = $1")
        assert "lease keeps expiring" in (await desk.stuck())[job]["reason"]
        await heartbeat.stop()

    async def test_work_in_hand_is_not_stuck(self, desk: Desk, work: Work) -> None:
        until = datetime.now(UTC) + timedelta(minutes=1)
        job = ScoreJob(scoring_id=IDS.new(), reply_to=REPLY_TO)
        await work.job(job, JobKind.SCORE, created_at=LONG_AGO, starts=1, lease_until=until)
        assert await desk.stuck() == {}

    async def test_temporal_that_is_away(self, desk: Desk, work: Work, database: Database) -> None:
        async def facts() -> dict[str, float]:
            return {"temporal_answers": 0}

        heartbeat = Heartbeat(database, "orchestrator", facts=facts, period_s=3600)
        await heartbeat.beat()
        start = StartSimulation(simulation_id=IDS.new())
        job = format_id("job", await work.job(start, JobKind.FLOW, created_at=LONG_AGO))
        assert "Temporal does not answer" in (await desk.stuck())[job]["reason"]
        await heartbeat.stop()

    async def test_a_paused_tenant(self, desk: Desk, work: Work, database: Database) -> None:
        job = ScoreJob(scoring_id=IDS.new(), reply_to=REPLY_TO)
        job_id = format_id("job", await work.job(job, JobKind.SCORE, created_at=LONG_AGO))
        async with system_tx(database) as connection:
            await connection.execute(
                "update tenants set status = 'paused' where tenant_id = $1", work.tenant_id
            )
        assert "tenant is paused" in (await desk.stuck())[job_id]["reason"]


class TestRetry:
    async def test_a_job_is_due_at_once(self, desk: Desk, work: Work) -> None:
        job_id = await work.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN)
        for _ in range(2):
            assert (await desk.retry(format_id("job", job_id)))["did"] == "made_due"
        row = await work.row("jobs", "job_id", job_id)
        assert row["next_publish_at"] <= datetime.now(UTC)

    async def test_a_scoring_whose_workflow_was_lost(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        scoring = await _scoring(fresh)
        assert scoring not in await desk.stuck()
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "update scorings set status = 'running', workflow_id = 'scr_lost',"
            " created_at = now() - interval '1 h' where tenant_id = $1"
        )
        seen = (await desk.stuck())[scoring]
        assert (seen["what"], seen["detail"]) == ("scoring", "running")
        assert (await desk.retry(scoring))["did"] == "started_again"
        assert (await desk.retry(scoring))["did"] == "made_due"
        row = await work.row("jobs", "job_id", uuid_of(scoring))
        assert isinstance(decode_payload(row["payload"]), ScoreJob)
        assert scoring not in await desk.stuck()

    async def test_a_conversation_without_its_reply(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        simulation = str((await fresh.simulation())["id"])
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "update simulations set last_seq = 1, last_activity_at = now() - interval '1 h'"
            " where tenant_id = $1"
        )
        assert (await desk.stuck())[simulation]["detail"] == "unanswered"
        assert (await desk.retry(simulation))["did"] == "started_again"
        (job,) = [
            decode_payload(row["payload"]) for row in [await work.row("jobs", "kind", "turn")]
        ]
        assert job == TurnJob(simulation_id=uuid_of(simulation), seq=2)
        assert (await desk.retry(simulation))["did"] == "made_due"

    async def test_a_conversation_that_ended_and_is_not_scored(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        simulation = str((await fresh.simulation())["id"])
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "update simulations set status = 'ended', end_reason = 'learner_ended',"
            " ended_at = now() - interval '1 h' where tenant_id = $1"
        )
        assert (await desk.stuck())[simulation]["detail"] == "unscored"
        assert (await desk.retry(simulation))["did"] == "started_again"
        assert simulation not in await desk.stuck()
        row = await work.row("jobs", "kind", "flow")
        assert decode_payload(row["payload"]) == SimulationEnded(simulation_id=uuid_of(simulation))

    async def test_what_is_not_there_or_over(
        self, desk: Desk, work: Work, fresh: Partner, operator: Operator
    ) -> None:
        for prefix in ("job", "scr", "sim", "op"):
            path = f"/tenants/{desk.tenant}/retry"
            response = await operator.send("POST", path, {"id": format_id(prefix, IDS.new())})
            assert response.status_code == 404, response.text
        scoring = await _scoring(fresh)
        await _fail(work, scoring, None)
        assert await desk.retry(scoring) == {
            "id": scoring, "did": "nothing", "words": "It is failed",
        }  # fmt: skip


class TestOperations:
    async def test_a_batch_that_lost_its_workflows(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        operation_id = IDS.new()
        await work.sql(
            "insert into operations (tenant_id, operation_id, kind, status, is_scored, total,"
            " created_at, expires_at) values ($1, $2, 'simulation_batch', 'running', true, 2,"
            " now() - interval '3 h', now() + interval '1 d')",
            operation_id,
        )
        for part in range(2):
            await work.sql(
                "insert into operation_parts (tenant_id, operation_id, part, unplayed)"
                " values ($1, $2, $3, 1)",
                operation_id,
                part,
            )
        operation = format_id("op", operation_id)
        assert (await desk.stuck())[operation]["can_retry"]
        assert "2 parts" in (await desk.retry(operation))["words"]
        assert await desk.stuck() == {}
        assert (await desk.retry(operation))["did"] == "made_due"

    async def test_a_draft_that_was_lost_is_asked_for_again(self, desk: Desk, work: Work) -> None:
        operation_id = IDS.new()
        await work.sql(
            "insert into operations (tenant_id, operation_id, kind, status, is_scored, total,"
            " created_at, expires_at) values ($1, $2, 'scenario_draft', 'queued', false, 1,"
            " now() - interval '3 h', now() + interval '1 d')",
            operation_id,
        )
        operation = format_id("op", operation_id)
        assert not (await desk.stuck())[operation]["can_retry"]
        assert (await desk.retry(operation))["did"] == "nothing"


class TestDeadLetters:
    async def test_they_are_listed_without_a_word(
        self, desk: Desk, work: Work, operator: Operator
    ) -> None:
        turn = TurnJob(simulation_id=IDS.new(), seq=2)
        job_id = await work.job(turn, JobKind.TURN, **DEAD)
        seen = await operator.seen("/dead_letters", tenant_id=desk.tenant)
        (letter,) = seen["data"]
        assert (letter["id"], letter["type"]) == (format_id("job", job_id), "turn")
        assert (letter["failure_code"], letter["can_replay"]) == ("worker-crashed", False)
        one = await operator.seen(f"/tenants/{desk.tenant}/dead_letters/{letter['id']}")
        assert one["letter"] == letter
        assert one["about"] == [format_id("sim", turn.simulation_id)]
        for other in ({"type": "score"}, {"failure_code": "other"}):
            found = await operator.seen("/dead_letters", tenant_id=desk.tenant, **other)
            assert found["data"] == []
        stranger = format_id("ten", IDS.new())
        path = f"/tenants/{stranger}/dead_letters/{letter['id']}"
        assert (await operator.get(path)).status_code == 404
        assert (await operator.send("POST", f"{path}/replay")).status_code == 404

    async def test_a_scoring_is_made_after_all(
        self, desk: Desk, work: Work, fresh: Partner, context: ProcessContext
    ) -> None:
        scoring = await _scoring(fresh)
        await _fail(work, scoring, "scr_other")
        dead = BulkScoreJob(scoring_id=uuid_of(scoring), operation_id=IDS.new())
        job_id = await work.job(dead, JobKind.SCORE, **DEAD)
        assert (await desk.replay(job_id))["outcome"] == "replayed"
        assert (await desk.replay(job_id))["outcome"] == "already_due"
        row = await work.row("jobs", "job_id", job_id)
        assert (row["dead_at"], row["starts"]) == (None, 0)
        assert row["next_publish_at"] <= datetime.now(UTC)
        handler = ScoreHandler(
            context.settings,
            context.database,
            context.keys,
            context.publisher,
            clock=context.clock,
            ids=context.ids,
        )
        message = JobMessage(tenant_id=work.tenant_id, job_id=job_id, kind=JobKind.SCORE, attempt=2)
        await handler.handle(message)
        shown = (await fresh.get(f"/v1/scorings/{scoring}")).json()
        assert shown["status"] == "completed"
        assert await work.row("jobs", "job_id", job_id) is None

    async def test_a_replay_waits_until_the_failure_was_told(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        scoring = await _scoring(fresh)
        await work.sql("delete from jobs where tenant_id = $1")
        job = ScoreJob(scoring_id=uuid_of(scoring), reply_to=REPLY_TO)
        job_id = await work.job(job, JobKind.SCORE, **DEAD)
        done = await desk.replay(job_id)
        assert done["outcome"] == "refused"
        assert "try again in a minute" in done["words"]
        row = await work.row("jobs", "job_id", job_id)
        assert row["dead_at"] is not None

    async def test_a_workflow_that_nobody_could_start(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        scoring = await _scoring(fresh)
        await _fail(work, scoring, None)
        job = StartScoring(scoring_id=uuid_of(scoring))
        job_id = await work.job(job, JobKind.FLOW, **DEAD)
        assert (await desk.replay(job_id))["outcome"] == "replayed"
        assert (await work.row("scorings", "scoring_id", job.scoring_id))["status"] == "queued"
        await _fail(work, scoring, scoring)
        job_id = await work.job(job, JobKind.FLOW, **DEAD)
        assert "1 failed scorings" in (await desk.replay(job_id))["words"]
        assert (await work.row("scorings", "scoring_id", job.scoring_id))["status"] == "running"

    async def test_what_was_told_stays_told(self, desk: Desk, work: Work, fresh: Partner) -> None:
        simulation = uuid_of(str((await fresh.simulation())["id"]))
        await work.sql(
            "update simulations set status = 'ended', end_reason = 'failed', ended_at = now()"
            " where tenant_id = $1"
        )
        refused = (
            (TurnJob(simulation_id=simulation, seq=2), JobKind.TURN),
            (BatchJob(simulation_id=simulation, reply_to=REPLY_TO), JobKind.BATCH),
            (StartSimulation(simulation_id=simulation), JobKind.FLOW),
            (ScenarioDraftJob(operation_id=IDS.new()), JobKind.BATCH),
        )
        for payload, kind in refused:
            job_id = await work.job(payload, kind, **DEAD)
            assert (await desk.replay(job_id))["outcome"] == "refused", payload
            assert (await work.row("jobs", "job_id", job_id))["dead_at"] is not None

    async def test_many_by_filter_and_no_more_than_asked(
        self, desk: Desk, work: Work, operator: Operator
    ) -> None:
        ended = [
            await work.job(SimulationEnded(simulation_id=IDS.new()), JobKind.FLOW, **DEAD)
            for _ in range(3)
        ]
        await work.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN, **DEAD)
        rescore = RescoreJob(
            scoring_id=IDS.new(), assessment_id=IDS.new(), rubric_id=IDS.new(), rubric_version=1
        )
        await work.job(rescore, JobKind.SCORE, **DEAD)
        body = {"tenant_id": desk.tenant, "type": "simulation_ended", "limit": 2}
        seen = (await operator.send("POST", "/dead_letters/replay", body)).json()["data"]
        assert [each["id"] for each in seen] == [format_id("job", each) for each in ended[:2]]
        assert {each["outcome"] for each in seen} == {"replayed"}
        body = {"tenant_id": desk.tenant}
        seen = (await operator.send("POST", "/dead_letters/replay", body)).json()["data"]
        assert [each["outcome"] for each in seen] == ["replayed", "replayed"]
        left = await operator.seen("/dead_letters", tenant_id=desk.tenant)
        assert [each["type"] for each in left["data"]] == ["turn"]

"""What moves no more, why, and setting it going again: stuck things."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.jobs import (
    BulkScoreJob,
    JobKind,
    ReplyTo,
    ScoreJob,
    SimulationEnded,
    StartBatch,
    StartSimulation,
    TurnJob,
    decode_payload,
)
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.load.heartbeat import Heartbeat
from tests.integration.api.conftest import IDS, Partner
from tests.integration.api.ops_world import Desk, Operator, Work, fail, hand_in, uuid_of
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


@pytest.fixture
def desk(operator: Operator, work: Work) -> Desk:
    return Desk(operator, work.tenant_id)


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
        scoring = await hand_in(fresh)
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
        ended = SimulationEnded(simulation_id=uuid_of(simulation), again=True)
        assert decode_payload(row["payload"]) == ended
        await work.sql("update jobs set dead_at = now(), starts = 5 where tenant_id = $1")
        done = await desk.retry(simulation)
        assert done["did"] == "nothing"
        assert f"{format_id('job', row['job_id'])} is its dead letter" in done["words"]

    async def test_what_was_cancelled_is_not_scored(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        simulation = str((await fresh.simulation())["id"])
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "update simulations set status = 'ended', end_reason = 'cancelled', ended_at = now()"
            " where tenant_id = $1"
        )
        done = await desk.retry(simulation)
        assert (done["did"], done["words"]) == ("nothing", "It has ended: cancelled")
        assert await work.row("jobs", "kind", "flow") is None

    async def test_what_is_not_there_or_over(
        self, desk: Desk, work: Work, fresh: Partner, operator: Operator
    ) -> None:
        for prefix in ("job", "scr", "sim", "op"):
            path = f"/tenants/{desk.tenant}/retry"
            response = await operator.send("POST", path, {"id": format_id(prefix, IDS.new())})
            assert response.status_code == 404, response.text
        scoring = await hand_in(fresh)
        await fail(work, scoring, None)
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
        simulation = str((await fresh.simulation())["id"])
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "update simulations set operation_id = $2, part = 0, status = 'ended',"
            " end_reason = 'learner_ended', ended_at = now() where tenant_id = $1",
            operation_id,
        )
        # One of its conversations: the batch is asked for, which knows whether it is scored.
        assert "2 parts" in (await desk.retry(simulation))["words"]
        row = await work.row("jobs", "kind", "flow")
        assert isinstance(decode_payload(row["payload"]), StartBatch)
        await work.sql("delete from jobs where tenant_id = $1")
        assert "2 parts" in (await desk.retry(operation))["words"]
        assert await desk.stuck() == {}
        assert (await desk.retry(operation))["did"] == "made_due"

    async def test_a_scoring_of_many_is_counted_by_its_request(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        operation_id, scoring = IDS.new(), await hand_in(fresh)
        await work.sql("delete from jobs where tenant_id = $1")
        await work.sql(
            "insert into operations (tenant_id, operation_id, kind, status, is_scored, total,"
            " created_at, expires_at) values ($1, $2, 'scoring_batch', 'running', true, 1,"
            " now(), now() + interval '1 d')",
            operation_id,
        )
        await work.sql(
            "update scorings set operation_id = $2, item = 0, workflow_id = $3"
            " where tenant_id = $1",
            operation_id,
            format_id("op", operation_id),
        )
        assert (await desk.retry(scoring))["did"] == "started_again"
        row = await work.row("jobs", "kind", "score")
        job = BulkScoreJob(scoring_id=uuid_of(scoring), operation_id=operation_id)
        assert (row["job_id"], decode_payload(row["payload"])) == (job.scoring_id, job)

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

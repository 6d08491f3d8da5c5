"""Dead letters: what they show, and what a replay of each does."""

from datetime import UTC, datetime, timedelta
from typing import Any

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
)
from shared.db.pool import Database
from shared.ids import format_id
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


class TestDeadLetters:
    async def test_what_was_cancelled_is_not_started(
        self, desk: Desk, work: Work, fresh: Partner
    ) -> None:
        simulation = uuid_of(str((await fresh.simulation())["id"]))
        await work.sql(
            "update simulations set status = 'ended', end_reason = 'cancelled', ended_at = now()"
            " where tenant_id = $1"
        )
        job_id = await work.job(StartSimulation(simulation_id=simulation), JobKind.FLOW, **DEAD)
        assert (await desk.replay(job_id))["outcome"] == "refused"

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
        scoring = await hand_in(fresh)
        await fail(work, scoring, "scr_other")
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
        scoring = await hand_in(fresh)
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
        scoring = await hand_in(fresh)
        await fail(work, scoring, None)
        job = StartScoring(scoring_id=uuid_of(scoring))
        job_id = await work.job(job, JobKind.FLOW, **DEAD)
        assert (await desk.replay(job_id))["outcome"] == "replayed"
        assert (await work.row("scorings", "scoring_id", job.scoring_id))["status"] == "queued"
        await fail(work, scoring, scoring)
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

    async def test_refused_ones_do_not_stand_before_the_others(
        self, desk: Desk, work: Work, operator: Operator
    ) -> None:
        gone = StartSimulation(simulation_id=IDS.new())
        refused = [await work.job(gone, JobKind.FLOW, **DEAD) for _ in range(3)]
        due = await work.job(SimulationEnded(simulation_id=IDS.new()), JobKind.FLOW, **DEAD)
        body = {"tenant_id": desk.tenant, "limit": 2}
        seen = (await operator.send("POST", "/dead_letters/replay", body)).json()["data"]
        assert [(each["id"], each["outcome"]) for each in seen] == [
            *((format_id("job", each), "refused") for each in refused),
            (format_id("job", due), "replayed"),
        ]

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

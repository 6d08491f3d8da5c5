"""kill -9 of every process, and the loss of the whole NATS store, while work is in flight.

After each: nothing accepted is lost or doubled, and everything is finished.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest

from infra.supervisor import SERVICES
from tests.e2e.partner import LINES, Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.product import Killed, Product
from tests.support.waiting import eventually

Recovered = Callable[[str], None]

IN_FLIGHT = 30
"""Turns that wait for their reply when something dies; the least that counts is 20."""

PENDING_TURNS = "select count(*) from turns where tenant_id = $1 and seq = 1"

TAKEN_JOBS = """
select count(*) from jobs
 where tenant_id = $1 and kind = $2 and starts > 0 and lease_until > now()
"""
"""Jobs that a worker has in its hands."""


async def _recovery(
    product: Product,
    partner: Partner,
    killed: Killed,
    recovered: Recovered,
    *work: asyncio.Task[None],
) -> None:
    """Wait for the end of everything, note how long it took, check that it is whole."""
    start = time.monotonic()
    back = await product.back(killed)
    await asyncio.gather(*work)
    await settled(partner)
    names = "+".join(killed) if len(killed) < 4 else "everything"
    took = time.monotonic() - start
    recovered(f"{names:16} running again after {back:5.1f} s, all work done after {took:5.1f} s")
    await assert_whole(partner)


async def _turns_in_flight(
    partner: Partner, simulations: list[str]
) -> dict[str, asyncio.Task[httpx.Response]]:
    """Send one turn to each simulation, each try only once; return the requests by their key."""
    path = "/v1/simulations/{}/turns"
    return {
        f"turn-{number}": asyncio.create_task(
            partner.post(
                path.format(one), {"text": LINES[0], "expected_seq": 0}, key=f"turn-{number}"
            )
        )
        for number, one in enumerate(simulations)
    }


async def _count(product: Product, statement: str, *arguments: object) -> int:
    return int((await product.sql(statement, *arguments))[0][0])


async def test_api_dies_between_commit_and_answer(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    simulations = await partner.simulations(await partner.learner(), IN_FLIGHT)

    async def all_are_committed() -> bool:
        return await _count(product, PENDING_TURNS, partner.tenant_id) == IN_FLIGHT

    with product.held("sim-worker"):  # so that no request can have its answer yet
        requests = await _turns_in_flight(partner, simulations)
        killed = await product.kill_during("api", all_are_committed)
    start = time.monotonic()
    answers = await asyncio.gather(*requests.values(), return_exceptions=True)
    assert all(isinstance(answer, httpx.TransportError) for answer in answers), answers
    back = await product.back(killed)

    async def repeat(key: str, simulation_id: str) -> bool:
        path = f"/v1/simulations/{simulation_id}/turns"
        body = {"text": LINES[0], "expected_seq": 0}
        answer = await partner.insist(path, body, key=key)
        partner.exchanges[simulation_id, 1] = answer.json()
        assert answer.json()["reply"]["seq"] == 2
        return answer.headers.get("idempotent-replayed") == "true"

    replayed = await asyncio.gather(*map(repeat, requests, simulations))
    assert all(replayed), "each of these turns was accepted before"
    took = time.monotonic() - start
    recovered(
        f"api              running again after {back:5.1f} s, all replies there after {took:5.1f} s"
    )
    counts = await product.sql(
        "select seq, count(*) from turns where tenant_id = $1 group by seq order by seq",
        partner.tenant_id,
    )
    assert [tuple(row) for row in counts] == [(seq, IN_FLIGHT) for seq in (0, 1, 2)]
    await asyncio.gather(*map(partner.end, simulations))
    await settled(partner)
    await assert_whole(partner)


async def test_sim_worker_dies_in_the_middle_of_turns(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    learner = await partner.learner()
    simulations = await partner.simulations(learner, IN_FLIGHT)
    played = await partner.simulations(learner, 4, mode="autopilot", profile="unskilled")

    async def many_are_in_hand() -> bool:
        return await _count(product, TAKEN_JOBS, partner.tenant_id, "turn") >= 20

    talks = [partner.begin(partner.talk(one, 2)) for one in simulations]
    killed = await product.kill_during("sim-worker", many_are_in_hand)
    await _recovery(product, partner, killed, recovered, *talks)

    turns = await product.sql(
        "select max(seq) as last from turns where tenant_id = $1 group by simulation_id",
        partner.tenant_id,
    )
    assert len(turns) == len(simulations) + len(played)
    assert min(row["last"] for row in turns) >= 4


async def test_scoring_worker_dies_in_the_middle_of_a_queue(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    learner = await partner.learner(await partner.team("Queue"))

    async def is_in_the_middle() -> bool:
        tenant = partner.tenant_id
        done = "select count(*) from assessments where tenant_id = $1"
        return (
            await _count(product, TAKEN_JOBS, tenant, "score") > 0
            and await _count(product, done, tenant) > 5
        )

    handing_in = partner.begin(_hand_in(partner, learner, 100))
    killed = await product.kill_during("scoring-worker", is_in_the_middle)
    await _recovery(product, partner, killed, recovered, handing_in)

    assert len(partner.scorings) == 100


@pytest.mark.slow  # in every run: while it hands a job over
async def test_orchestrator_dies_with_workflows_open(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    learner = await partner.learner(await partner.team("Workflows"))
    simulations = await partner.simulations(learner, 10)
    await partner.simulations(learner, 4, mode="autopilot", profile="average")
    await asyncio.gather(*(partner.talk(one, 1) for one in simulations))
    handing_in = partner.begin(_hand_in(partner, learner, 60))
    ending = [partner.begin(partner.end(one)) for one in simulations]

    async def work_is_between() -> bool:
        running = "select count(*) from scorings where tenant_id = $1 and status = 'running'"
        return await _count(product, running, partner.tenant_id) > 0

    killed = await product.kill_during("orchestrator", work_is_between)
    await _recovery(product, partner, killed, recovered, handing_in, *ending)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("score", "scorings"),
        pytest.param("batch", "simulations", marks=pytest.mark.slow),
    ],
)
async def test_orchestrator_dies_while_it_hands_a_job_over(
    product: Product, partner: Partner, recovered: Recovered, kind: str, table: str
) -> None:
    # The activity that hands the job to a worker has begun, and will not be repeated for minutes.
    learner = await partner.learner()
    blocker = await asyncpg.connect(product.up.database_url)

    async def is_given_to_its_workflow() -> bool:
        row = "select count(*) from jobs where tenant_id = $1 and kind = $2"
        return await _count(product, row, partner.tenant_id, kind) == 1

    async def the_activity_waits() -> bool:
        waiting = (
            "select count(*) from pg_stat_activity"
            " where application_name = 'rapport-orchestrator' and wait_event_type = 'Lock'"
        )
        return await _count(product, waiting) > 0

    with product.held("temporal"):
        if kind == "score":
            await partner.score(learner)
        else:
            await partner.simulation(learner, mode="autopilot", profile="unskilled")
        await eventually(is_given_to_its_workflow)
        await blocker.execute(f"begin; lock table app.{table} in access exclusive mode")
    await eventually(the_activity_waits)
    killed = product.kill("orchestrator")
    await blocker.execute("rollback")
    await blocker.close()
    await _recovery(product, partner, killed, recovered)


async def test_reporting_dies_while_it_counts(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    team = await partner.team("Counted")
    learners = [await partner.learner(team) for _ in range(6)]
    handing_in = partner.begin(_hand_in_last_week(partner, learners, 10))

    async def it_has_begun() -> bool:
        facts = "select count(*) from facts where tenant_id = $1"
        return await _count(product, facts, partner.tenant_id) > 0

    killed = await product.kill_during("reporting", it_has_begun)
    await _recovery(product, partner, killed, recovered, handing_in)

    trend = await partner.get(f"/v1/reports/teams/{team}/trend", skill="relate.empathy")
    assert [point["n"] for point in trend["data"]] == [60]


@pytest.mark.slow  # each alone; in every run they die together, and NATS with its store
@pytest.mark.parametrize("victim", ["nats", "temporal", "postgres"])
async def test_a_server_dies_with_everything_in_flight(
    product: Product, partner: Partner, recovered: Recovered, victim: str
) -> None:
    work = await _everything_in_flight(product, partner)
    killed = product.kill(victim)
    await _recovery(product, partner, killed, recovered, *work)


async def test_the_whole_nats_store_is_lost(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    work = await _everything_in_flight(product, partner)
    killed = product.lose_nats()
    await _recovery(product, partner, killed, recovered, *work)


async def test_everything_dies_at_once(
    product: Product, partner: Partner, recovered: Recovered
) -> None:
    work = await _everything_in_flight(product, partner)
    killed = product.kill("postgres", "nats", "temporal", *SERVICES)
    await _recovery(product, partner, killed, recovered, *work)


async def _hand_in(partner: Partner, learner: str, amount: int) -> None:
    await partner.score_many(learner, amount, exchanges=20)


async def _hand_in_last_week(partner: Partner, learners: list[str], each: int) -> None:
    at = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    await asyncio.gather(
        *(
            partner.score(learner, exchanges=20, occurred_at=at)
            for learner in learners
            for _ in range(each)
        )
    )


async def _everything_in_flight(product: Product, partner: Partner) -> list[asyncio.Task[None]]:
    """Start conversations, autopilots and scorings; return once some of each are on their way."""
    learner = await partner.learner(await partner.team("Storm"))
    simulations = await partner.simulations(learner, 20)
    await partner.simulations(learner, 4, mode="autopilot", profile="average")

    async def practice(simulation_id: str) -> None:
        await partner.talk(simulation_id, 3)
        await partner.end(simulation_id)

    work = [partner.begin(practice(one)) for one in simulations]
    work.append(partner.begin(_hand_in(partner, learner, 60)))
    unfinished = "select count(*) from scorings where tenant_id = $1 and status <> 'completed'"

    async def it_has_begun() -> bool:
        return bool(
            await _count(product, TAKEN_JOBS, partner.tenant_id, "turn")
            and await _count(product, unfinished, partner.tenant_id)
        )

    await eventually(it_has_begun)
    return work

"""Every way in which an endpoint can fail, on the whole product: the learner never notices.

For each: the reply comes in time, nothing is lost or doubled, marks say why, the money is right, the
calls are bounded, and nobody's words or secrets are anywhere but sealed. [R-C11]
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from shared.contracts.llm import WhyEmbedded
from tests.e2e import llm_world as world
from tests.e2e.llm_world import CASES, LIMIT_S, SAID, Case
from tests.e2e.partner import Partner
from tests.e2e.truth import assert_whole, settled
from tests.support.llm import FakeLlm, Script, environment, threaded
from tests.support.product import Product
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(900)

LEASE_S = 3

POINTS = (
    "activity.llm.before_call",
    "activity.llm.mid_stream",
    "activity.llm.after_call_before_persist",
)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeLlm]:
    with threaded(Script(rules=world.rules())) as running:
        yield running


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a file arms a failpoint."""
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def modeled(
    fake: FakeLlm, points: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """The product, whose installation has the endpoint as well."""
    settings = environment(fake.url) | {
        "RAPPORT_LLM_TIMEOUT_S": str(LIMIT_S),
        "RAPPORT_JOB_LEASE_S": str(LEASE_S),
        "RAPPORT_FAILPOINTS": f"watch:{points}",
    }
    running = Product(tmp_path_factory.mktemp("modeled") / "data", settings)
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture
async def guests() -> AsyncIterator[list[Partner]]:
    """Tenants to say goodbye to."""
    made: list[Partner] = []
    yield made
    for each in made:
        await each.close()


def _url(fake: FakeLlm, case: Case) -> str:
    return fake.url if case.answer is not None else f"http://127.0.0.1:9/{world.SECRETS['path']}"


async def _suffer(product: Product, fake: FakeLlm, case: Case, guests: list[Partner]) -> None:
    """Talk, read along, watch a scripted learner, and be judged, all with this endpoint."""
    partner = await world.guest(product, _url(fake, case), case.name)
    guests.append(partner)
    learner = await world.learner(partner)
    spoken = await world.talk(partner, learner)
    played = await world.autopilot(partner, learner)
    await settled(partner)

    resting = {WhyEmbedded.BREAKER_OPEN}
    for simulation in (spoken, played):
        await world.assert_gapless(partner, simulation)
        marks = await world.marks_of(partner, simulation)
        assert {mark["engine"] for mark in marks} <= {"embedded", "mixed"}, marks
        assert {mark.get("why") for mark in marks} <= case.wording | resting, marks
        assert (await world.assessment_of(partner, simulation))["model"] is not None
    first = (await world.marks_of(partner, spoken))[0]
    assert first["why"] in case.wording, "nothing rests before it failed"
    judged = await world.assessment_of(partner, played)
    assert (judged["engine"], judged["model"]["answered"]) == ("embedded", 0), judged["model"]
    assert judged["model"]["asked"] > 0
    assert judged["why"] in case.judging | resting
    account = await world.settled_account(partner)
    world.assert_bounded(account)
    assert {each["status"] for each in account.calls} == {"settled"}
    assert world.asked_by(fake, case.name) <= 2 * len(account.calls)
    if not case.is_quick:
        await assert_whole(partner)


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param([each for each in CASES if each.is_quick], id="some"),
        pytest.param(
            [each for each in CASES if not each.is_quick], id="others", marks=pytest.mark.slow
        ),
    ],
)
async def test_an_endpoint_that_fails_is_no_news_to_the_learner(
    modeled: Product, fake: FakeLlm, guests: list[Partner], cases: list[Case]
) -> None:
    at_once = asyncio.Semaphore(4)

    async def suffer(case: Case) -> None:
        async with at_once:
            await _suffer(modeled, fake, case, guests)

    outcomes = await asyncio.gather(*map(suffer, cases), return_exceptions=True)

    failed = {
        case.name: outcome
        for case, outcome in zip(cases, outcomes, strict=True)
        if isinstance(outcome, BaseException)
    }
    assert failed == {}


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(each, marks=() if "stream" in each else pytest.mark.slow, id=each)
        for each in POINTS
    ],
)
async def test_the_worker_dies_during_a_call(
    modeled: Product, fake: FakeLlm, points: Path, guests: list[Partner], point: str
) -> None:
    name = f"kill{POINTS.index(point)}"
    partner = await world.guest(modeled, fake.url, name, judging="embedded")
    guests.append(partner)
    simulation = (await partner.simulation(await world.learner(partner)))["id"]
    pid = modeled.up.pids["sim-worker"]
    (points / point).touch()

    events = await world.read_along(partner, simulation, 1, SAID[0])
    await modeled.back({"sim-worker": pid})

    assert not (points / point).exists(), "the point was passed"
    world.assert_told(events)
    (mark,) = await world.marks_of(partner, simulation)
    assert mark["engine"] == "model"
    calls = (await world.account_of(partner)).calls
    assert len(calls) == 2, "the call that died, and its repeat"
    assert world.asked_by(fake, name) <= 2
    await _money_comes_back(partner, simulation)
    await partner.end(simulation)
    await settled(partner)
    await assert_whole(partner)


async def _money_comes_back(partner: Partner, simulation: str) -> None:
    """What a dead process set aside counts as spent after a while, and is promised no more."""
    left = [
        each for each in (await world.account_of(partner)).calls if each["status"] == "reserved"
    ]
    for each in left:
        await asyncio.sleep(max(0.0, each["expires_at"].timestamp() - time.time()))
    await partner.say(simulation, 3, SAID[1])
    account = await world.settled_account(partner)
    assert [each["status"] for each in account.calls].count("expired") == len(left)


@pytest.mark.slow
async def test_the_judge_dies_during_a_call(
    modeled: Product, fake: FakeLlm, points: Path, guests: list[Partner]
) -> None:
    partner = await world.guest(modeled, fake.url, "judged", disabled=["wording"])
    guests.append(partner)
    pid = modeled.up.pids["scoring-worker"]
    (points / "activity.llm.before_call").touch()

    simulation = await world.autopilot(partner, await world.learner(partner))
    await eventually(lambda: modeled.up.pids.get("scoring-worker", pid) != pid, timeout_s=60)
    await settled(partner)

    assessment = await world.assessment_of(partner, simulation)
    assert assessment["engine"] == "model"
    assert assessment["why"] is None
    assert assessment["model"]["answered"] > 0
    world.assert_bounded(await world.account_of(partner), most_per_line=0)
    await assert_whole(partner)


async def test_nobodys_words_or_secrets_are_anywhere_in_the_clear(modeled: Product) -> None:
    """After all of the above: logs, queues, workflow histories, the database's own files."""
    read: dict[str, int] = {}
    for folder, _, names in os.walk(modeled.data_dir, followlinks=True):  # PostgreSQL's is a link
        kind = Path(folder, "x").relative_to(modeled.data_dir).parts[0]
        for file in (Path(folder, name) for name in names):
            with contextlib.suppress(OSError):  # a socket, or gone meanwhile
                data = file.read_bytes()
                read[kind] = read.get(kind, 0) + len(data)
                assert world.leaks_in(data) == set(), file
    assert world.leaks_in(modeled.output.encode()) == set()
    assert {kind for kind, size in read.items() if size} >= {"log", "nats", "temporal", "postgres"}
    assert read["postgres"] > 20_000_000, "the tables themselves"
    await _assert_clean_histories(modeled)


async def _assert_clean_histories(product: Product) -> None:
    client = await Client.connect(product.up.temporal_address)
    histories = 0
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        history = await handle.fetch_history()
        histories += 1
        assert world.leaks_in(history.to_json().encode()) == set(), workflow.id
    assert histories > 0

"""Drafts over the API, with the lanes, the gateway and a scripted endpoint behind it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from nats.aio.client import Client

from services.api.app import create_app
from services.api.context import ProcessContext
from services.scoring_worker.drafting.handler import RubricDrafts
from services.scoring_worker.drafting.lane import ScoreLane
from services.scoring_worker.handler import ScoreHandler
from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.context import Context
from services.sim_worker.drafting.handler import ScenarioDrafts
from services.sim_worker.drafting.lane import BatchLane
from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import EmbeddedWording
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import parse_id
from shared.llm.gateway import Gateway, gateway
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.redaction.redactor import PatternRedactor
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.drafting import TRANSCRIPT, leaking, too_generous
from tests.support.llm import Answer, FakeLlm, Match, Rule, Script, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

Json = dict[str, Any]

WAIT = {"Prefer": "wait=20"}
IDEA = {"kind": "prompt", "text": "A bakery moved somebody's cake to the wrong day."}
CALL = {
    "kind": "transcript",
    "turns": [{"role": role, "text": text} for role, text in TRANSCRIPT],
}
SCORECARD = "1. Greets the customer (20)\n2. Explains the reason (60)\n3. Wears a badge (20)"


async def no_rest(_seconds: float) -> None:
    """Tests do not wait for trouble to pass."""


@pytest.fixture(scope="module")
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint() as running:
        yield running


@pytest.fixture(autouse=True)
def sensible(fake: FakeLlm) -> None:
    fake.play(Script())
    fake.clear()


@pytest.fixture(scope="module")
async def model(
    settings: Settings, database: Database, keys: KeyRing, fake: FakeLlm
) -> AsyncIterator[Gateway]:
    wired = with_endpoint(settings, fake.url)
    running = gateway(wired, database, keys, clock=SystemClock(), ids=IDS)
    yield running
    await running.close()


@pytest.fixture(scope="module")
async def lanes(
    settings: Settings, database: Database, keys: KeyRing, nats: Client, model: Gateway
) -> AsyncIterator[None]:
    """Both workers' lanes, as their processes have them."""
    publisher, clock = Publisher(nats), SystemClock()
    drafts = ScenarioDrafts(
        settings,
        database,
        keys,
        publisher,
        model=model,
        redactor=PatternRedactor(),
        clock=clock,
        ids=IDS,
        rest=no_rest,
    )
    rubrics = RubricDrafts(
        settings, database, keys, publisher, model=model, clock=clock, ids=IDS, rest=no_rest
    )
    context = Context(
        settings=settings,
        database=database,
        publisher=publisher,
        wording=EmbeddedWording(),
        reader=SimulationReader(database, keys),
        clock=clock,
        ids=IDS,
        model=model,
    )
    scores = ScoreHandler(settings, database, keys, publisher, clock=clock, ids=IDS)
    batch = BatchLane(AutopilotHandler(context), drafts)
    running = (
        LaneConsumer(nats, JobKind.BATCH, batch.handle, slots=4),
        LaneConsumer(nats, JobKind.SCORE, ScoreLane(scores, rubrics).handle, slots=4),
    )
    for lane in running:
        await lane.start()
    yield
    for lane in running:
        await lane.stop()


@pytest.fixture(scope="module")
async def author(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    nats: Client,
    model: Gateway,
    tenants: TenantFactory,
    lanes: None,
) -> AsyncIterator[Partner]:
    for kind in (JobKind.BATCH, JobKind.SCORE, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    context = ProcessContext(
        settings=settings,
        database=database,
        keys=keys,
        nats=nats,
        publisher=Publisher(nats),
        model=model,
    )
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Partner(client, await tenants.new())


async def drafted(author: Partner, body: Json, noun: str = "scenario") -> Json:
    """Have something drafted; return what became of it."""
    response = await author.post(f"/v1/{noun}_drafts", body)
    assert response.status_code == 202, response.text
    place = response.headers["Location"]
    assert place == f"/v1/{noun}_drafts/{response.json()['id']}"
    result = await author.http.get(place, headers={**author.headers, **WAIT})
    assert result.status_code == 200, result.text
    told: Json = result.json()
    assert told["operation"]["ended_at"], told
    return told


def says(*answers: Json | Answer) -> Script:
    """Return a script that gives these answers one after the other, the last one for good."""
    return Script(
        rules=tuple(
            Rule(
                match=Match(first=1) if number < len(answers) else Match(),
                answer=each if isinstance(each, Answer) else Answer(json=each),
            )
            for number, each in enumerate(answers, start=1)
        )
    )


def codes(problem: Json) -> set[str]:
    return {error["code"] for error in problem["errors"]}


class TestScenarios:
    async def test_from_an_idea_to_a_version(self, author: Partner, fake: FakeLlm) -> None:
        wanted = IDEA | {"role": "sales", "temper": "suspicious", "title": "The wrong Saturday"}
        told = await drafted(author, wanted)

        operation = told["operation"]
        assert (operation["kind"], operation["status"]) == ("scenario_draft", "succeeded")
        assert operation["progress"] == {"total": 1, "done": 1, "scored": 0, "failed": 0}
        assert (told["publishable"], told["failure_code"]) == (True, None)
        assert told["trial"]["passed"]
        assert {o["profile"] for o in told["trial"]["outcomes"]} >= {"skilled", "rude", "pushover"}
        assert told["calls"][0]["model"] == "fake-1"
        assert told["calls"][0]["output_tokens"] > 0
        assert fake.count == 1

        path = f"/v1/scenarios/{told['scenario_id']}"
        draft = (await author.get(f"{path}/draft")).json()
        assert (draft["author"], draft["trial_revision"]) == ("model", 1)
        assert draft["spec"]["title"] == "The wrong Saturday"
        assert draft["spec"]["role"] == "sales"
        published = await author.post(f"{path}/publish")
        assert published.status_code == 201, published.text
        listed = await author.get("/v1/scenarios", params={"slug": draft["slug"]})
        assert listed.json()["data"]

    async def test_the_endpoint_reads_no_personal_data(
        self, author: Partner, fake: FakeLlm
    ) -> None:
        told = await drafted(author, CALL)
        assert told["publishable"]
        sent = msgspec.json.encode([asked.json() for asked in fake.asked]).decode()
        for private in ("Tomasz", "Brandl", "Priya", "7946"):
            assert private not in sent
        assert "drain in her side" in sent

    async def test_faults_are_sent_back_and_mended(self, author: Partner, fake: FakeLlm) -> None:
        fake.play(says(too_generous(), Answer()))
        told = await drafted(author, IDEA)
        assert told["publishable"]
        assert len(told["calls"]) == 2
        assert fake.count == 2

    async def test_a_leak_leaves_nothing_behind(self, author: Partner, fake: FakeLlm) -> None:
        fake.play(says(leaking()))
        told = await drafted(author, CALL)
        assert (told["operation"]["status"], told["failure_code"]) == ("failed", "failed_checks")
        assert told["scenario_id"] is None
        assert fake.count == 3

    @pytest.mark.parametrize(
        ("answer", "code", "most"),
        [
            (Answer(status=500), "server_error", 3),
            (Answer(status=401), "unauthorized", 1),
            (Answer(refusal="I will not."), "refused", 1),
            (Answer(text="no outline at all"), "malformed", 6),
        ],
        ids=["500", "401", "refusal", "malformed"],
    )
    async def test_a_model_that_fails(
        self, author: Partner, fake: FakeLlm, answer: Answer, code: str, most: int
    ) -> None:
        fake.play(says(answer))
        told = await drafted(author, IDEA)
        assert told["operation"]["status"] == "failed"
        assert told["failure_code"] in {code, "endpoint_resting"}
        assert told["scenario_id"] is None
        assert 1 <= fake.count <= most

    async def test_an_edit_makes_the_trial_due_again(self, author: Partner) -> None:
        told = await drafted(author, IDEA)
        path = f"/v1/scenarios/{told['scenario_id']}"
        draft = (await author.get(f"{path}/draft")).json()
        spec = draft["spec"] | {"title": "Mine now"}
        put = await author.put(f"{path}/draft", {"spec": spec, "expected_revision": 1})
        assert put.status_code == 200, put.text
        refused = await author.post(f"{path}/publish")
        assert refused.status_code == 422
        assert refused.json()["code"] == "scenario-has-faults"
        assert "trial-due" in codes(refused.json())

        tried = await author.post(f"{path}/trial", headers=WAIT)
        assert tried.status_code == 202, tried.text
        assert (tried.json()["kind"], tried.json()["status"]) == ("scenario_trial", "succeeded")
        result = (await author.get(tried.json()["result"])).json()
        assert (result["revision"], result["publishable"]) == (2, True)
        assert (await author.post(f"{path}/publish")).status_code == 201

    async def test_the_same_key_drafts_once(self, author: Partner, fake: FakeLlm) -> None:
        first = await author.post("/v1/scenario_drafts", IDEA, key="once", headers=WAIT)
        again = await author.post("/v1/scenario_drafts", IDEA, key="once")
        assert first.json()["id"] == again.json()["id"]
        assert again.headers["Idempotent-Replayed"] == "true"
        assert fake.count == 1


class TestRubrics:
    async def test_from_a_scorecard_to_a_version(self, author: Partner) -> None:
        body = {"text": SCORECARD, "slug": "badge-form", "title": "Badge form"}
        told = await drafted(author, body, "rubric")
        assert told["operation"]["kind"] == "rubric_draft"
        assert told["failure_code"] is None
        assert "Wears a badge" in " ".join(gap["source"] for gap in told["unmapped"])
        assert told["dry_run"]["conversations"] == 12
        draft = (await author.get(f"/v1/rubrics/{told['rubric_id']}/draft")).json()
        assert (draft["slug"], draft["spec"]["title"]) == ("badge-form", "Badge form")
        assert draft["findings"] == told["findings"]
        published = await author.post(f"/v1/rubrics/{told['rubric_id']}/publish")
        assert published.status_code == (201 if told["publishable"] else 422), published.text

    async def test_a_rubric_is_found_under_its_own_path_only(self, author: Partner) -> None:
        told = await drafted(author, {"text": SCORECARD}, "rubric")
        assert (await author.get(f"/v1/scenario_drafts/{told['id']}")).status_code == 404


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"kind": "prompt"}, "/text"),
            ({"kind": "prompt", "text": "  "}, "/text"),
            ({"kind": "policy", "turns": CALL["turns"]}, "/turns"),
            (CALL | {"text": "twice"}, "/text"),
            ({"kind": "poem", "text": "x"}, "/kind"),
            (IDEA | {"difficulty": 9}, "/difficulty"),
            (IDEA | {"slug": "No Slug"}, "/slug"),
            (IDEA | {"extra": 1}, "/extra"),
            ({"kind": "prompt", "text": "x" * 60_001}, "/text"),
            (
                {"kind": "transcript", "turns": [{"role": "agent", "text": "x" * 9_000}] * 7},
                "/turns",
            ),
        ],
    )
    async def test_wrong_fields_are_named(self, author: Partner, body: Json, pointer: str) -> None:
        response = await author.post("/v1/scenario_drafts", body)
        assert response.status_code == 400, response.text
        assert pointer in {error["pointer"] for error in response.json()["errors"]}

    async def test_a_test_key_never_spends_money(
        self, author: Partner, tenants: TenantFactory, fake: FakeLlm
    ) -> None:
        tester = author.as_key(await tenants.key(author.tenant, environment="test"))
        for path, body in (
            ("/v1/scenario_drafts", IDEA),
            ("/v1/rubric_drafts", {"text": SCORECARD}),
        ):
            response = await tester.post(path, body)
            assert response.status_code == 422
            assert response.json()["code"] == "model-required"
            assert "test key" in response.json()["detail"]
        assert fake.count == 0

    async def test_without_a_model(self, partner: Partner) -> None:
        response = await partner.post("/v1/scenario_drafts", IDEA)
        assert response.status_code == 422
        assert response.json()["code"] == "model-required"

    async def test_keys_that_may_not(
        self, author: Partner, key_maker: KeyMaker, tenants: TenantFactory
    ) -> None:
        reader = author.as_key(await tenants.key(author.tenant, ["scenarios:read"]))
        assert (await reader.post("/v1/scenario_drafts", IDEA)).status_code == 403
        told = await drafted(author, IDEA)
        place = f"/v1/scenario_drafts/{told['id']}"
        team = await author.team()
        bound = author.as_key(
            await key_maker.new(
                author.tenant.tenant_id,
                scopes=["scenarios:write"],
                learner_id=None,
                team_ids=[parse_id("team", team)],
            )
        )
        assert (await bound.post("/v1/scenario_drafts", IDEA)).status_code == 403
        assert (await bound.get(place)).status_code == 403
        other = Partner(author.http, await tenants.new())
        assert (await other.get(place)).status_code == 404

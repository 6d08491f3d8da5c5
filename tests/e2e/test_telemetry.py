"""The whole product, watched: one trace from a request to its webhook, numbers, and log lines."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry import names
from shared.telemetry.catalog import METRICS
from tests.e2e import llm_world as world
from tests.e2e.llm_world import LIMIT_S, SAID, SECRETS
from tests.e2e.partner import LINES, Partner
from tests.e2e.truth import settled
from tests.support.collector import Collector, Seen, collecting
from tests.support.llm import FakeLlm, environment, threaded
from tests.support.product import Product
from tests.support.receivers import Receiver
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(200)

SERVICES: Final = ("api", "orchestrator", "reporting", "scoring-worker", "sim-worker")

SCORED: Final = (
    "webhook",
    "work score",
    "publish score",
    "RunActivity:scoring.dispatch",
    "StartActivity:scoring.dispatch",
    "StartWorkflow:ScoringWorkflow",
    "work flow",
    "publish flow",
    "POST /v1/scorings",
)
"""From the webhook that tells of a result, by parents, to the request that asked for it."""

TALKED: Final = ("work turn", "publish turn", "POST /v1/simulations/{simulation_id}/turns")


class Story:
    """What happened once, and what was seen of it."""

    def __init__(self, product: Product, partner: Partner, collector: Collector) -> None:
        self.product = product
        self.partner = partner
        self.collector = collector
        self.receiver = Receiver()

    async def tell(self) -> None:
        """Have a conversation and hand one in, with a receiver of webhooks."""
        partner = self.partner
        async with self.receiver:
            body = {"url": self.receiver.url("/hook")}
            await partner.insist("/v1/webhook_endpoints", body)
            learner = await world.learner(partner)
            simulation = (await partner.simulation(learner))["id"]
            await partner.say(simulation, 1, SAID[0])
            await world.read_along(partner, simulation, 3, SAID[1])
            await partner.end(simulation)
            await partner.score(learner)
            unknown = await partner.http.get(f"/v1/nowhere/{SECRETS['path']}")
            huge = await partner.http.post("/v1/learners", json="x" * 20_000_000)
            async with httpx.AsyncClient(base_url=self.product.up.api_url) as stranger:
                nobody = await stranger.get("/v1/learners")
            assert (unknown.status_code, huge.status_code, nobody.status_code) == (404, 413, 401)
            await settled(partner)
            await partner.get("/v1/reports/freshness")
            await eventually(lambda: len(self.named("webhook")) >= 4, timeout_s=40)
            await eventually(lambda: len(self.chains("webhook", SCORED[-1])) >= 1, timeout_s=40)

    def named(self, name: str) -> list[Seen]:
        """Return the spans of a name."""
        return [each for each in list(self.collector.spans) if each.name == name]

    def chains(self, name: str, root: str) -> list[list[Seen]]:
        """Return the ways up from spans of a name that end at a root of another."""
        ways = [[each, *self.collector.above(each)] for each in self.named(name)]
        return [way for way in ways if way[-1].name == root]

    def lines(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what each service logged."""
        return [
            (service, json.loads(line))
            for service in SERVICES
            for line in self.product.log(service).splitlines()
        ]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeLlm]:
    with threaded() as running:
        yield running


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def watched(
    fake: FakeLlm, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    settings = environment(fake.url) | {
        "RAPPORT_LLM_TIMEOUT_S": str(LIMIT_S),
        "RAPPORT_OTLP_ENDPOINT": collector.url,
        "RAPPORT_OTLP_HEADERS": '{"x-collector-key": "k-1"}',
        "RAPPORT_TRACE_SAMPLE": "1",
    }
    running = Product(tmp_path_factory.mktemp("watched") / "data", settings)
    try:
        yield running.start()
    finally:
        running.clean_up()


@pytest.fixture(scope="module")
def story(watched: Product, fake: FakeLlm, collector: Collector) -> Story:
    async def tell() -> Story:
        partner = await world.guest(watched, fake.url, "watched")
        try:
            told = Story(watched, partner, collector)
            await told.tell()
        finally:
            await partner.close()
        return told

    return asyncio.run(tell())


class TestTraces:
    """[R-D1]"""

    async def test_a_webhook_is_under_the_request_that_asked_for_the_score(
        self, story: Story
    ) -> None:
        ways = story.chains("webhook", "POST /v1/scorings")
        told = [[span.name for span in way] for way in ways]
        assert list(SCORED) in told, told
        (way,) = (way for way in ways if [span.name for span in way] == list(SCORED))
        assert [span.service for span in way] == [
            "rapport-orchestrator",
            "rapport-scoring_worker",
            *["rapport-orchestrator"] * 5,
            "rapport-api",
            "rapport-api",
        ]
        within = {span.name for span in story.collector.trace(way[0].trace_id)}
        assert "RunWorkflow:ScoringWorkflow" in within

    async def test_the_result_goes_back_to_the_workflow_in_the_same_trace(
        self, story: Story
    ) -> None:
        backs = [
            way
            for way in story.chains("work flow", "POST /v1/scorings")
            if [span.name for span in way[1:3]] == ["publish flow", "work score"]
        ]
        assert backs
        assert backs[0][0].service == "rapport-orchestrator"

    @pytest.mark.parametrize(
        ("call", "above"),
        [("chat judging", SCORED[1:]), ("chat wording", TALKED)],
    )
    async def test_a_model_is_asked_within_the_trace_of_its_cause(
        self, story: Story, call: str, above: tuple[str, ...]
    ) -> None:
        ways = story.chains(call, above[-1])
        assert ways
        for way in ways:
            assert [span.name for span in way[1:]] == list(above)
            said = way[0].attributes
            assert said[names.GEN_AI_OPERATION] == "chat"
            assert said[names.GEN_AI_MODEL] == "own"
            assert said[names.GEN_AI_INPUT_TOKENS] > 0

    async def test_a_turn_s_webhook_is_under_the_request_that_said_it(self, story: Story) -> None:
        ways = story.chains("webhook", TALKED[-1])
        assert [span.name for span in ways[0]] == ["webhook", *TALKED]

    async def test_placing_events_is_linked_to_their_causes(self, story: Story) -> None:
        linked = {trace for span in story.named("place events") for trace, _ in span.links}
        assert story.chains("webhook", "POST /v1/scorings")[0][0].trace_id in linked

    async def test_only_ids_numbers_and_fixed_words_leave(self, story: Story) -> None:
        for span in story.collector.spans:
            assert span.attributes.keys() <= names.EXPORTED, span
            assert (span.message, span.events) == ("", 0), span
        everything = b"".join(story.collector.bodies)
        assert world.leaks_in(everything) == set()
        for words in (*SAID, *LINES, "telescope", "/hook"):
            assert words.encode() not in everything
        assert story.collector.headers[0]["x-collector-key"] == "k-1"


class TestLogs:
    """[R-D4]"""

    async def test_every_line_has_the_same_frame(self, story: Story) -> None:
        lines = story.lines()
        assert {service for service, _ in lines} >= set(SERVICES) - {"reporting"}
        for service, line in lines:
            assert line["service"] == service.replace("-", "_"), line
            assert line["level"] in {"debug", "info", "warning", "error"}, line
            assert line["timestamp"].endswith("Z"), line
            assert isinstance(line["event"], str), line

    async def test_one_line_per_request_with_its_ids(self, story: Story) -> None:
        requests = [line for _, line in story.lines() if line["event"] == "request.done"]
        ids = [line["request_id"] for line in requests]
        assert len(ids) == len(set(ids))
        for line in requests:
            assert line.keys() == {
                "event", "level", "timestamp", "service", "method", "route", "status",
                "duration_ms", "request_id", "tenant_id", "trace_id",
            }  # fmt: skip
        refused = {line["status"]: line["route"] for line in requests if line["status"] >= 400}
        assert refused[404] == "(unmatched)"
        assert {401, 404, 413} <= refused.keys()
        with_tenant = {line["tenant_id"] for line in requests} - {None}
        assert str(story.partner.tenant_id) in with_tenant

    async def test_a_trace_is_found_again_in_the_logs_of_all(self, story: Story) -> None:
        (trace_id,) = {way[0].trace_id for way in story.chains("webhook", "POST /v1/scorings")}
        where = {service for service, line in story.lines() if line.get("trace_id") == trace_id}
        assert {"api", "scoring-worker"} <= where

    async def test_no_words_names_or_secrets(self, story: Story) -> None:
        everything = "".join(story.product.log(service) for service in SERVICES).encode()
        assert world.leaks_in(everything) == set()
        for words in (*SAID, *LINES, "telescope", "/hook"):
            assert words.encode() not in everything


class TestMetrics:
    """[R-D2]"""

    async def test_what_is_shown_is_what_the_catalog_says(self, story: Story) -> None:
        shown = await scraped(story.product)
        labels = {"le"}
        for name, series in shown.items():
            if name.startswith(("process_", "python_")):
                continue
            (metric,) = (each for each in METRICS.values() if name in each.samples)
            for said in series:
                assert said.keys() - labels == set(metric.labels), name
        tenant = {said["tenant_top"] for said in shown["work_total"]}
        assert any(each.startswith("ten_") for each in tenant)

    async def test_every_metric_of_this_story_is_shown(self, story: Story) -> None:
        shown = await scraped(story.product)
        missing = [
            each.name
            for each in METRICS.values()
            if each.name not in NOT_IN_STORY and not shown.keys() & set(each.samples)
        ]
        assert missing == []

    async def test_unknown_paths_and_refusals_are_counted(self, story: Story) -> None:
        shown = await scraped(story.product)
        counted = {
            (said["status"], said["is_matched"]) for said in shown["http_server_responses_total"]
        }
        assert {("404", "0"), ("401", "1"), ("413", "1"), ("200", "1")} <= counted
        routes = {said["route"] for said in shown["http_server_request_duration_seconds_count"]}
        assert "(unmatched)" in routes
        assert not any(SECRETS["path"] in route for route in routes)

    async def test_work_of_every_kind_was_noted(self, story: Story) -> None:
        shown = await scraped(story.product)
        kinds = {(said["kind"], said["outcome"]) for said in shown["work_total"]}
        for kind in ("request", "turn", "scoring", "webhook", "model_call", "report"):
            assert (kind, "ok") in kinds


NOT_IN_STORY: Final = frozenset(
    {
        "operation_inflight",
        "http_server_shed_total",
        "llm_drift_total",
        "llm_breaker_refused_total",
        "llm_breaker_opened_total",
        "simulator_faults_total",
        "sse_resume_total",
        "report_questions_total",
        "scoring_integrity_flags_total",
    }
)
"""Shown once something has gone wrong, or when somebody asks; this story may go well."""


async def scraped(product: Product) -> dict[str, list[dict[str, str]]]:
    """Return the labels of every series by sample, of all processes together."""
    found: dict[str, list[dict[str, str]]] = {}
    async with httpx.AsyncClient() as client:
        ports = product.up.health_ports
        assert set(ports) == set(SERVICES)
        answers = await asyncio.gather(
            *(client.get(f"http://127.0.0.1:{port}/metrics") for port in ports.values())
        )
    for answer in answers:
        assert answer.status_code == 200
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.labels)
    return found

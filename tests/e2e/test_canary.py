"""Words that nobody else has go through the whole product, and rest nowhere in the clear. [R-C11]

Every table, the files of PostgreSQL (its log of changes included), of NATS and of Temporal, every
log, every trace and every number is looked through for them, in whatever encoding.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.e2e import llm_world as world
from tests.e2e.partner import Partner
from tests.e2e.truth import settled
from tests.support.canaries import Canaries, Sighting
from tests.support.collector import Collector, collecting
from tests.support.llm import FakeLlm, environment, threaded
from tests.support.product import Product
from tests.support.receivers import Receiver, answer
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

WORDS: Final = {
    name: f"zqvw{name}kestrel"
    for name in (
        "name", "external", "metadata", "team", "said", "mail", "handed", "refused", "comment",
        "actor", "hook", "about", "survey", "lrs", "origin", "keyname", "username", "usermail",
        "display", "program", "field", "query", "path", "bearer", "broken", "bytes", "answer",
        "idempotency", "reason",
    )
}  # fmt: skip
"""By what they are. Words of authors (scenarios, rubrics, skills) are for everybody to read."""

PLANTED: Final = "zqvwplantedheron"
"""Of a row that a test writes in the clear; it stays in the log of changes."""

ALLOWED: Final = {"up.json", "secrets.json"}
"""Files that hold secrets because that is what they are for: readable by their owner only."""


class Story:
    """One tenant that says its words wherever it can."""

    def __init__(self, partner: Partner, receiver: Receiver) -> None:
        self.partner = partner
        self.receiver = receiver

    async def tell(self) -> None:
        """Use the whole product."""
        await self.settings()
        learner = await self.people()
        await self.practice(learner)
        await self.scores(learner)
        await self.nonsense(learner)
        await settled(self.partner)
        await self.outside()

    async def settings(self) -> None:
        partner, hook = self.partner, f"/{WORDS['hook']}"
        self.receiver.manners[f"{hook}/bad"] = answer(500, body=WORDS["answer"].encode())
        for path in ("good", "bad"):
            body = {
                "url": self.receiver.url(f"{hook}/{path}"),
                "description": f"To {WORDS['about']}",
                "metadata": {"where": WORDS["metadata"]},
                "payload": "fat",
            }
            await partner.insist("/v1/webhook_endpoints", body)
        await self.put("/v1/allowed_origins", {"origins": [f"https://{WORDS['origin']}.example"]})
        lrs = {
            "url": self.receiver.url("/lrs"),
            "auth": {"kind": "basic", "username": WORDS["lrs"], "secret": WORDS["lrs"]},
            "actor": "external_id",
        }
        await self.put("/v1/lrs", lrs)
        await partner.insist(
            "/v1/api_keys", {"name": f"For {WORDS['keyname']}", "scopes": ["teams:read"]}
        )
        user = {
            "user_name": WORDS["username"],
            "email": f"{WORDS['usermail']}@example.com",
            "display_name": f"Bibi {WORDS['display']}",
            "role": "viewer",
        }
        await partner.insist("/v1/users", user)

    async def put(self, path: str, body: Any) -> None:
        response = await self.partner.http.put(path, json=body)
        assert response.is_success, (path, response.text)

    async def people(self) -> str:
        partner = self.partner
        team = await partner.team(f"Team {WORDS['team']}")
        body = {
            "external_id": f"{WORDS['external']}-1",
            "name": f"Bibi {WORDS['name']}",
            "metadata": {"desk": WORDS["metadata"]},
            "memberships": [{"team_id": team, "from": "2025-01-01"}],
        }
        learner = str((await partner.insist("/v1/learners", body)).json()["id"])
        program = {
            "name": f"Program {WORDS['program']}",
            "treated": {"team_ids": [team]},
            "baseline_from": "2025-10-01",
            "starts_on": "2026-01-05",
            "ends_on": "2026-01-30",
            "measured_to": "2026-04-30",
            "currency": "EUR",
            "costs": [{"kind": "design", "amount": 4000}],
        }
        await partner.insist("/v1/programs", program)
        return learner

    async def practice(self, learner: str) -> None:
        partner = self.partner
        simulation = (await partner.simulation(learner, metadata={"x": WORDS["metadata"]}))["id"]
        said = f"I am sorry, my {WORDS['said']}. Write to {WORDS['mail']}@example.com."
        await partner.say(simulation, 1, said)
        await world.read_along(partner, simulation, 3, said, f"{WORDS['idempotency']}-1")
        await partner.end(simulation)
        await world.autopilot(partner, learner)

    async def scores(self, learner: str) -> None:
        partner = self.partner
        turns = [
            {"role": "customer", "text": f"My {WORDS['handed']} is late, and I am angry."},
            {"role": "agent", "text": f"I understand, {WORDS['handed']}. I will fix it today."},
        ] * 3
        conversation = {"source": "chat", "turns": turns}
        scoring = await partner.score(learner, conversation=conversation)
        wrong = {"learner_id": learner, "conversation": {**conversation, WORDS["refused"]: 1}}
        good = {"learner_id": learner, "conversation": conversation}
        await partner.insist("/v1/scoring_batches", {"conversations": [good, wrong]})
        survey = {"form": "csat-5", "learner_id": learner, "score": 4}
        await partner.insist("/v1/surveys", {**survey, "external_id": WORDS["survey"]})
        found: list[dict[str, Any]] = []

        async def is_scored() -> bool:
            found.append(await partner.get(f"/v1/scorings/{scoring}"))
            return found[-1]["assessment_id"] is not None

        await eventually(is_scored, timeout_s=60)
        assessment = found[-1]["assessment_id"]
        await partner.get(f"/v1/assessments/{assessment}")
        await partner.insist(
            f"/v1/assessments/{assessment}/disputes",
            {
                "reason_code": "missed-evidence",
                "comment": f"But {WORDS['comment']}!",
                "actor": WORDS["actor"],
            },
        )
        for path in ("/v1/assessments/export", "/v1/xapi/statements", "/v1/audit_log/export"):
            exported = await partner.http.get(path, headers={"X-Experience-API-Version": "1.0.3"})
            assert exported.status_code == 200, exported.text
        await partner.insist("/v1/reports/exports", {"format": "csv"})

    async def nonsense(self, learner: str) -> None:
        """What is refused, and what breaks readers: nothing of it is answered with 5xx."""
        http, body = self.partner.http, {"name": "x"}
        simulation = (await self.partner.simulation(learner))["id"]
        turns = f"/v1/simulations/{simulation}/turns"
        json_headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        answers = [
            await http.post("/v1/teams", json={**body, WORDS["field"]: WORDS["field"]}),
            await http.post("/v1/teams", json={"name": [WORDS["broken"]]}),
            await http.get("/v1/teams", params={WORDS["query"]: WORDS["query"]}),
            await http.get("/v1/simulations", params={"cursor": WORDS["query"]}),
            await http.get(f"/v1/simulations/{WORDS['path']}/turns"),
            await http.get(f"/{WORDS['path']}/{WORDS['path']}?{WORDS['query']}"),
            await http.get("/v1/teams", headers={"Authorization": f"Bearer {WORDS['bearer']}"}),
            await http.get("/v1/teams", headers={"Request-Id": WORDS["bearer"]}),
            await http.post(turns, content=f'{{"text": "{WORDS["broken"]}', headers=json_headers),
            await http.post(
                turns, content=WORDS["bytes"].encode() + b"\xff\xfe", headers=json_headers
            ),
            await http.post(
                turns, json={"text": WORDS["said"], "expected_seq": 77}, headers=json_headers
            ),
            await http.post(
                "/v1/learners", json={"external_id": f"{WORDS['external']}-1", "name": "Other"}
            ),
        ]
        assert all(each.status_code < 500 for each in answers), [each.text for each in answers]

    async def outside(self) -> None:
        """Wait until both receivers and the learning record store were asked."""
        hook = f"/{WORDS['hook']}"

        def is_told() -> bool:
            paths = {request.path for request in self.receiver.received}
            return {f"{hook}/good", f"{hook}/bad", "/lrs/statements"} <= paths

        await eventually(is_told, timeout_s=60)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeLlm]:
    with threaded() as running:
        yield running


class Seen:
    """What was kept of the story, everywhere."""

    def __init__(self, canaries: Canaries, data_dir: Path) -> None:
        self.canaries = canaries
        self.data_dir = data_dir
        self.sightings: set[Sighting] = set()
        self.looked_at: dict[str, int] = {}
        """Bytes by place; of files: how many."""

    def look(self, where: str, data: bytes) -> None:
        """Look at one place."""
        self.sightings |= self.canaries.seen(where, data)
        self.looked_at[where] = len(data)

    def look_at_files(self) -> set[Sighting]:
        """Look at everything that the product keeps below its directory."""
        found, self.looked_at["files"] = self.canaries.seen_in_files(self.data_dir, ALLOWED)
        return found


async def _tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname in ('app', 'report', 'public') order by 1"
    )
    return [row["name"] for row in rows]


async def _dump(connection: asyncpg.Connection, seen: Seen) -> None:
    """Look at every row of every table: what is compressed in the files is plain here."""
    for table in await _tables(connection):
        rows = await connection.fetch(f"select t::text as row from {table} t")
        seen.look(f"table {table}", "\n".join(row["row"] for row in rows).encode())


async def _numbers(product: Product, seen: Seen) -> None:
    async with httpx.AsyncClient() as http:
        for service, port in product.up.health_ports.items():
            response = await http.get(f"http://127.0.0.1:{port}/metrics")
            seen.look(f"metrics of {service}", response.content)


async def _live(product: Product, fake: FakeLlm, collector: Collector) -> Seen:
    partner = await world.guest(product, fake.url, "canary")
    try:
        async with Receiver() as receiver:
            await Story(partner, receiver).tell()
        key = partner.http.headers["Authorization"].rpartition("_")[2]
        words = {**WORDS, **{name: world.SECRETS[name] for name in ("key", "header")}}
        canaries = Canaries({**words, "api key": key[26:]}, stem="kestrel")
        seen = Seen(canaries, product.data_dir)
    finally:
        await partner.close()
    connection = await asyncpg.connect(product.up.database_url)
    try:
        await _dump(connection, seen)
        await connection.execute(f"create table public.planted as select '{PLANTED}' as t")
        planted = Seen(Canaries({"planted": PLANTED}), product.data_dir)
        await _dump(connection, planted)
        assert {one.where for one in planted.sightings} == {"table public.planted"}
        await connection.execute("drop table public.planted")
    finally:
        await connection.close()
    await _numbers(product, seen)
    return seen


@pytest.fixture(scope="module")
def seen(
    fake: FakeLlm, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seen]:
    settings = environment(fake.url) | {
        "RAPPORT_OTLP_ENDPOINT": collector.url,
        "RAPPORT_TRACE_SAMPLE": "1",
        "RAPPORT_LOG_LEVEL": "debug",
    }
    running = Product(tmp_path_factory.mktemp("canary") / "data", settings)
    try:
        found = asyncio.run(_live(running.start(), fake, collector))
        assert running.stop() == 0
        found.look("output", running.output.encode())
        found.look("traces", b"".join(collector.bodies))
        yield found
    finally:
        running.clean_up()


class TestCanary:
    def test_nothing_that_was_said_rests_in_the_clear(self, seen: Seen) -> None:
        found = seen.sightings | seen.look_at_files()
        assert not found, sorted(found)

    def test_everything_was_looked_at(self, seen: Seen) -> None:
        seen.look_at_files()
        assert seen.looked_at["files"] > 100
        for table in ("turns", "learners", "webhook_attempts", "surveys", "users", "trail"):
            assert seen.looked_at[f"table app.{table}"] > 0, table
        assert seen.looked_at["traces"] > 10_000
        assert sum(name.startswith("metrics") for name in seen.looked_at) == 5

    @pytest.mark.parametrize(
        "line",
        [
            f'{{"event": "turn.failed", "detail": "{WORDS["said"]}"}}'.encode(),
            WORDS["name"].encode().hex().encode(),
            WORDS["mail"].encode("utf-16-le"),
        ],
    )
    def test_a_line_that_somebody_logs_is_found(self, seen: Seen, line: bytes) -> None:
        planted = seen.data_dir / "log" / "planted.log"
        planted.write_bytes(b'{"event": "x"}\n' + line)
        try:
            assert {one.where for one in seen.look_at_files()} >= {"log/planted.log"}
        finally:
            planted.unlink()

"""A tenant that has one of everything, so that every operation of the document finds what it names."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec

from infra.contract.recording import RECEIVER
from services.api.context import ProcessContext
from services.api.versions.changes import CURRENT
from services.scoring_worker.judging.judge import judge
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.documents import TeamPage
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.drafting.stored import DraftBook
from shared.drafting.wanted import RubricWanted
from shared.ids import format_id, parse_id
from shared.library.rubrics import load_rubrics
from shared.reports import PAGE
from tests.integration.api.conftest import IDS, Partner
from tests.support.openapi_cases import Json, block_of

SAID = (
    ("customer", "My parcel is three days late and I am really angry about it."),
    ("agent", "Good morning. I can hear how angry you are, three days of waiting are hard."),
    ("customer", "Yes. Nobody told me anything. What happens now?"),
    ("agent", "I'm sorry. What did you need it for? I will call the depot today at ten."),
)
ORIGIN = "https://academy.example.com"


class Furnisher:
    """Makes everything for one tenant and keeps its ids under the names that the tour gives them."""

    def __init__(self, partner: Partner, context: ProcessContext) -> None:
        self._partner = partner
        self._tenant_id = partner.tenant.tenant_id
        self._database: Database = context.database
        self._keys: KeyRing = context.keys
        self._now = context.clock.now()

    async def furnish(self) -> Json:
        """Make one of everything; return the ids by the names of `tour.yaml`."""
        kept: Json = {
            "version": CURRENT,
            "receiver": f"{RECEIVER}/rapport/events",
            "lrs": f"{RECEIVER}/xapi",
            "origin": ORIGIN,
            "today": self._now.strftime("%Y-%m-%dT00:00:00Z"),
        }
        kept |= await self._people()
        kept |= await self._library()
        kept |= await self._practice(kept["learner"])
        kept |= await self._scorings(kept["learner"])
        kept |= await self._program(kept["team"])
        kept |= await self._survey(kept["learner"])
        kept |= await self._goal(kept["learner"])
        kept |= await self._access(kept["team"])
        kept |= await self._documents(kept["team"])
        kept |= await self._leaving()
        return kept | await self._webhooks()

    async def _leaving(self) -> Json:
        leaver = await self._partner.learner()
        export = await self._make(f"/v1/learners/{leaver}/export")
        erased = await self._make(f"/v1/learners/{await self._partner.learner()}/erasure")
        everything = await self._make("/v1/tenant_exports")
        return {
            "leaver": leaver,
            "learner_export": export["id"],
            "erasure": erased["id"],
            "tenant_export": everything["id"],
        }

    async def _documents(self, team: str) -> Json:
        export = await self._make("/v1/reports/exports", {"format": "csv"})
        document_id = IDS.new()
        async with tenant_tx(self._database, self._tenant_id) as connection:
            tenant = await self._keys.tenant(connection, self._tenant_id)
            await connection.execute(
                "insert into report.documents values ($1, $2, $3, '2026-11-09', $4, now())",
                self._tenant_id,
                document_id,
                parse_id("team", team),
                tenant.seal(msgspec.json.encode(_page(team)), PAGE, document_id.bytes),
            )
        return {"report_export": export["id"], "report_document": format_id("rep", document_id)}

    async def _make(self, path: str, body: Any = None, *, method: str = "POST") -> Json:
        if method == "PUT":
            response = await self._partner.put(path, body)
        else:
            response = await self._partner.post(path, body)
        assert response.status_code < 300, (path, response.text)
        made: Json = response.json()
        return made

    async def _people(self) -> Json:
        await self._make("/v1/allowed_origins", {"origins": [ORIGIN]}, method="PUT")
        team = await self._partner.team()
        memberships = [{"team_id": team, "from": "2025-01-06"}]
        return {"team": team, "learner": await self._partner.learner(memberships=memberships)}

    async def _library(self) -> Json:
        kept: Json = {}
        for noun in ("scenario", "rubric"):
            made = await self._make(f"/v1/{noun}s", {"spec": block_of(f"docs/{noun}s.md")})
            await self._make(f"/v1/{noun}s/{made['id']}/publish")
            kept |= {noun: made["id"], f"{noun}_spec": made["spec"]}
        skill = {"name": "Call notes", "definition": "Says what.", "good": ["x"], "bad": ["y"]}
        await self._make("/v1/skills/own.call_notes", skill, method="PUT")
        return kept | {"late_delivery": kept["scenario"]} | await self._drafted()

    async def _drafted(self) -> Json:
        """Begin what only a language model could end."""
        kept: Json = {}
        async with tenant_tx(self._database, self._tenant_id) as connection:
            tenant = await self._keys.tenant(connection, self._tenant_id)
            for kind in ("scenario_draft", "rubric_draft"):
                operation_id = IDS.new()
                book = DraftBook(connection, tenant)
                await book.open(operation_id, kind, RubricWanted(text="x"), now=self._now)
                kept[kind] = format_id("op", operation_id)
        return kept

    async def _access(self, team: str) -> Json:
        body = {"user_name": "ines@partner.example", "role": "coach", "team_ids": [team]}
        key = {"name": "Reports", "scopes": ["reports:read"]}
        return {
            "user": (await self._make("/v1/users", body))["id"],
            "api_key": (await self._make("/v1/api_keys", key))["id"],
        }

    async def _practice(self, learner: str) -> Json:
        simulation = (await self._partner.simulation(learner))["id"]
        said = await self._partner.say(simulation, 0)
        assert said.status_code == 200, said.text
        path = f"/v1/simulations/{simulation}"
        branch = await self._make(f"{path}/branches", {"from_seq": 0})
        batch = {
            "learner_id": learner,
            "scenarios": ["support-angry-late-delivery"],
            "profiles": ["average"],
        }
        made = await self._make("/v1/simulation_batches", batch)
        return {"simulation": simulation, "branch": branch["id"], "batch": made["id"]}

    async def _scorings(self, learner: str) -> Json:
        turns = [{"role": role, "text": text} for role, text in SAID]
        conversation = {"source": "chat", "turns": turns}
        body = {"conversation": conversation, "learner_id": learner, "rubric": "general"}
        scoring = (await self._make("/v1/scorings", body))["id"]
        assessment = await self._assess(scoring, learner)
        criterion = (await self._partner.get(f"/v1/assessments/{assessment}")).json()["criteria"][0]
        dispute = await self._make(
            f"/v1/assessments/{assessment}/disputes",
            {"reason_code": "missed-evidence", "comment": "I did.", "criteria": [criterion["key"]]},
        )
        batch = {"conversations": [{"learner_id": learner, "conversation": conversation}]}
        return {
            "scoring": scoring,
            "assessment": assessment,
            "practice_assessment": assessment,
            "criterion": criterion["key"],
            "dispute": dispute["id"],
            "scoring_batch": (await self._make("/v1/scoring_batches", batch))["id"],
        }

    async def _assess(self, scoring: str, learner: str) -> str:
        """Write what the scoring worker would; return the assessment's id."""
        scoring_id, learner_id = parse_id("scr", scoring), parse_id("lrn", learner)
        assessment_id, result = IDS.new(), _judged()
        async with tenant_tx(self._database, self._tenant_id) as connection:
            key = await self._keys.learner(connection, self._tenant_id, learner_id)
            sealed = key.seal(
                msgspec.json.encode(result), "assessments.result", assessment_id.bytes
            )
            await connection.execute(
                "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
                " overall, result, engine, engine_version, created_at)"
                " values ($1, $2, $3, $4, 1, $5, $6, 'embedded', '1', now())",
                self._tenant_id,
                assessment_id,
                scoring_id,
                learner_id,
                result.overall,
                sealed,
            )
            await connection.execute(
                "update scorings set status = 'completed', assessment_id = $3, finished_at = now()"
                " where tenant_id = $1 and scoring_id = $2",
                self._tenant_id,
                scoring_id,
                assessment_id,
            )
        return format_id("asm", assessment_id)

    async def _goal(self, learner: str) -> Json:
        body = {
            "learner_id": learner,
            "kind": "score",
            "skill": "relate.empathy",
            "target": 80,
            "starts_on": "2026-02-02",
            "due_on": "2026-12-31",
        }
        return {"goal": (await self._make("/v1/goals", body))["id"]}

    async def _survey(self, learner: str) -> Json:
        body = {"form": "csat-5", "learner_id": learner, "external_id": "survey-1", "score": 4}
        return {"survey": (await self._make("/v1/surveys", body))["id"]}

    async def _program(self, team: str) -> Json:
        body = {
            "name": "Empathy",
            "treated": {"team_ids": [team]},
            "baseline_from": "2025-10-01",
            "starts_on": "2026-01-05",
            "ends_on": "2026-01-30",
            "measured_to": "2026-04-30",
            "currency": "EUR",
            "costs": [{"kind": "design", "amount": 4000}],
        }
        return {"program": (await self._make("/v1/programs", body))["id"]}

    async def _webhooks(self) -> Json:
        body = {"url": f"{RECEIVER}/rapport/events", "description": "Learning records"}
        endpoint = (await self._make("/v1/webhook_endpoints", body))["id"]
        delivery = await self._make(f"/v1/webhook_endpoints/{endpoint}/test")
        return {"endpoint": endpoint, "delivery": delivery["id"]}


def _judged() -> JudgeResult:
    turns = tuple(
        TranscriptTurn(id=f"t{number}", role=role, text=text)  # type: ignore[arg-type]  # plain data
        for number, (role, text) in enumerate(SAID)
    )
    rubric = next(each for each in load_rubrics() if each.slug == "general")
    return judge(Transcript(turns=turns, source="chat"), rubric)


def _page(team: str) -> TeamPage:
    then = datetime(2026, 11, 16, 6, tzinfo=UTC)
    return TeamPage(
        team_id=team,
        team_name="Night shift",
        source="all",
        start=date(2026, 8, 24),
        end=date(2026, 11, 15),
        headline="Too few people to say anything.",
        skills=(),
        breaks=(),
        practice=(),
        footnotes=(),
        as_of=AsOf(at=then, position=1, behind=0),
    )

"""What people do with assessments over HTTP: overrides, disputes, second judgments, the timeline."""

import asyncio
from typing import Any

import msgspec
import pytest

from services.scoring_worker.judging.judge import judge
from shared.contracts.jobs import RescoreJob, decode_payload
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import SCOPES
from shared.library.rubrics import load_rubrics
from tests.integration.api.conftest import IDS, KeyMaker, Partner

SAID = (
    ("customer", "My parcel is three days late and I am really angry about it."),
    ("agent", "Good morning. I can hear how angry you are, three days of waiting are hard."),
    ("customer", "Yes. Nobody told me anything. What happens now?"),
    ("agent", "I'm sorry. What did you need it for? I will call the depot today at ten."),
    ("customer", "It is a present for my mother. Will it come by Friday?"),
    ("agent", "So it must be there on Friday. I'll send you the new time by noon today."),
    ("customer", "All right, thank you."),
    ("agent", "Thank you for your patience. Have a nice day."),
)


def _judged() -> JudgeResult:
    turns = tuple(
        TranscriptTurn(id=f"t{number}", role=role, text=text)  # type: ignore[arg-type]  # plain data
        for number, (role, text) in enumerate(SAID)
    )
    rubric = next(each for each in load_rubrics() if each.slug == "general")
    return judge(Transcript(turns=turns, source="chat"), rubric)


@pytest.fixture
async def assessed(partner: Partner, database: Database, keys: KeyRing) -> dict[str, Any]:
    return await _assessed(partner, database, keys, await partner.learner())


async def _assessed(
    partner: Partner, database: Database, keys: KeyRing, learner: str, *, age_h: int = 0
) -> dict[str, Any]:
    """A scored conversation as the worker leaves it: the assessment."""
    turns = [{"role": role, "text": text} for role, text in SAID]
    body = {"conversation": {"source": "chat", "turns": turns}, "learner_id": learner}
    created = (await partner.post("/v1/scorings", body)).json()
    scoring_id, assessment_id = parse_id("scr", created["id"]), IDS.new()
    tenant_id, result = partner.tenant.tenant_id, _judged()
    async with tenant_tx(database, tenant_id) as connection:
        key = await keys.learner(connection, tenant_id, parse_id("lrn", learner))
        await connection.execute(
            "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
            " overall, result, engine, engine_version, created_at)"
            " values ($1, $2, $3, $4, 1, $5, $6, 'embedded', '1', now() - make_interval(hours => $7))",
            tenant_id,
            assessment_id,
            scoring_id,
            parse_id("lrn", learner),
            result.overall,
            key.seal(msgspec.json.encode(result), "assessments.result", assessment_id.bytes),
            age_h,
        )
        await connection.execute(
            "update scorings set status = 'completed', assessment_id = $3, finished_at = now()"
            " where tenant_id = $1 and scoring_id = $2",
            tenant_id,
            scoring_id,
            assessment_id,
        )
    return await _get(partner, f"/v1/assessments/{format_id('asm', assessment_id)}")


async def _get(partner: Partner, path: str) -> dict[str, Any]:
    response = await partner.get(path)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def _scored(assessment: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in assessment["criteria"] if each["status"] == "scored")


def _override(assessment: dict[str, Any], score: int, **fields: Any) -> dict[str, Any]:
    return {
        "criteria": [{"key": _scored(assessment)["key"], "score": score, "comment": "Heard it."}],
        "reason_code": "context_missing",
        "expected_revision": assessment["revision"],
        **fields,
    }


async def _event_types(database: Database, partner: Partner, scoring: str) -> list[str]:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select type from events where tenant_id = $1 and resource_id = $2 order by sequence",
            partner.tenant.tenant_id,
            parse_id("scr", scoring),
        )
    return [row["type"] for row in rows]


class TestOverride:
    async def test_both_values_stay_and_the_form_is_computed_anew(
        self, partner: Partner, assessed: dict[str, Any], database: Database
    ) -> None:
        path = f"/v1/assessments/{assessed['id']}"
        before = _scored(assessed)

        response = await partner.post(f"{path}/overrides", _override(assessed, 0, actor="eva"))

        assert response.status_code == 201, response.text
        made = response.json()
        assert (made["revision"], made["origin"], made["cause"]) == (2, "human", "override")
        assert made["overall"] < assessed["overall"]
        changed = next(each for each in made["criteria"] if each["key"] == before["key"])
        assert (changed["score"], changed["interval"]) == (0, None)
        assert changed["override"]["before"] == changed["override"]["judged"] == before["score"]
        assert changed["override"]["comment"] == "Heard it."
        assert changed["indicators"] == before["indicators"]
        old = await _get(partner, path)
        assert old == {**assessed, "is_latest": False}
        scoring = await _get(partner, f"/v1/scorings/{assessed['scoring_id']}")
        assert scoring["assessment_id"] == made["id"]
        assert await _event_types(database, partner, assessed["scoring_id"]) == ["scoring.revised"]
        revisions = await _get(partner, f"/v1/scorings/{assessed['scoring_id']}/revisions")
        assert [(each["revision"], each["is_latest"]) for each in revisions["data"]] == [
            (1, False),
            (2, True),
        ]

    async def test_what_the_judge_said_survives_a_second_override(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        first = (
            await partner.post(
                f"/v1/assessments/{assessed['id']}/overrides", _override(assessed, 5)
            )
        ).json()
        again = _override(assessed, 95, expected_revision=2)
        second = (await partner.post(f"/v1/assessments/{first['id']}/overrides", again)).json()

        key = _scored(assessed)["key"]
        override = next(each for each in second["criteria"] if each["key"] == key)["override"]
        assert (override["before"], override["judged"]) == (5, _scored(assessed)["score"])

    async def test_a_stale_reader_is_told(self, partner: Partner, assessed: dict[str, Any]) -> None:
        path = f"/v1/assessments/{assessed['id']}/overrides"
        assert (await partner.post(path, _override(assessed, 5))).status_code == 201

        late = await partner.post(path, _override(assessed, 95))

        assert late.status_code == 409
        assert late.json()["code"] == "revision-outdated"

    async def test_every_wrong_change_is_named(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        key = _scored(assessed)["key"]
        criteria = [
            {"key": "no_such_thing", "score": 3},
            {"key": key, "score": 3},
            {"key": key, "score": 4},
        ]
        wrong = await partner.post(
            f"/v1/assessments/{assessed['id']}/overrides", _override(assessed, 1, criteria=criteria)
        )
        assert wrong.status_code == 400
        named = {(each["pointer"], each["code"]) for each in wrong.json()["errors"]}
        assert {("/criteria/0/key", "unknown-value"), ("/criteria/2/key", "duplicate")} <= named

        shape = await partner.post(
            f"/v1/assessments/{assessed['id']}/overrides",
            _override(assessed, 1, criteria=[{"key": key}, {"key": key, "score": 101}]),
        )
        assert {each["pointer"] for each in shape.json()["errors"]} == {
            "/criteria/0/score",
            "/criteria/1/score",
        }

    async def test_twenty_identical_requests_make_one_revision(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        path, body = f"/v1/assessments/{assessed['id']}/overrides", _override(assessed, 40)
        answers = await asyncio.gather(
            *(partner.post(path, body, key="override-once") for _ in range(20))
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        revisions = await _get(partner, f"/v1/scorings/{assessed['scoring_id']}/revisions")
        assert len(revisions["data"]) == 2


class TestDispute:
    async def _dispute(self, partner: Partner, assessed: dict[str, Any], **fields: Any) -> Any:
        body = {"reason_code": "unfair", "comment": "I did ask that.", "actor": "learner-1"}
        return await partner.post(f"/v1/assessments/{assessed['id']}/disputes", {**body, **fields})

    async def test_its_whole_life(
        self, partner: Partner, assessed: dict[str, Any], database: Database
    ) -> None:
        key = _scored(assessed)["key"]
        raised = await self._dispute(partner, assessed, criteria=[key])
        assert raised.status_code == 201, raised.text
        dispute = raised.json()
        assert (dispute["status"], dispute["criteria"]) == ("open", [key])
        assert dispute["due_at"] > dispute["opened_at"]
        listed = await _get(partner, "/v1/disputes?status=open")
        assert [each["id"] for each in listed["data"]] == [dispute["id"]]

        path = f"/v1/disputes/{dispute['id']}/resolution"
        body = {"outcome": "changed", "comment": "You are right.", "actor": "lead-1"}
        answer = await partner.post(
            path, {**body, "criteria": [{"key": key, "score": 100, "comment": "Seen."}]}
        )

        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "changed"
        result = await _get(partner, f"/v1/assessments/{answer.json()['result_id']}")
        assert (result["revision"], result["cause"]) == (2, "resolution")
        assert result["overall"] >= assessed["overall"]
        second = await partner.post(path, {**body, "outcome": "upheld", "actor": "lead-2"})
        assert (second.status_code, second.json()["code"]) == (409, "dispute-closed")
        timeline = await _get(partner, f"/v1/scorings/{assessed['scoring_id']}/timeline")
        told = [(each["kind"], each["actor"], each["comment"]) for each in timeline["data"]]
        assert told == [
            ("scored", None, None),
            ("disputed", "learner-1", "I did ask that."),
            ("resolved", "lead-1", "You are right."),
        ]
        assert await _event_types(database, partner, assessed["scoring_id"]) == [
            "scoring.disputed",
            "scoring.revised",
            "scoring.dispute_resolved",
        ]

    async def test_an_upheld_one_leaves_the_revision(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        dispute = (await self._dispute(partner, assessed)).json()
        body = {"outcome": "upheld", "comment": "It stands.", "actor": "lead-1"}
        answer = await partner.post(f"/v1/disputes/{dispute['id']}/resolution", body)
        assert (answer.json()["status"], answer.json()["result_id"]) == ("upheld", assessed["id"])

    @pytest.mark.parametrize("actor", ["learner-1", None])
    async def test_nobody_decides_their_own(
        self, partner: Partner, assessed: dict[str, Any], actor: str | None
    ) -> None:
        dispute = (await self._dispute(partner, assessed)).json()
        body = {"outcome": "upheld", "comment": "It stands.", "actor": actor}
        answer = await partner.post(f"/v1/disputes/{dispute['id']}/resolution", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "same-actor")

    async def test_the_scorer_does_not_decide(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        override = _override(assessed, 10, actor="eva")
        made = (await partner.post(f"/v1/assessments/{assessed['id']}/overrides", override)).json()
        dispute = (await self._dispute(partner, made)).json()
        body = {"outcome": "upheld", "comment": "It stands.", "actor": "eva"}
        answer = await partner.post(f"/v1/disputes/{dispute['id']}/resolution", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "same-actor")

    async def test_one_at_a_time_and_in_time(
        self, partner: Partner, assessed: dict[str, Any], database: Database, keys: KeyRing
    ) -> None:
        assert (await self._dispute(partner, assessed)).status_code == 201
        second = await self._dispute(partner, assessed)
        assert (second.status_code, second.json()["code"]) == (409, "dispute-closed")
        old = await _assessed(partner, database, keys, await partner.learner(), age_h=49)
        late = await self._dispute(partner, old)
        assert late.status_code == 409
        assert "window" in late.json()["detail"]

    async def test_an_unknown_criterion_is_named(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        wrong = await self._dispute(partner, assessed, criteria=["nothing_like_it"])
        assert wrong.status_code == 400
        assert wrong.json()["errors"][0]["pointer"] == "/criteria/0"


class TestAcknowledgment:
    async def test_once_is_enough(
        self, partner: Partner, assessed: dict[str, Any], database: Database
    ) -> None:
        path = f"/v1/assessments/{assessed['id']}/acknowledgment"
        for _ in range(2):
            answer = await partner.post(path, {"actor": "learner-1"})
            assert answer.json() == {"assessment_id": assessed["id"], "acknowledged": True}
        assert await _event_types(database, partner, assessed["scoring_id"]) == [
            "scoring.acknowledged"
        ]


class TestRescore:
    async def test_a_job_is_queued_once(
        self, partner: Partner, assessed: dict[str, Any], database: Database
    ) -> None:
        path = f"/v1/scorings/{assessed['scoring_id']}/rescore"
        answers = [await partner.post(path, {"rubric": "support"}, key="again") for _ in range(2)]

        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["rubric"]["slug"] == "support"
        async with tenant_tx(database, partner.tenant.tenant_id) as connection:
            rows = await connection.fetch(
                "select payload from jobs where tenant_id = $1 and kind = 'score'",
                partner.tenant.tenant_id,
            )
        jobs = [decode_payload(row["payload"]) for row in rows]
        assert [
            format_id("asm", job.assessment_id) for job in jobs if isinstance(job, RescoreJob)
        ] == [answers[0].json()["assessment_id"]]

    async def test_an_unknown_version_is_named(
        self, partner: Partner, assessed: dict[str, Any]
    ) -> None:
        path = f"/v1/scorings/{assessed['scoring_id']}/rescore"
        wrong = await partner.post(path, {"rubric": "support", "version": 99})
        assert wrong.status_code == 404
        assert wrong.json()["errors"][0]["pointer"] == "/version"


async def test_strangers_and_bound_keys_stay_outside(
    partner: Partner,
    stranger: Partner,
    assessed: dict[str, Any],
    key_maker: KeyMaker,
) -> None:
    other = parse_id("lrn", await partner.learner())
    bound = partner.as_key(
        await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, learner_id=other)
    )
    asm, scr = assessed["id"], assessed["scoring_id"]
    for outsider in (stranger, bound):
        for path in (f"/v1/scorings/{scr}/revisions", f"/v1/scorings/{scr}/timeline"):
            assert (await outsider.get(path)).status_code == 404
        for path, body in (
            (f"/v1/assessments/{asm}/overrides", _override(assessed, 1)),
            (f"/v1/assessments/{asm}/acknowledgment", {}),
            (f"/v1/assessments/{asm}/disputes", {"reason_code": "unfair", "comment": "No."}),
            (f"/v1/scorings/{scr}/rescore", {}),
        ):
            assert (await outsider.post(path, body)).status_code == 404, path
    assert (await _get(stranger, "/v1/disputes"))["data"] == []

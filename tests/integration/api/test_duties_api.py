"""What the law asks of a product that judges people: notices, what made a score, appeal, reasons.

Everything is seen as a partner sees it, over HTTP. [R-C20] [R-C15]
"""

from typing import Any

import msgspec
import pytest

from services.scoring_worker.judging.judge import judge
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.library.rubrics import load_rubrics
from tests.integration.api.conftest import Partner
from tests.support.scored import assess

Json = dict[str, Any]

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


async def _got(partner: Partner, path: str) -> Json:
    answer = await partner.get(path)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


@pytest.fixture
async def assessed(partner: Partner, database: Database, keys: KeyRing) -> Json:
    """A conversation that the embedded judge has judged."""
    rubric = next(each for each in load_rubrics() if each.slug == "general")
    turns = tuple(
        TranscriptTurn(id=f"t{number}", role=role, text=text)  # type: ignore[arg-type]  # plain data
        for number, (role, text) in enumerate(SAID)
    )
    body = {
        "learner_id": await partner.learner(),
        "conversation": {
            "source": "chat",
            "turns": [{"role": role, "text": text} for role, text in SAID],
        },
    }
    scoring = (await partner.post("/v1/scorings", body)).json()["id"]
    result = judge(Transcript(turns=turns, source="chat"), rubric)
    made = await assess(database, keys, partner.tenant.tenant_id, parse_id("scr", scoring), result)
    return await _got(partner, f"/v1/assessments/{format_id('asm', made)}")


async def _trail(database: Database, partner: Partner, target: str) -> list[Json]:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select action, facts, before_digest, after_digest, request_id from trail"
            " where tenant_id = $1 and target = $2",
            partner.tenant.tenant_id,
            target,
        )
    return [{**row, "facts": msgspec.json.decode(row["facts"])} for row in rows]


def _scored(assessment: Json) -> str:
    return str(next(one["key"] for one in assessment["criteria"] if one["status"] == "scored"))


async def test_who_practices_is_told_before_the_first_turn(partner: Partner) -> None:
    made = await partner.simulation()
    read = await _got(partner, f"/v1/simulations/{made['id']}")
    (listed,) = [
        one for one in (await _got(partner, "/v1/simulations"))["data"] if one["id"] == made["id"]
    ]

    for shown in (made, read, listed):
        told = shown["ai_notice"]
        assert told["is_ai"] is True
        assert told["language"] == shown["language"].partition("-")[0] == "en"
        assert "not a person" in told["text"]
        assert "2024/1689" in told["law"]
        assert told["version"]


async def test_every_score_says_what_made_it_and_what_it_is_not_for(assessed: Json) -> None:
    told = assessed["use_notice"]
    assert told["is_sole_basis_allowed"] is False
    assert told["infers_emotions"] is False
    assert "sole basis" in told["text"]
    assert "2016/679, article 22" in told["law"]

    made_of = assessed["provenance"]
    for name in ("engine", "engine_version", "rubric_slug"):
        assert made_of[name], name
    for name in ("rubric_hash", "taxonomy_hash", "weights_hash", "transcript_hash"):
        assert len(made_of[name]) == 12, name
    assert assessed["rubric"]["version"] >= 1


async def test_nobody_changes_a_score_without_a_reason(
    partner: Partner, assessed: Json, database: Database
) -> None:
    path = f"/v1/assessments/{assessed['id']}/overrides"
    body = {
        "criteria": [{"key": _scored(assessed), "score": 100, "comment": "Heard it."}],
        "expected_revision": 1,
    }
    refused = await partner.post(path, body)
    assert refused.status_code == 400
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/reason_code"]

    made = (await partner.post(path, {**body, "reason_code": "context_missing"})).json()

    (entry,) = await _trail(database, partner, made["id"])
    assert entry["action"] == "score.overridden"
    assert entry["facts"]["replaces"] == assessed["id"]
    assert entry["facts"]["cause"] == "override"
    assert entry["request_id"].startswith("req_")
    assert len(entry["before_digest"]) == len(entry["after_digest"]) == 32
    assert entry["before_digest"] != entry["after_digest"]
    assert await _trail(database, partner, assessed["id"]) == []


async def test_whom_it_is_about_can_appeal_and_another_person_answers(
    partner: Partner, assessed: Json, database: Database
) -> None:
    key = _scored(assessed)
    objection = {"reason_code": "unfair", "comment": "I did ask.", "actor": "learner-1"}
    dispute = (await partner.post(f"/v1/assessments/{assessed['id']}/disputes", objection)).json()
    answer = {
        "outcome": "changed",
        "comment": "You are right.",
        "criteria": [{"key": key, "score": 100, "comment": "Seen."}],
    }
    path = f"/v1/disputes/{dispute['id']}/resolution"

    own = await partner.post(path, {**answer, "actor": "learner-1"})
    assert (own.status_code, own.json()["code"]) == (409, "same-actor")
    answered = (await partner.post(path, {**answer, "actor": "lead-1"})).json()

    assert answered["status"] == "changed"
    (entry,) = await _trail(database, partner, answered["result_id"])
    assert (entry["action"], entry["facts"]["cause"]) == ("score.overridden", "resolution")

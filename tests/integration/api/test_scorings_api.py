"""Handing in conversations and reading assessments over HTTP."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.contracts.scoring import JudgeResult, Metrics, TranscriptTurn
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id, parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import IDS, KeyMaker, Partner


def _conversation(turns: int = 2, **fields: Any) -> dict[str, Any]:
    return {
        "source": "call",
        "turns": [
            {
                "role": "agent" if number % 2 == 0 else "customer",
                "text": f"This is sentence number {number}.",
                "start_ms": number * 1000,
                "end_ms": number * 1000 + 900,
            }
            for number in range(turns)
        ],
        **fields,
    }


async def test_a_conversation_is_queued_and_sealed(
    partner: Partner, database: Database, keys: KeyRing
) -> None:
    learner = await partner.learner()
    body = {
        "conversation": _conversation(external_id="call-77"),
        "learner_id": learner,
        "occurred_at": "2026-01-05T09:00:00+02:00",
    }

    response = await partner.post("/v1/scorings", body)

    assert response.status_code == 202
    view = response.json()
    assert response.headers["location"] == f"/v1/scorings/{view['id']}"
    assert view["status"] == "queued"
    assert view["occurred_at"] == "2026-01-05T07:00:00Z"
    assert view["conversation"]["external_id"] == "call-77"
    assert view["conversation"]["turn_count"] == 2
    assert view["rubric"]["slug"] == "general"
    got = await partner.get(f"/v1/scorings/{view['id']}")
    assert got.json() == view
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        conversation_id = parse_id("conv", view["conversation"]["id"])
        sealed = await connection.fetchval(
            "select turns from conversations where tenant_id = $1 and conversation_id = $2",
            tenant_id,
            conversation_id,
        )
        key = await keys.learner(connection, tenant_id, parse_id("lrn", learner))
        jobs = await connection.fetchval(
            "select count(*) from jobs where tenant_id = $1 and kind = 'flow'"
            " and payload ->> 'scoring_id' = $2",
            tenant_id,
            str(parse_id("scr", view["id"])),
        )
    plain = key.open(sealed, "conversations.turns", conversation_id.bytes)
    turns = msgspec.json.decode(plain, type=tuple[TranscriptTurn, ...])
    assert [turn.id for turn in turns] == ["t1", "t2"]
    assert turns[1].text == "This is sentence number 1."
    assert jobs == 1


async def test_fifty_equal_posts_make_one_scoring(partner: Partner) -> None:
    body = {"conversation": _conversation(), "learner_id": await partner.learner()}

    responses = await asyncio.gather(
        *(partner.post("/v1/scorings", body, key="call 1") for _ in range(50))
    )

    assert {response.status_code for response in responses} == {202}
    assert len({response.json()["id"] for response in responses}) == 1
    listed = await partner.get("/v1/scorings", params={"learner_id": body["learner_id"]})
    assert len(listed.json()["data"]) == 1


async def test_five_hundred_turns_and_no_more(partner: Partner) -> None:
    learner = await partner.learner()
    full = await partner.post(
        "/v1/scorings", {"conversation": _conversation(500), "learner_id": learner}
    )
    over = await partner.post(
        "/v1/scorings", {"conversation": _conversation(501), "learner_id": learner}
    )

    assert full.status_code == 202
    assert over.status_code == 400
    assert over.json()["errors"][0]["pointer"] == "/conversation/turns"
    assert over.json()["errors"][0]["code"] == "too-long"


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "/occurred_at", "in-the-future"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at", "out-of-range"),
        ({"occurred_at": "2026-01-01T00:00:00"}, "/occurred_at", "time-zone-missing"),
        ({"occurred_at": "yesterday"}, "/occurred_at", "format"),
        ({"conversation": {"source": "call", "turns": []}}, "/conversation/turns", "too-short"),
        (
            {
                "conversation": {
                    "source": "call",
                    "turns": [{"role": "customer", "text": "one two three four five " * 2}],
                }
            },
            "/conversation/turns",
            "one-speaker",
        ),
    ],
)
async def test_rules_name_the_field(
    partner: Partner, changes: dict[str, Any], pointer: str, code: str
) -> None:
    body = {"conversation": _conversation(), "learner_id": await partner.learner(), **changes}

    response = await partner.post("/v1/scorings", body)

    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)]


async def test_every_wrong_field_is_named_at_once(partner: Partner) -> None:
    body = {
        "conversation": {
            "source": "telegram",
            "turns": [
                {"role": "agent", "text": "   "},
                {"role": "boss", "text": 7, "mood": 1},
                {"role": "agent", "text": "ok", "start_ms": 5, "end_ms": 2},
                {"role": "agent", "text": "ok", "start_ms": -1},
            ],
        },
        "learner_id": "lrn_wrong",
    }

    response = await partner.post("/v1/scorings", body)

    assert sorted((error["pointer"], error["code"]) for error in response.json()["errors"]) == [
        ("/conversation/source", "unknown-value"),
        ("/conversation/turns/0/text", "blank"),
        ("/conversation/turns/1/mood", "unknown-field"),
        ("/conversation/turns/1/role", "unknown-value"),
        ("/conversation/turns/1/text", "type"),
        ("/conversation/turns/2/end_ms", "out-of-order"),
        ("/conversation/turns/3/start_ms", "out-of-range"),
        ("/learner_id", "format"),
    ]


async def _assessed(
    partner: Partner, database: Database, keys: KeyRing, learner: str
) -> tuple[dict[str, Any], str]:
    """A scoring with its assessment, as the worker stores it: the scoring and the path to read."""
    created = await partner.post(
        "/v1/scorings", {"conversation": _conversation(), "learner_id": learner}
    )
    scoring_id = parse_id("scr", created.json()["id"])
    assessment_id, tenant_id = IDS.new(), partner.tenant.tenant_id
    result = JudgeResult(
        overall=71,
        criteria=(),
        skills=(),
        metrics=Metrics(
            handle_time_s=1.9, talk_share=0.5, question_rate=0.0, longest_monologue_words=3
        ),
        advice=(),
        engine="embedded",
        engine_version="1",
        flags=("self_praise",),
    )
    async with tenant_tx(database, tenant_id) as connection:
        key = await keys.learner(connection, tenant_id, parse_id("lrn", learner))
        await connection.execute(
            "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
            " overall, result, engine, engine_version, created_at)"
            " values ($1, $2, $3, $4, 1, 71, $5, 'embedded', '1', now())",
            tenant_id,
            assessment_id,
            scoring_id,
            parse_id("lrn", learner),
            key.seal(msgspec.json.encode(result), "assessments.result", assessment_id.bytes),
        )
        await connection.execute(
            "update scorings set status = 'completed', assessment_id = $3, finished_at = now()"
            " where tenant_id = $1 and scoring_id = $2",
            tenant_id,
            scoring_id,
            assessment_id,
        )
    return created.json(), f"/v1/assessments/{format_id('asm', assessment_id)}"


async def test_an_assessment_is_opened(
    partner: Partner, stranger: Partner, database: Database, keys: KeyRing
) -> None:
    created, path = await _assessed(partner, database, keys, await partner.learner())

    view = (await partner.get(path)).json()

    assert view["overall"] == 71
    assert view["flags"] == ["self_praise"]
    assert view["rubric"]["slug"] == "general"
    assert view["conversation_id"] == created["conversation"]["id"]
    assert view["metrics"]["talk_share"] == 0.5
    scoring = (await partner.get(f"/v1/scorings/{created['id']}")).json()
    assert scoring["assessment_id"] == view["id"]
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get(f"/v1/scorings/{created['id']}")).status_code == 404


@pytest.mark.parametrize("bound_to", ["learner", "team"])
async def test_a_bound_key_opens_no_foreign_door(
    partner: Partner, database: Database, keys: KeyRing, key_maker: KeyMaker, bound_to: str
) -> None:
    """Every path that shows or changes something of a person."""
    team, other_team = await partner.team(), await partner.team()
    mine = await partner.learner(memberships=[{"team_id": team}])
    other = await partner.learner(memberships=[{"team_id": other_team}])
    bounds = (
        {"learner_id": parse_id("lrn", mine)}
        if bound_to == "learner"
        else {"team_ids": [parse_id("team", team)]}
    )
    bound = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, **bounds))
    shown = {}
    for learner, status in ((mine, 200), (other, 404)):
        simulation = (await partner.simulation(learner))["id"]
        scoring, assessment = await _assessed(partner, database, keys, learner)
        shown[learner] = (simulation, scoring["id"])
        for path in (
            f"/v1/learners/{learner}",
            f"/v1/simulations/{simulation}",
            f"/v1/simulations/{simulation}/turns",
            f"/v1/scorings/{scoring['id']}",
            assessment,
        ):
            assert (await bound.get(path)).status_code == status, path
        ended = await bound.post(f"/v1/simulations/{simulation}/end")
        assert ended.status_code == status
        handed_in = await bound.post(
            "/v1/scorings", {"conversation": _conversation(), "learner_id": learner}
        )
        assert handed_in.status_code == (202 if status == 200 else 404)
    for noun in ("learners", "simulations", "scorings"):
        seen = {each["id"] for each in (await bound.get(f"/v1/{noun}")).json()["data"]}
        assert seen & {mine, *shown[mine]}
        assert not seen & {other, *shown[other]}
        filtered = await bound.get(f"/v1/{noun}", params={"learner_id": other})
        if noun != "learners":
            assert filtered.json()["data"] == []
    trend = await bound.get(f"/v1/reports/teams/{other_team}/trend")
    assert trend.status_code == 404

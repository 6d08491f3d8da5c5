"""Many conversations in one request; nobody scores them here."""

import asyncio
from typing import Any

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.api.test_intake_api import conversation, swapped


def _one(learner: str, **fields: Any) -> dict[str, Any]:
    return {"learner_id": learner, "conversation": conversation(), **fields}


async def _send(partner: Partner, items: list[Any], key: str = "") -> Any:
    return await partner.post("/v1/scoring_batches", {"conversations": items}, key=key)


async def _count(database: Database, partner: Partner, statement: str, *values: Any) -> int:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        found: int = await connection.fetchval(
            f"select count(*) from {statement}", partner.tenant.tenant_id, *values
        )
        return found


async def test_each_conversation_has_its_own_outcome(partner: Partner, database: Database) -> None:
    learner = await partner.learner()
    items = [
        _one(learner, conversation=conversation(external_id="call-1")),
        {"learner_id": learner, "conversation": swapped()},
        {"learner_id": "lrn_wrong", "conversation": {"source": "fax", "turns": []}, "mood": 1},
        _one(learner, rubric="no-such-rubric"),
        _one(learner, conversation=conversation(external_id="call-1")),
        _one(learner, occurred_at="2999-01-01T00:00:00Z"),
        "what?",
        _one(learner, conversation=conversation(("agent", "one two"), ("customer", "three"))),
        _one(learner),
    ]

    answer = await _send(partner, items)

    assert answer.status_code == 202, answer.text
    view = answer.json()
    assert answer.headers["location"] == f"/v1/scoring_batches/{view['id']}"
    assert (view["accepted"], view["held"], view["refused"]) == (2, 1, 6)
    assert view["operation"]["kind"] == "scoring_batch"
    assert view["operation"]["status"] == "running"
    assert view["operation"]["progress"] == {"total": 2, "done": 0, "scored": 0, "failed": 0}
    outcomes = view["conversations"]
    assert [each["index"] for each in outcomes] == list(range(9))
    assert [each["outcome"][0] for each in outcomes] == list("ahrrrrrra")
    assert outcomes[1]["status"] == "held"
    assert outcomes[1]["flags"] == ["roles_look_swapped"]
    errors = {
        each["index"]: sorted((error["pointer"], error["code"]) for error in each["errors"])
        for each in outcomes
        if each["errors"]
    }
    assert errors == {
        2: [
            ("/conversations/2/conversation/source", "unknown-value"),
            ("/conversations/2/conversation/turns", "too-short"),
            ("/conversations/2/learner_id", "format"),
            ("/conversations/2/mood", "unknown-field"),
        ],
        3: [("/conversations/3/rubric", "not-found")],
        4: [("/conversations/4/conversation/external_id", "duplicate")],
        5: [("/conversations/5/occurred_at", "in-the-future")],
        6: [("/conversations/6", "type")],
        7: [("/conversations/7/conversation/turns", "too-few-words")],
    }
    read = await partner.get(f"/v1/scoring_batches/{view['id']}")
    assert read.json() == view
    operation = parse_id("op", view["id"])
    jobs = "jobs where tenant_id = $1 and payload ->> 'operation_id' = $2 and kind = 'score'"
    assert await _count(database, partner, jobs, str(operation)) == 2
    scoring = (await partner.get(f"/v1/scorings/{outcomes[0]['scoring_id']}")).json()
    assert scoring["operation_id"] == view["id"]
    assert scoring["conversation"]["external_id"] == "call-1"


async def test_a_refusal_says_what_the_single_call_says(partner: Partner) -> None:
    bad = {
        "learner_id": await partner.learner(),
        "conversation": conversation(("agent", "..."), language="?"),
        "occurred_at": "then",
    }

    single = await partner.post("/v1/scorings", bad)
    batch = await _send(partner, [bad])

    expected = [
        {**error, "pointer": f"/conversations/0{error['pointer']}"}
        for error in single.json()["errors"]
    ]
    assert batch.json()["conversations"][0]["errors"] == expected


async def test_a_repeat_makes_no_duplicates(partner: Partner, database: Database) -> None:
    learner = await partner.learner()
    items = [*(_one(learner) for _ in range(120)), {"learner_id": learner}]

    first, *others = await asyncio.gather(*(_send(partner, items, "batch 1") for _ in range(4)))

    views = [answer.json() for answer in (first, *others)]
    assert all(view == views[0] for view in views)
    assert views[0]["accepted"] == 120
    stored = "scorings where tenant_id = $1 and learner_id = $2"
    assert await _count(database, partner, stored, parse_id("lrn", learner)) == 120
    reused = await _send(partner, items[:5], "batch 1")
    assert reused.status_code == 422


async def test_nothing_to_score_ends_at_once(partner: Partner) -> None:
    learner = await partner.learner()

    refused = (await _send(partner, [{}, 7])).json()
    held = (await _send(partner, [{"learner_id": learner, "conversation": swapped()}])).json()

    assert (refused["refused"], refused["operation"]["status"]) == (2, "failed")
    assert (held["held"], held["operation"]["status"]) == (1, "succeeded")
    released = await partner.post(
        f"/v1/scorings/{held['conversations'][0]['scoring_id']}/swap_roles", {"confirm": "swap"}
    )
    assert released.json()["status"] == "queued"
    again = (await partner.get(f"/v1/scoring_batches/{held['id']}")).json()
    assert again["conversations"][0]["outcome"] == "held"
    assert again["conversations"][0]["status"] == "queued"
    assert again["operation"]["progress"]["total"] == 0


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"conversations": []}, "/conversations", "too-short"),
        ({"conversations": [1] * 1001}, "/conversations", "too-long"),
        ({"conversations": {}}, "/conversations", "type"),
        ({}, "/conversations", "missing"),
        ({"conversations": [{}], "rubric": "x"}, "/rubric", "unknown-field"),
        ({"conversations": ["\0"]}, "/conversations/0", "nul-character"),
    ],
)
async def test_the_request_itself(
    partner: Partner, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await partner.post("/v1/scoring_batches", body)

    assert answer.status_code == 400
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_twenty_megabytes_and_no_more(partner: Partner) -> None:
    learner = await partner.learner()
    long = conversation(*(("agent", "word " * 1500), ("customer", "word " * 1500)))
    few = [{"learner_id": learner, "conversation": long} for _ in range(150)]  # 2.3 MB

    taken = await _send(partner, few)
    over = await partner.post("/v1/scoring_batches", {"conversations": ["x" * 20 * 1024 * 1024]})

    assert taken.status_code == 202
    assert taken.json()["accepted"] == 150
    assert over.status_code == 413


async def test_canceling_stops_what_waits(partner: Partner, database: Database) -> None:
    learner = await partner.learner()
    items = [_one(learner), {"learner_id": learner, "conversation": swapped()}, _one(learner)]
    batch = (await _send(partner, items)).json()
    path = f"/v1/scoring_batches/{batch['id']}"

    canceled = await partner.post(f"{path}/cancel", key="stop")
    again = await partner.post(f"{path}/cancel", key="stop")

    view = canceled.json()
    assert view["operation"]["status"] == "canceled"
    assert [each["status"] for each in view["conversations"]] == ["failed", "held", "failed"]
    assert view["conversations"][0]["failure_code"] == "canceled"
    assert again.json() == view
    jobs = "jobs where tenant_id = $1 and payload ->> 'operation_id' = $2"
    assert await _count(database, partner, jobs, str(parse_id("op", batch["id"]))) == 0


async def test_who_may_see_a_batch(
    partner: Partner, stranger: Partner, key_maker: KeyMaker
) -> None:
    team = await partner.team()
    mine = await partner.learner(memberships=[{"team_id": team}])
    other = await partner.learner()
    bounds = {"team_ids": [parse_id("team", team)]}
    bound = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, **bounds))
    both = (await _send(partner, [_one(mine), _one(other)])).json()
    own = (await _send(bound, [_one(mine), _one(other)])).json()

    assert [each["outcome"] for each in own["conversations"]] == ["accepted", "refused"]
    assert own["conversations"][1]["errors"][0]["code"] == "not-found"
    for path in ("scoring_batches", "operations"):
        assert (await bound.get(f"/v1/{path}/{own['id']}")).status_code == 200
        assert (await bound.get(f"/v1/{path}/{both['id']}")).status_code == 404
        assert (await stranger.get(f"/v1/{path}/{own['id']}")).status_code == 404
    assert (await bound.post(f"/v1/scoring_batches/{both['id']}/cancel")).status_code == 404


async def test_operations_of_other_kinds_are_no_scoring_batches(partner: Partner) -> None:
    body = {
        "learner_id": await partner.learner(),
        "scenarios": [await partner.scenario()],
        "profiles": ["rude"],
    }
    operation = (await partner.post("/v1/simulation_batches", body)).json()

    assert (await partner.get(f"/v1/scoring_batches/{operation['id']}")).status_code == 404
    canceled = await partner.post(f"/v1/scoring_batches/{operation['id']}/cancel")
    assert canceled.status_code == 404
    listed = await partner.get("/v1/operations", params={"limit": 100})
    assert {each["kind"] for each in listed.json()["data"]} >= {"simulation_batch"}

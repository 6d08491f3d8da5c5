"""Surveys and contacts as partners hand them in: repeats, late answers, forms, batches, bounds."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import IDS, KeyMaker, Partner

CALL = {
    "source": "call",
    "turns": [
        {"role": "agent", "text": "Thank you for calling Northfield Water, how can I help you?"},
        {"role": "customer", "text": "I was charged twice and I want my money back today."},
    ],
}


@pytest.fixture
async def learner(partner: Partner) -> str:
    return await partner.learner()


async def _scoring(partner: Partner, learner: str, **fields: Any) -> dict[str, Any]:
    body = {"conversation": {**CALL, **fields}, "learner_id": learner}
    response = await partner.post("/v1/scorings", body)
    assert response.status_code == 202, response.text
    view: dict[str, Any] = response.json()
    return view


def _pointers(response: Any) -> list[tuple[str, str]]:
    return sorted((error["pointer"], error["code"]) for error in response.json()["errors"])


async def test_a_survey_is_stored_once_and_found_again(partner: Partner, learner: str) -> None:
    body = {"form": "csat-5", "learner_id": learner, "external_id": f"s {learner}", "score": 4}
    first = await partner.post("/v1/surveys", body, key="once-1")
    assert first.status_code == 201, first.text
    made = first.json()
    assert made["form"] == {
        "form": "csat-5",
        "kind": "csat",
        "asked": "customer",
        "scale": {"low": 1, "high": 5},
        "positive": [4, 5],
    }
    for key in ("once-1", "another", None):
        again = await partner.post("/v1/surveys", body, key=key)
        assert again.json() == made
        assert again.headers["Idempotent-Replayed"] == "true"
    assert (await partner.get(first.headers["Location"])).json() == made
    params = {"external_id": f"s {learner}", "form": "csat-5", "learner_id": learner}
    listed = await partner.get("/v1/surveys", params=params)
    assert listed.json()["data"] == [made]
    params["form"] = "nps"
    assert (await partner.get("/v1/surveys", params=params)).json()["data"] == []


async def test_without_an_external_id_only_the_key_makes_it_one(
    partner: Partner, learner: str
) -> None:
    body = {"form": "nps", "learner_id": learner, "score": 10}
    same = [(await partner.post("/v1/surveys", body, key="k-nps")).json()["id"] for _ in range(2)]
    other = (await partner.post("/v1/surveys", body)).json()["id"]
    assert same[0] == same[1] != other
    reused = await partner.post("/v1/surveys", {**body, "score": 9}, key="k-nps")
    assert reused.json()["code"] == "idempotency-key-reused"


async def test_the_answer_may_come_later_and_never_changes(partner: Partner, learner: str) -> None:
    delivered = "2026-03-02T10:00:00Z"
    body = {"form": "ces", "learner_id": learner, "external_id": learner, "delivered_at": delivered}
    waiting = (await partner.post("/v1/surveys", body)).json()
    assert (waiting["score"], waiting["answered_at"]) == (None, None)
    assert (await partner.post("/v1/surveys", body)).json() == waiting
    listed = await partner.post("/v1/survey_batches", {"surveys": [body]})
    assert listed.json()["surveys"][0]["survey_id"] == waiting["id"]
    answer = {**body, "score": 6, "answered_at": "2026-03-03T08:00:00Z"}
    answered = (await partner.post("/v1/surveys", answer)).json()
    assert (answered["id"], answered["score"]) == (waiting["id"], 6)
    assert answered["answered_at"] == "2026-03-03T08:00:00Z"
    assert answered["happened_at"] == delivered
    assert (await partner.post("/v1/surveys", body)).json() == answered  # the first once more
    refused = await partner.post("/v1/surveys", {**answer, "score": 2})
    assert refused.status_code == 409
    assert _pointers(refused) == [("/external_id", "conflict")]
    assert (await partner.get(f"/v1/surveys/{waiting['id']}")).json() == answered


async def test_twins_at_the_same_moment_make_one(partner: Partner, learner: str) -> None:
    body = {"form": "csat-thumbs", "learner_id": learner, "external_id": f"twin {learner}"}
    answers = await asyncio.gather(
        *(partner.post("/v1/surveys", {**body, "score": 1}) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_conversation_says_whose_and_when(partner: Partner, learner: str) -> None:
    scoring = await _scoring(partner, learner)
    conversation = scoring["conversation"]["id"]
    body = {"form": "csat-5", "conversation_id": conversation, "score": 5}
    made = (await partner.post("/v1/surveys", body)).json()
    assert (made["learner_id"], made["conversation_id"]) == (learner, conversation)
    assert made["happened_at"] == scoring["occurred_at"]
    listed = await partner.get("/v1/surveys", params={"conversation_id": conversation})
    assert [each["id"] for each in listed.json()["data"]] == [made["id"]]
    other = await partner.post("/v1/surveys", {**body, "learner_id": await partner.learner()})
    assert _pointers(other) == [("/learner_id", "contradiction")]


@pytest.mark.parametrize(
    ("changes", "status", "errors"),
    [
        ({"learner_id": None}, 400, [("/learner_id", "missing")]),
        ({"score": 6}, 400, [("/score", "out-of-range")]),
        ({"score": 0}, 400, [("/score", "out-of-range")]),
        ({"score": 3.5}, 400, [("/score", "type")]),
        ({"form": "csat-7"}, 404, [("/form", "not-found")]),
        ({"comment": "rude"}, 400, [("/comment", "unknown-field")]),
        ({"score": None, "answered_at": "2026-01-01T00:00:00Z"}, 400, [("/score", "missing")]),
        ({"delivered_at": "2999-01-01T00:00:00Z"}, 400, [("/delivered_at", "in-the-future")]),
        ({"delivered_at": "1999-01-01T00:00:00Z"}, 400, [("/delivered_at", "out-of-range")]),
        (
            {"delivered_at": "2026-01-02T00:00:00Z", "answered_at": "2026-01-01T00:00:00Z"},
            400,
            [("/answered_at", "out-of-order")],
        ),
        (
            {"form": "x", "learner_id": "lrn_" + "0" * 26, "conversation_id": "conv_" + "0" * 26},
            404,
            [
                ("/conversation_id", "not-found"),
                ("/form", "not-found"),
                ("/learner_id", "not-found"),
            ],
        ),
    ],
)
async def test_every_wrong_field_is_named(
    partner: Partner,
    learner: str,
    changes: dict[str, Any],
    status: int,
    errors: list[tuple[str, str]],
) -> None:
    body = {"form": "csat-5", "learner_id": learner, "score": 4, **changes}
    response = await partner.post("/v1/surveys", body)
    assert response.status_code == status, response.text
    assert _pointers(response) == errors


async def test_a_batch_is_taken_whole_and_only_once(partner: Partner, learner: str) -> None:
    known = {"form": "nps", "learner_id": learner, "external_id": f"b0 {learner}"}
    before = (await partner.post("/v1/surveys", known)).json()["id"]
    surveys = [{**known, "score": 3}, {**known, "external_id": f"b1 {learner}", "score": 10}]
    first = await partner.post("/v1/survey_batches", {"surveys": surveys}, key="batch")
    assert first.status_code == 200, first.text
    items = first.json()["surveys"]
    assert [item["external_id"] for item in items] == [f"b0 {learner}", f"b1 {learner}"]
    assert items[0]["survey_id"] == before
    assert (await partner.get(f"/v1/surveys/{before}")).json()["score"] == 3
    again = await partner.post("/v1/survey_batches", {"surveys": surveys}, key="batch")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await partner.post("/v1/survey_batches", {"surveys": surveys})).json() == first.json()


async def test_a_batch_names_everything_that_is_wrong(partner: Partner, learner: str) -> None:
    good = {"form": "nps", "learner_id": learner, "external_id": f"w0 {learner}", "score": 3}
    twice = [good, {**good, "score": 4}, {"form": "nps", "learner_id": learner, "score": 3}]
    refused = await partner.post("/v1/survey_batches", {"surveys": twice})
    assert _pointers(refused) == [("/surveys/2/external_id", "missing")]
    refused = await partner.post("/v1/survey_batches", {"surveys": twice[:2]})
    assert _pointers(refused) == [("/surveys/1/external_id", "duplicate")]
    wrong = {**good, "external_id": f"w1 {learner}"}
    refused = await partner.post(
        "/v1/survey_batches",
        {"surveys": [good, {**wrong, "score": 11}, {**wrong, "external_id": "w2", "form": "x"}]},
    )
    assert refused.status_code == 400
    assert _pointers(refused) == [
        ("/surveys/1/score", "out-of-range"),
        ("/surveys/2/form", "not-found"),
    ]
    found = await partner.get("/v1/surveys", params={"learner_id": learner})
    assert found.json()["data"] == []
    await partner.post("/v1/surveys", good)
    clash = await partner.post("/v1/survey_batches", {"surveys": [{**good, "score": 8}, wrong]})
    assert clash.status_code == 409
    assert _pointers(clash) == [("/surveys/0/external_id", "conflict")]
    assert (
        len((await partner.get("/v1/surveys", params={"learner_id": learner})).json()["data"]) == 1
    )


async def test_a_thousand_in_one_request(partner: Partner, learner: str) -> None:
    surveys = [
        {"form": "ces", "learner_id": learner, "external_id": f"k{n} {learner}", "score": n % 7 + 1}
        for n in range(1000)
    ]
    response = await partner.post("/v1/survey_batches", {"surveys": surveys})
    assert len({item["survey_id"] for item in response.json()["surveys"]}) == 1000
    more = await partner.post("/v1/survey_batches", {"surveys": [*surveys, surveys[0]]})
    assert _pointers(more) == [("/surveys", "too-long")]


async def test_forms_keep_their_scale(partner: Partner) -> None:
    forms = {each["form"]: each for each in (await partner.get("/v1/survey_forms")).json()["data"]}
    assert forms["ces"]["positive"] == [5, 6, 7]
    path = "/v1/survey_forms/csat-10"
    scale = {"low": 1, "high": 10}
    strict = {"kind": "csat", "scale": scale, "positive": [10, 9, 9]}
    changed = await partner.put(path, strict)
    assert changed.json()["positive"] == [9, 10]
    refused = await partner.put(
        path, {**strict, "scale": {"low": 0, "high": 10}, "asked": "learner"}
    )
    assert refused.status_code == 409
    assert _pointers(refused) == [("/asked", "conflict"), ("/scale/low", "conflict")]
    own = {"kind": "csat", "scale": {"low": 0, "high": 4}, "positive": [4]}
    assert (await partner.put("/v1/survey_forms/after-visit", own)).status_code == 200
    listed = (await partner.get("/v1/survey_forms")).json()["data"]
    assert "after-visit" in {each["form"] for each in listed}


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        ("new", {"kind": "nps", "scale": {"low": 1, "high": 10}}, [("/scale", "out-of-range")]),
        (
            "new",
            {"kind": "ces", "scale": {"low": 1, "high": 7}, "positive": [7]},
            [("/positive", "conflict")],
        ),
        ("new", {"kind": "csat", "scale": {"low": 1, "high": 5}}, [("/positive", "missing")]),
        (
            "new",
            {"kind": "csat", "scale": {"low": 5, "high": 5}, "positive": [5, 7]},
            [("/positive/1", "out-of-range"), ("/scale/high", "out-of-order")],
        ),
        (
            "new",
            {"kind": "csat", "scale": {"low": 1, "high": 5}, "positive": [9, 5, 1, 8]},
            [("/positive/0", "out-of-range"), ("/positive/3", "out-of-range")],
        ),
        (
            "new_form",
            {"kind": "nps", "scale": {"low": 0, "high": 10}},
            [("path:form", "format")],
        ),
    ],
)
async def test_wrong_forms_are_refused(
    partner: Partner, path: str, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    response = await partner.put(f"/v1/survey_forms/{path}", body)
    assert response.status_code == 400, response.text
    assert _pointers(response) == errors


async def test_bounds_and_tenants(
    partner: Partner, stranger: Partner, key_maker: KeyMaker, learner: str
) -> None:
    yesterday = (datetime.now(UTC).date() - timedelta(days=1)).isoformat()
    team = await partner.team()
    colleague = await partner.learner(memberships=[{"team_id": team, "from": yesterday}])
    made = {}
    for person in (learner, colleague):
        body = {"form": "csat-5", "learner_id": person, "score": 2}
        made[person] = (await partner.post("/v1/surveys", body)).json()["id"]
    text = await key_maker.new(
        partner.tenant.tenant_id,
        scopes=["surveys:read", "surveys:write"],
        team_ids=[parse_id("team", team)],
    )
    bound = partner.as_key(text)
    assert (await bound.get(f"/v1/surveys/{made[learner]}")).status_code == 404
    assert (await bound.get(f"/v1/surveys/{made[colleague]}")).status_code == 200
    assert (await stranger.get(f"/v1/surveys/{made[colleague]}")).status_code == 404
    seen = {each["learner_id"] for each in (await bound.get("/v1/surveys")).json()["data"]}
    assert seen == {colleague}
    body = {"form": "csat-5", "learner_id": learner, "score": 2}
    assert _pointers(await bound.post("/v1/surveys", body)) == [("/learner_id", "not-found")]
    scoring = await _scoring(partner, learner)
    body = {"form": "csat-5", "conversation_id": scoring["conversation"]["id"], "score": 2}
    assert _pointers(await bound.post("/v1/surveys", body)) == [("/conversation_id", "not-found")]
    form = {"kind": "csat", "scale": {"low": 1, "high": 5}, "positive": [5]}
    assert (await bound.put("/v1/survey_forms/csat-5", form)).status_code == 403


async def test_external_ids_rest_sealed(partner: Partner, database: Database, learner: str) -> None:
    body = {"form": "nps", "learner_id": learner, "external_id": "case 4432 Priya"}
    made = (await partner.post("/v1/surveys", body)).json()
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        row = await connection.fetchrow(
            "select * from surveys where tenant_id = $1 and survey_id = $2",
            partner.tenant.tenant_id,
            parse_id("svy", made["id"]),
        )
    assert row is not None
    assert b"Priya" not in b"".join(value for value in row if isinstance(value, bytes))


async def test_contacts_come_with_conversations_and_change_later(
    partner: Partner, learner: str
) -> None:
    contact = {"talk_s": 200, "hold_s": 30, "is_first_contact": True}
    scoring = await _scoring(partner, learner, contact=contact)
    assert scoring["conversation"]["contact"] == {
        "talk_s": 200,
        "hold_s": 30,
        "after_work_s": None,
        "handle_time_s": 230,
        "is_first_contact": True,
        "is_resolved": None,
        "is_transferred": None,
    }
    path = f"/v1/scorings/{scoring['id']}"
    changed = await partner.put(f"{path}/contact", {**contact, "is_resolved": True})
    assert changed.json()["conversation"]["contact"]["is_resolved"] is True
    assert (await partner.get(path)).json()["conversation"] == changed.json()["conversation"]
    plain = await _scoring(partner, learner)
    assert plain["conversation"]["contact"] is None
    practice = await partner.put(f"/v1/scorings/scr_{'0' * 26}/contact", contact)
    assert practice.status_code == 404


@pytest.mark.parametrize(
    ("contact", "errors"),
    [
        ({}, [("", "missing")]),
        ({"hold_s": 3}, [("/talk_s", "missing")]),
        (
            {"talk_s": -1, "is_resolved": "yes"},
            [("/is_resolved", "type"), ("/talk_s", "out-of-range")],
        ),
    ],
)
async def test_wrong_contacts_are_refused(
    partner: Partner, learner: str, contact: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    body = {"conversation": {**CALL, "contact": contact}, "learner_id": learner}
    response = await partner.post("/v1/scorings", body)
    expected = [(f"/conversation/contact{pointer}", code) for pointer, code in errors]
    assert _pointers(response) == expected


async def test_batches_of_conversations_bring_contacts_too(partner: Partner, learner: str) -> None:
    one = {"conversation": {**CALL, "contact": {"handle_time_s": 300}}, "learner_id": learner}
    other = {
        "conversation": CALL,
        "learner_id": learner,
        "occurred_at": f"{date(2026, 1, 5)}T10:00:00Z",
    }
    batch = await partner.post(
        "/v1/scoring_batches", {"conversations": [one, other]}, key=str(IDS.new())
    )
    views = [
        (await partner.get(f"/v1/scorings/{item['scoring_id']}")).json()["conversation"]["contact"]
        for item in batch.json()["conversations"]
    ]
    assert [view and view["handle_time_s"] for view in views] == [300, None]

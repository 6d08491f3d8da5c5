"""Programs over HTTP: described, changed, refused, and asked for what they brought."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from nats.aio.client import Client

from services.reporting.desk import Desk, Question
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.roi.answer import program_roi
from shared.clock import SystemClock
from shared.contracts.reports.roi import ROI, RoiQuery
from shared.db.pool import Database
from shared.ids import format_id
from tests.integration.api.conftest import IDS, KeyMaker, Partner

COURSE = {
    "name": "Empathy in the first minute",
    "baseline_from": "2025-10-01",
    "starts_on": "2026-01-05",
    "ends_on": "2026-01-30",
    "measured_to": "2026-04-30",
    "currency": "EUR",
    "costs": [
        {"kind": "design", "amount": 4000},
        {"kind": "learner_time", "label": "Floor", "hours": 100, "hourly_cost": 40},
    ],
}
HANDED_IN = {
    "key": "returns",
    "label": "Goods sent back",
    "measure": "handed_in",
    "better": "down",
    "unit": "per month",
    "unit_value": 10,
    "units_per_year": 12,
    "confidence_share": 0.5,
    "handed_in": {
        "before": 900,
        "after": 600,
        "comparison_before": 880,
        "comparison_after": 830,
        "low": -330,
        "high": -170,
        "people": 60,
    },
}


async def described(partner: Partner, **fields: Any) -> dict[str, Any]:
    treated = {"team_ids": [await partner.team()]}
    response = await partner.post("/v1/programs", {**COURSE, "treated": treated, **fields})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def change(partner: Partner, path: str, body: Any) -> httpx.Response:
    return await partner.http.patch(path, headers=partner.headers, json=body)


@pytest.fixture
async def reporting(database: Database, nats: Client) -> AsyncIterator[None]:
    endpoint = QuestionEndpoint(
        nats, Desk(database, SystemClock()), (Question(ROI, RoiQuery, program_roi),)
    )
    await endpoint.open()
    await nats.flush()
    yield
    await endpoint.close()


async def wrong(partner: Partner, status: int = 400, **fields: Any) -> dict[str, str]:
    """What is refused: codes by pointer."""
    body = {**COURSE, "treated": {"team_ids": [await partner.team()]}, **fields}
    response = await partner.post("/v1/programs", body)
    assert response.status_code == status, response.text
    return {each["pointer"]: each["code"] for each in response.json()["errors"]}


async def test_a_program_is_kept_as_it_was_described(partner: Partner):
    made = await described(partner, metrics=[HANDED_IN], intangibles=["Calmer floor"])
    assert made["id"].startswith("prog_")
    assert (made["total_costs"], made["isolation"]) == (8000.0, "estimate")
    assert made["metrics"][0]["handed_in"]["people"] == 60
    assert (await partner.get(f"/v1/programs/{made['id']}")).json() == made
    page = (await partner.get("/v1/programs", params={"limit": 100})).json()
    assert made in page["data"]


async def test_texts_and_money_rest_sealed(partner: Partner, database_url: str):
    made = await described(partner, name="Zephyr", metrics=[HANDED_IN])
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("select p::text as text from app.programs p")
    finally:
        await connection.close()
    assert rows
    seen = " ".join(row["text"] for row in rows)
    for secret in ("Zephyr", "Goods sent back", "4000"):
        assert secret not in seen
        assert secret.encode().hex() not in seen
    assert made["name"] == "Zephyr"


async def test_a_repeat_makes_one(partner: Partner):
    body = {**COURSE, "treated": {"team_ids": [await partner.team()]}}
    first = await partner.post("/v1/programs", body, key="once")
    again = await partner.post("/v1/programs", body, key="once")
    assert (first.json(), again.status_code) == (again.json(), 201)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_change_keeps_what_it_does_not_name(partner: Partner):
    made = await described(partner, metrics=[HANDED_IN])
    path = f"/v1/programs/{made['id']}"
    response = await change(partner, path, {"measured_to": "2026-06-30", "reaction": None})
    assert response.status_code == 200, response.text
    changed = response.json()
    assert changed["updated_at"] >= made["updated_at"]
    same = {"measured_to", "updated_at"}
    assert {name: value for name, value in changed.items() if name not in same} == {
        name: value for name, value in made.items() if name not in same
    }
    again = await change(partner, path, {"measured_to": "2026-06-30"})
    assert again.json() == changed


async def test_a_change_must_fit(partner: Partner):
    made = await described(partner)
    path = f"/v1/programs/{made['id']}"
    response = await change(partner, path, {"isolation": "comparison", "ends_on": "2025-12-01"})
    assert response.status_code == 400
    assert {each["pointer"] for each in response.json()["errors"]} == {"/isolation", "/ends_on"}
    people = await change(partner, path, {"treated": made["treated"]})
    assert people.json()["errors"][0]["code"] == "unknown-field"


async def test_every_wrong_field_is_named(partner: Partner):
    found = await wrong(
        partner,
        starts_on="2025-10-01",
        measured_to="2026-01-30",
        isolation="comparison",
    )
    assert found == {
        "/starts_on": "out-of-range",
        "/measured_to": "out-of-range",
        "/isolation": "contradiction",
    }
    costs = [{"kind": "design"}, {"kind": "other", "amount": 1, "hours": 2}, {"kind": "x"}]
    assert set(await wrong(partner, costs=costs)) == {
        "/costs/0/amount",
        "/costs/1/amount",
        "/costs/2/kind",
    }
    metric = {**HANDED_IN, "form": "csat", "handed_in": {"before": 1, "after": 2, "low": 5}}
    assert set(await wrong(partner, metrics=[metric])) == {"/metrics/0/handed_in/high"}
    outside = {**HANDED_IN["handed_in"], "low": -10, "high": 10}
    assert set(await wrong(partner, metrics=[{**HANDED_IN, "handed_in": outside}])) == {
        "/metrics/0/handed_in/low"
    }
    assert set(await wrong(partner, metrics=[HANDED_IN, HANDED_IN])) == {"/metrics/1/key"}


async def test_what_does_not_exist_is_named(partner: Partner):
    team = await partner.team()
    nobody = format_id("team", IDS.new())
    csat = {"key": "csat", "label": "CSAT", "measure": "csat", "form": "nowhere"}
    assert await wrong(partner, 404, treated={"team_ids": [team, nobody]}) == {
        "/treated/team_ids/1": "not-found"
    }
    assert await wrong(partner, 404, metrics=[csat]) == {"/metrics/0/form": "not-found"}
    assert (await partner.get(f"/v1/programs/{format_id('prog', IDS.new())}")).status_code == 404


async def test_cohorts_do_not_overlap_and_are_of_one_form(partner: Partner):
    team = await partner.team()
    learners = [await partner.learner() for _ in range(5)]
    treated = {"team_ids": [team]}
    assert set(await wrong(partner, treated=treated, comparison=treated)) == {
        "/comparison/team_ids/0"
    }
    named = {"learner_ids": learners}
    assert set(await wrong(partner, treated=treated, comparison=named)) == {"/comparison"}
    few = {"learner_ids": learners[:4]}
    assert await wrong(partner, treated=few) == {"/treated/learner_ids": "too-short"}


async def test_almost_the_same_people_are_refused(partner: Partner):
    people = [await partner.learner() for _ in range(16)]
    await described(partner, treated={"learner_ids": people[:10]})
    await described(partner, treated={"learner_ids": people[:10]})
    await described(partner, treated={"learner_ids": people[:5]})
    for near in (people[:9], people[:11], people[9:15]):
        found = await wrong(partner, treated={"learner_ids": near})
        assert found == {"/treated/learner_ids": "too-near"}


async def test_bound_keys_and_strangers_see_nothing(
    partner: Partner, stranger: Partner, key_maker: KeyMaker
):
    made = await described(partner)
    assert (await stranger.get(f"/v1/programs/{made['id']}")).status_code == 404
    assert made not in (await stranger.get("/v1/programs")).json()["data"]
    bound = await key_maker.new(
        partner.tenant.tenant_id,
        scopes=["reports:read", "settings:write"],
        team_ids=[IDS.new()],
    )
    headers = {"Authorization": f"Bearer {bound}"}
    for path in ("", f"/{made['id']}"):
        response = await partner.http.get(f"/v1/programs{path}", headers=headers)
        assert response.status_code == 403
    path = f"/v1/reports/programs/{made['id']}/roi"
    assert (await partner.http.get(path, headers=headers)).status_code == 403


async def test_a_return_from_figures_handed_in(partner: Partner, reporting: None):
    made = await described(partner, metrics=[HANDED_IN])
    response = await partner.get(f"/v1/reports/programs/{made['id']}/roi")
    assert response.status_code == 200, response.text
    found = response.json()
    assert list(found)[:4] == ["program_id", "name", "not_proven", "headline"]
    assert found["impact"]["metrics"][0]["effect"] == -250.0
    assert found["returns"]["proven"] == {
        "benefits": 15000.0,
        "costs": 8000.0,
        "bcr": 1.875,
        "roi_percent": 87.5,
        "payback_months": 6.4,
    }
    assert found["returns"]["cautious"]["benefits"] == 170 * 10 * 12 * 0.5
    assert "Level 2, learning: not measured." in found["not_proven"]
    assert found["as_of"]["behind"] == 0


async def test_without_reporting_it_can_be_tried_again(partner: Partner):
    made = await described(partner)
    response = await partner.get(f"/v1/reports/programs/{made['id']}/roi")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert (await partner.get(f"/v1/programs/{made['id']}")).status_code == 200

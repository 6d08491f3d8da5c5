"""From calls to a page that a manager forwards: the weekly report of a team on the whole product."""

import asyncio
import csv
import io
from datetime import UTC, datetime, time, timedelta
from typing import Any

from temporalio.client import Client

from services.orchestrator.reports.schedule import PASSES
from tests.e2e.partner import Partner
from tests.e2e.truth import settled
from tests.support.waiting import eventually

PEOPLE, WEEKS = 6, 3


async def test_a_team_gets_its_page_when_its_hour_has_come(partner: Partner) -> None:
    team = await _history(partner)
    trend = await partner.get(f"/v1/reports/teams/{team}/trend", skill="relate.empathy")
    assert [(each["n"], each["learners"]) for each in trend["data"]] == [(PEOPLE, PEOPLE)] * WEEKS
    table = await partner.http.get(f"/v1/reports/teams/{team}/table?skill=relate.empathy")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [float(row["mean"]) for row in rows] == [each["mean"] for each in trend["data"]]

    switched = await partner.http.put(
        "/v1/settings/reports",
        json={"expected_revision": 0, "is_weekly": True, "weekly_weekday": 1, "weekly_hour": 0},
    )
    assert switched.status_code == 200, switched.text
    document = await _after_the_next_pass(partner)

    assert document["team_id"] == team
    page = await partner.get(document["url"])
    assert page["headline"]
    assert {each["skill"] for each in page["skills"]} >= {"relate.empathy"}
    html = await partner.http.get(document["url"], headers={"Accept": "text/html"})
    assert html.text.count("<svg") == 3
    assert page["headline"] in html.text
    pdf = await partner.http.get(document["url"], params={"format": "pdf"})
    assert pdf.content.startswith(b"%PDF-")
    events = [each for each in await _events(partner) if each["type"] == "report.ready"]
    assert [each["data"]["id"] for each in events] == [document["id"]]
    again = await partner.insist("/v1/reports/documents", {"week": document["week"]})
    assert again.json()["made"] == 0


async def _history(partner: Partner) -> str:
    """Have six people call in each of the last three whole weeks; return their team."""
    team = await partner.team("Delivery desk")
    people = [await partner.learner(team) for _ in range(PEOPLE)]
    today = datetime.now(UTC).date()
    monday = datetime.combine(today - timedelta(days=today.weekday()), time(12), UTC)
    days = [monday - timedelta(weeks=weeks) for weeks in range(1, WEEKS + 1)]
    await asyncio.gather(
        *(partner.score(one, 4, occurred_at=day.isoformat()) for one in people for day in days)
    )
    await settled(partner)

    async def all_is_counted() -> bool:
        fresh = await partner.get("/v1/reports/freshness")
        return bool(fresh["as_of"]["behind"] == 0)

    await eventually(all_is_counted, timeout_s=30)
    return team


async def _after_the_next_pass(partner: Partner) -> Any:
    """Have the schedule look now and not in some minutes; return the page that it made."""
    client = await Client.connect(partner.product.up.temporal_address)
    await client.get_schedule_handle(PASSES.schedule_id).trigger()

    async def is_made() -> bool:
        return bool((await partner.get("/v1/reports/documents"))["data"])

    await eventually(is_made, timeout_s=60)
    (document,) = (await partner.get("/v1/reports/documents"))["data"]
    return document


async def _events(partner: Partner) -> list[Any]:
    found: list[Any] = []

    async def is_there() -> bool:
        found[:] = (await partner.get("/v1/events", limit=100))["data"]
        return any(each["type"] == "report.ready" for each in found)

    await eventually(is_there, timeout_s=30)
    return found

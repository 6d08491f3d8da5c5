"""Exports over HTTP: the numbers of the API, whole, in order, for whoever may see them. [R-F2]"""

import csv
import io
import json
from typing import Any

import pytest

from services.api.exports import service
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.scored import assess, judged, score_simulation
from tests.support.tenants import TenantFactory

PATH = "/v1/assessments/export"

TURNS = [
    {"role": "customer", "text": "My parcel is late and nobody has told me anything."},
    {"role": "agent", "text": "I am sorry. I will call the depot and ring you back today."},
]


class Office:
    """A tenant of the test's own: what it exports is all that there is."""

    def __init__(self, partner: Partner, database: Database, keys: KeyRing) -> None:
        self.partner, self._database, self._keys = partner, database, keys
        self.tenant_id = partner.tenant.tenant_id

    async def call(self, learner: str, overall: int | None, **fields: Any) -> str:
        conversation = {"source": "call", "turns": TURNS}
        if "external_id" in fields:
            conversation["external_id"] = fields.pop("external_id")
        body = {"conversation": conversation, "learner_id": learner, **fields}
        scoring: str = (await self.partner.post("/v1/scorings", body)).json()["id"]
        await self.revise(scoring, overall, 1)
        return scoring

    async def revise(self, scoring: str, overall: int | None, revision: int) -> None:
        result = judged(
            overall,
            {"relate.empathy": overall, "relate.patience": None},
            roots={"relate": overall},
            passed=None if overall is None else overall >= 50,
        )
        scoring_id = parse_id("scr", scoring)
        await assess(
            self._database, self._keys, self.tenant_id, scoring_id, result, revision=revision
        )

    async def practice(self, learner: str, overall: int) -> dict[str, Any]:
        simulation = await self.partner.simulation(learner)
        await score_simulation(
            self._database,
            self._keys,
            self.tenant_id,
            parse_id("sim", simulation["id"]),
            judged(overall, {"relate.empathy": overall}, roots={"relate": overall}),
        )
        return simulation

    async def csv(self, **params: Any) -> list[dict[str, str]]:
        response = await self.partner.get(PATH, params=params)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/csv")
        return list(csv.DictReader(io.StringIO(response.text, newline="")))

    async def json(self, **params: Any) -> list[dict[str, Any]]:
        response = await self.partner.get(PATH, params={**params, "format": "ndjson"})
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("application/x-ndjson")
        return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
async def office(
    partner: Partner, database: Database, keys: KeyRing, tenants: TenantFactory
) -> Office:
    return Office(Partner(partner.http, await tenants.new()), database, keys)


async def test_both_formats_say_what_the_list_says(office: Office) -> None:
    team = await office.partner.team()
    learner = await office.partner.learner(
        external_id="=cmd|' /C calc'!A0", memberships=[{"team_id": team, "from": "2026-01-01"}]
    )
    call = await office.call(
        learner, 40, external_id="-2+3", occurred_at="2026-03-04T05:06:07.089Z"
    )
    await office.revise(call, 81, 2)
    await office.call(learner, None, occurred_at="2025-03-04T05:06:07Z")
    simulation = await office.practice(learner, 64)

    rows, lines = await office.csv(), await office.json()

    listed = (await office.partner.get("/v1/assessments")).json()["data"]
    for found in (rows, lines):
        assert [each["assessment_id"] for each in found] == [each["id"] for each in listed]
    first, unscored, practiced = rows
    assert first["overall"] == "81"
    assert (first["revision"], first["passed"], first["status"]) == ("2", "true", "scored")
    assert (first["root.relate"], first["skill.relate.empathy"]) == ("81", "81")
    assert first["skill.relate.patience"] == ""
    assert (first["learner_external_id"], first["conversation_external_id"]) == (
        "'=cmd|' /C calc'!A0",
        "'-2+3",
    )
    assert first["occurred_at"] == "2026-03-04T05:06:07.089Z"
    assert (first["team_id"], unscored["team_id"]) == (team, "")
    assert (unscored["overall"], unscored["status"]) == ("", "not_scored")
    assert (practiced["simulation_id"], practiced["scenario"]) == (
        simulation["id"],
        simulation["scenario"]["slug"],
    )
    assert lines[0]["learner_external_id"] == "=cmd|' /C calc'!A0"
    assert lines[0]["skills"] == {"relate.empathy": 81}
    for row, line in zip(rows, lines, strict=True):
        assert row["overall"] == ("" if line["overall"] is None else str(line["overall"]))
        for name, score in line["skills"].items():
            assert int(row[f"skill.{name}"]) == score
        for name, score in line["roots"].items():
            assert int(row[f"root.{name}"]) == score


async def test_filters_are_those_of_the_list(office: Office) -> None:
    learner, other = await office.partner.learner(), await office.partner.learner()
    low, high = await office.call(learner, 20), await office.call(learner, 90)
    await office.call(other, 90)
    simulation = await office.practice(learner, 90)

    for params, wanted in (
        ({"learner_id": learner, "score_min": 50, "source": "call"}, [high]),
        ({"learner_id": learner, "score_max": 50}, [low]),
        ({"source": "simulation"}, [simulation["id"].replace("sim_", "scr_")]),
        ({"created_before": "2020-01-01T00:00:00Z"}, []),
    ):
        assert [each["scoring_id"] for each in await office.csv(**params)] == wanted
        assert [each["scoring_id"] for each in await office.json(**params)] == wanted


async def test_many_pages_are_one_file(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ROWS_AT_ONCE", 3)
    learner = await office.partner.learner()
    made = [await office.call(learner, number) for number in range(10)]

    rows = await office.csv(occurred_after="2020-01-01T00:00:00Z")

    assert [each["scoring_id"] for each in rows] == made
    assert [int(each["overall"]) for each in rows] == list(range(10))
    for count in (3, 6, 9):
        ids = [each["scoring_id"] for each in await office.json(score_max=count - 1)]
        assert ids == made[:count]


async def test_nothing_is_a_file_with_a_header(office: Office) -> None:
    response = await office.partner.get(PATH)

    assert response.text.count("\r\n") == 1
    assert response.text.startswith("assessment_id,scoring_id,")
    assert response.headers["content-disposition"] == 'attachment; filename="assessments.csv"'
    assert await office.json() == []


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("text/html, application/x-ndjson;q=0.9", "application/x-ndjson"),
        ("*/*", "text/csv"),
        ("image/png", "text/csv"),
    ],
)
async def test_accept_chooses_the_format(partner: Partner, accept: str, kind: str) -> None:
    response = await partner.http.get(PATH, headers={**partner.headers, "Accept": accept})

    assert response.headers["content-type"].startswith(kind)


async def test_own_and_hidden_skills(office: Office) -> None:
    word = {"name": "Upsell", "definition": "Offers what fits."}
    assert (await office.partner.put("/v1/skills/solve.upsell", word)).status_code == 200
    await office.partner.put("/v1/skills/relate.empathy", {"hidden": True})
    await office.call(await office.partner.learner(), 50)

    (row,) = await office.csv()

    assert row["skill.solve.upsell"] == ""
    assert "skill.relate.empathy" not in row
    assert (await office.json())[0]["skills"] == {}


async def test_of_erased_people_the_open_numbers_stay(office: Office, database: Database) -> None:
    learner = await office.partner.learner()
    await office.call(learner, 50, external_id="call 1")
    async with tenant_tx(database, office.tenant_id) as connection:
        await connection.execute("delete from learner_keys where tenant_id = $1", office.tenant_id)

    (row,) = await office.csv()

    assert (row["overall"], row["learner_external_id"]) == ("50", "")
    assert (row["conversation_external_id"], row["skill.relate.empathy"]) == ("", "")


async def test_who_may_export_what(office: Office, stranger: Partner, key_maker: KeyMaker) -> None:
    team = await office.partner.team()
    member = await office.partner.learner(memberships=[{"team_id": team}])
    mine = await office.call(member, 50)
    await office.call(await office.partner.learner(), 60)
    bound = await key_maker.new(office.tenant_id, scopes=SCOPES, team_ids=[parse_id("team", team)])
    narrow = await key_maker.new(
        office.tenant_id, scopes=[scope for scope in SCOPES if scope != "exports:read"]
    )

    seen = Office(office.partner.as_key(bound), None, None)  # type: ignore[arg-type]  # it only reads
    assert [each["scoring_id"] for each in await seen.csv()] == [mine]
    refused = await office.partner.as_key(narrow).get(PATH)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
    foreign = await stranger.get(PATH, params={"team_id": team})
    assert foreign.json()["errors"][0]["pointer"] == "query:team_id"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"format": "xlsx"}, "query:format"),
        ({"limit": 5}, "query:limit"),
        ({"cursor": "x"}, "query:cursor"),
        ({"score_min": 5, "score_max": 4}, "query:score_max"),
        ({"rubric": str(IDS.new())}, "query:rubric"),
    ],
)
async def test_wrong_parameters_are_named(
    partner: Partner, params: dict[str, Any], pointer: str
) -> None:
    response = await partner.get(PATH, params=params)

    assert response.status_code == 400
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]

"""Finding simulations, scorings and assessments again."""

from typing import Any

import pytest

from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import format_id, parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.support.scored import assess, judged, score_simulation

TURNS = [
    {"role": "customer", "text": "My parcel is late and nobody has told me anything."},
    {"role": "agent", "text": "I am sorry. I will call the depot and ring you back today."},
]


class Shop:
    """What one partner made: ids by the names that the tests use."""

    def __init__(self, partner: Partner, database: Database, keys: KeyRing) -> None:
        self.partner, self._database, self._keys = partner, database, keys
        self.tenant_id = partner.tenant.tenant_id

    async def call(self, learner: str, overall: int | None = None, **fields: Any) -> str:
        conversation = {"source": fields.pop("source", "call"), "turns": TURNS}
        if "external_id" in fields:
            conversation["external_id"] = fields.pop("external_id")
        body = {"conversation": conversation, "learner_id": learner, **fields}
        response = await self.partner.post("/v1/scorings", body)
        assert response.status_code == 202, response.text
        scoring: str = response.json()["id"]
        if overall is not None:
            await self.assessed(scoring, overall)
        return scoring

    async def assessed(self, scoring: str, overall: int, revision: int = 1) -> str:
        made = await assess(
            self._database,
            self._keys,
            self.tenant_id,
            parse_id("scr", scoring),
            judged(overall, {"relate.empathy": overall}),
            revision=revision,
        )
        return format_id("asm", made)

    async def practice(self, learner: str, overall: int | None = None, **fields: Any) -> str:
        simulation: str = (await self.partner.simulation(learner, **fields))["id"]
        if overall is not None:
            await score_simulation(
                self._database,
                self._keys,
                self.tenant_id,
                parse_id("sim", simulation),
                judged(overall, {"relate.empathy": overall}),
            )
        return simulation

    async def ids(self, noun: str, field: str = "id", **params: Any) -> list[str]:
        response = await self.partner.get(f"/v1/{noun}", params=params)
        assert response.status_code == 200, response.text
        return [each[field] for each in response.json()["data"]]


@pytest.fixture
async def shop(partner: Partner, database: Database, keys: KeyRing) -> Shop:
    return Shop(partner, database, keys)


async def test_scores_look_at_the_revision_that_counts(shop: Shop) -> None:
    learner = await shop.partner.learner()
    low, high = await shop.call(learner, 30), await shop.call(learner, 80)
    waiting = await shop.call(learner)

    assert await shop.ids("scorings", learner_id=learner) == [low, high, waiting]
    assert await shop.ids("scorings", learner_id=learner, score_min=80) == [high]
    assert await shop.ids("scorings", learner_id=learner, score_max=30) == [low]
    assert await shop.ids("scorings", learner_id=learner, score_min=31, score_max=79) == []
    revised = await shop.assessed(low, 95, revision=2)
    assert await shop.ids("scorings", learner_id=learner, score_min=90) == [low]
    assert await shop.ids("assessments", learner_id=learner, score_min=90) == [revised]
    assert await shop.ids("assessments", "scoring_id", learner_id=learner) == [low, high]


async def test_an_item_has_the_numbers_of_its_skills(shop: Shop) -> None:
    learner = await shop.partner.learner()
    simulation = await shop.practice(learner, 64)

    (item,) = (await shop.partner.get("/v1/assessments", params={"learner_id": learner})).json()[
        "data"
    ]

    assert item["simulation_id"] == simulation
    assert item["overall"] == 64
    assert item["skills"] == [{"skill": "relate.empathy", "status": "scored", "score": 64}]
    assert (item["source"], item["revision"], item["is_latest"]) == ("simulation", 1, True)


async def test_status_and_source(shop: Shop) -> None:
    learner = await shop.partner.learner()
    chat, call = await shop.call(learner, source="chat"), await shop.call(learner, 50)
    simulation = await shop.practice(learner, 50)
    is_open = await shop.practice(learner)

    assert await shop.ids("scorings", learner_id=learner, source="chat") == [chat]
    assert await shop.ids("scorings", learner_id=learner, status="queued") == [chat]
    assert await shop.ids("assessments", "scoring_id", learner_id=learner, source="call") == [call]
    assert await shop.ids(
        "assessments", "simulation_id", learner_id=learner, source="simulation"
    ) == [simulation]
    assert await shop.ids("simulations", learner_id=learner, status="open") == [is_open]
    assert await shop.ids("simulations", learner_id=learner, status="scored") == [simulation]
    assert await shop.ids("simulations", learner_id=learner, score_min=50) == [simulation]


async def test_a_scenario_by_slug_and_id(shop: Shop) -> None:
    learner = await shop.partner.learner()
    one, other = (await shop.partner.get("/v1/scenarios", params={"limit": 2})).json()["data"]
    first = await shop.practice(learner, 40, scenario=one["slug"])
    await shop.practice(learner, 40, scenario=other["slug"])

    for reference in (one["slug"], one["id"]):
        asked = {"learner_id": learner, "scenario": reference}
        assert await shop.ids("simulations", **asked) == [first]
        assert await shop.ids("scorings", "simulation_id", **asked) == [first]
        assert await shop.ids("assessments", "simulation_id", **asked) == [first]


async def test_a_rubric_by_slug_and_id(shop: Shop) -> None:
    learner = await shop.partner.learner()
    rubrics = (await shop.partner.get("/v1/rubrics", params={"limit": 2})).json()["data"]
    made = [await shop.call(learner, 50, rubric=each["slug"]) for each in rubrics]

    for scoring, rubric in zip(made, rubrics, strict=True):
        for reference in (rubric["slug"], rubric["id"]):
            asked = {"learner_id": learner, "rubric": reference}
            assert await shop.ids("scorings", **asked) == [scoring]
            assert await shop.ids("assessments", "scoring_id", **asked) == [scoring]


async def test_an_external_id_is_the_conversations_or_the_learners(shop: Shop) -> None:
    name = str(IDS.new())
    learner, other = await shop.partner.learner(external_id=name), await shop.partner.learner()
    by_learner = await shop.call(learner, 50)
    by_conversation = await shop.call(other, 50, external_id=name)
    simulation = await shop.practice(learner)
    await shop.call(other, 50, external_id="another")

    assert await shop.ids("scorings", external_id=name) == [by_learner, by_conversation]
    assert await shop.ids("assessments", "scoring_id", external_id=name) == [
        by_learner,
        by_conversation,
    ]
    assert await shop.ids("simulations", external_id=name) == [simulation]
    assert await shop.ids("scorings", external_id="nobody") == []


async def test_a_team_is_that_of_the_day(shop: Shop) -> None:
    old, new = await shop.partner.team(), await shop.partner.team()
    learner = await shop.partner.learner(
        memberships=[
            {"team_id": old, "from": "2026-01-01", "to": "2026-03-01"},
            {"team_id": new, "from": "2026-03-01"},
        ]
    )
    february = await shop.call(learner, 50, occurred_at="2026-02-28T23:59:59Z")
    march = await shop.call(learner, 60, occurred_at="2026-03-01T00:00:00Z")
    before = await shop.call(learner, 70, occurred_at="2025-12-31T23:59:59Z")

    assert await shop.ids("scorings", team_id=old) == [february]
    assert await shop.ids("scorings", team_id=new) == [march]
    assert await shop.ids("assessments", "scoring_id", team_id=old, score_max=50) == [february]
    assert await shop.ids("assessments", "scoring_id", team_id=old, score_min=51) == []
    assert before in await shop.ids("scorings", learner_id=learner)


async def test_times_are_half_open_and_order_the_list(shop: Shop) -> None:
    learner = await shop.partner.learner()
    late = await shop.call(learner, 50, occurred_at="2026-05-02T00:00:00Z")
    early = await shop.call(learner, 50, occurred_at="2026-05-01T00:00:00Z")
    asked = {"learner_id": learner, "occurred_after": "2026-05-01T00:00:00Z"}

    assert await shop.ids("scorings", learner_id=learner) == [late, early]
    assert await shop.ids("scorings", **asked) == [early, late]
    assert await shop.ids("scorings", **asked, occurred_before="2026-05-02T00:00:00Z") == [early]
    assert await shop.ids("assessments", "scoring_id", **asked) == [early, late]
    created = (await shop.partner.get(f"/v1/scorings/{early}")).json()["created_at"]
    assert await shop.ids("scorings", learner_id=learner, created_after=created) == [early]
    assert await shop.ids("scorings", learner_id=learner, created_before=created) == [late]


async def test_pages_go_on_where_the_one_before_ended(shop: Shop) -> None:
    team = await shop.partner.team()
    learners = [await shop.partner.learner(memberships=[{"team_id": team}]) for _ in range(3)]
    made = [await shop.call(learners[number % 3], 50) for number in range(7)]
    for noun, field in (("scorings", "id"), ("assessments", "scoring_id")):
        for asked in (
            {"team_id": team},
            {"team_id": team, "occurred_after": "2020-01-01T00:00:00Z"},
        ):
            found: list[str] = []
            cursor: dict[str, Any] = {}
            while True:
                params = {**asked, "limit": 3, **cursor}
                page = (await shop.partner.get(f"/v1/{noun}", params=params)).json()
                found += [each[field] for each in page["data"]]
                if page["next_cursor"] is None:
                    break
                cursor = {"cursor": page["next_cursor"]}
            assert found == made


async def test_a_bound_key_finds_its_own_people_only(shop: Shop, key_maker: KeyMaker) -> None:
    mine, theirs = await shop.partner.team(), await shop.partner.team()
    member = await shop.partner.learner(memberships=[{"team_id": mine}])
    stranger = await shop.partner.learner(memberships=[{"team_id": theirs}])
    own, foreign = await shop.call(member, 50), await shop.call(stranger, 50)
    practiced = await shop.practice(member)
    await shop.practice(stranger)
    key = await key_maker.new(shop.tenant_id, scopes=SCOPES, team_ids=[parse_id("team", mine)])
    bound = Shop(shop.partner.as_key(key), None, None)  # type: ignore[arg-type]  # it only reads

    assert await bound.ids("scorings") == [own]
    assert await bound.ids("scorings", team_id=mine, score_min=1) == [own]
    assert await bound.ids("assessments", "scoring_id") == [own]
    assert await bound.ids("simulations") == [practiced]
    assert await bound.ids("scorings", learner_id=stranger) == []
    refused = await bound.partner.get("/v1/scorings", params={"team_id": theirs})
    assert (refused.status_code, _wrong(refused)) == (400, [("query:team_id", "not-found")])
    assert foreign not in await bound.ids("scorings", created_after="2020-01-01T00:00:00Z")


def _wrong(response: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("noun", "params", "wrong"),
    [
        ("scorings", {"source": "fax"}, [("query:source", "unknown-value")]),
        ("scorings", {"status": "open"}, [("query:status", "unknown-value")]),
        ("scorings", {"rubric": "no-such"}, [("query:rubric", "not-found")]),
        ("simulations", {"scenario": "no-such"}, [("query:scenario", "not-found")]),
        (
            "scorings",
            {"scenario": "no-such", "rubric": "no-such"},
            [("query:scenario", "not-found"), ("query:rubric", "not-found")],
        ),
        ("scorings", {"team_id": "team_" + "0" * 26}, [("query:team_id", "not-found")]),
        ("scorings", {"team_id": "lrn_" + "0" * 26}, [("query:team_id", "format")]),
        ("scorings", {"score_min": 101}, [("query:score_min", "out-of-range")]),
        ("scorings", {"score_min": 9, "score_max": 8}, [("query:score_max", "out-of-order")]),
        ("scorings", {"created_after": "yesterday"}, [("query:created_after", "format")]),
        (
            "scorings",
            {"created_after": "2026-01-01T00:00:00"},
            [("query:created_after", "time-zone-missing")],
        ),
        (
            "assessments",
            {"occurred_after": "2026-01-01T00:00:00Z", "occurred_before": "2026-01-01T00:00:00Z"},
            [("query:occurred_before", "out-of-order")],
        ),
        (
            "assessments",
            {"scenario": "support-angry-late-delivery", "source": "call"},
            [("query:scenario", "contradiction")],
        ),
        ("scorings", {"status": "queued", "score_min": 1}, [("query:status", "contradiction")]),
        ("simulations", {"status": "open", "score_max": 1}, [("query:status", "contradiction")]),
        ("assessments", {"status": "completed"}, [("query:status", "unknown-field")]),
        ("simulations", {"source": "call"}, [("query:source", "unknown-field")]),
    ],
)
async def test_what_cannot_be_asked_is_named(
    partner: Partner, noun: str, params: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    response = await partner.get(f"/v1/{noun}", params=params)

    assert response.status_code == 400
    assert _wrong(response) == wrong


async def test_a_strangers_names_are_unknown(partner: Partner, stranger: Partner) -> None:
    team = await stranger.team()

    response = await partner.get("/v1/scorings", params={"team_id": team})

    assert _wrong(response) == [("query:team_id", "not-found")]


async def test_a_cursor_belongs_to_its_filters(shop: Shop) -> None:
    learner = await shop.partner.learner()
    for _ in range(3):
        await shop.call(learner, 50)
    params = {"learner_id": learner, "limit": 1}
    page = (await shop.partner.get("/v1/scorings", params=params)).json()

    other = await shop.partner.get(
        "/v1/scorings", params={**params, "score_min": 1, "cursor": page["next_cursor"]}
    )

    assert (other.status_code, other.json()["code"]) == (400, "cursor-invalid")

"""Starting, reading and ending simulations over HTTP."""

import asyncio

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import FakeWorker, Partner


async def _jobs(database: Database, partner: Partner, simulation_id: str) -> list[str]:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        rows = await connection.fetch(
            "select payload ->> 'type' as type from jobs"
            " where tenant_id = $1 and payload ->> 'simulation_id' = $2 order by job_id",
            partner.tenant.tenant_id,
            str(parse_id("sim", simulation_id)),
        )
    return [row["type"] for row in rows]


async def test_the_customer_speaks_first(partner: Partner, database: Database) -> None:
    simulation = await partner.simulation(seed=3)

    opening = simulation["turns"][0]
    assert (opening["seq"], opening["role"]) == (0, "customer")
    assert opening["text"]
    assert set(opening["mind"]) == {
        "trust", "frustration", "patience", "clarity", "anxiety", "fairness",
    }  # fmt: skip
    assert simulation["status"] == "open"
    assert simulation["seed"] == 3
    assert simulation["brief"]
    assert simulation["goals"]
    assert "not a person" in simulation["notice"]
    assert simulation["created_at"].endswith("Z")
    assert await _jobs(database, partner, simulation["id"]) == ["start_simulation"]


async def test_the_same_seed_gives_the_same_opening(partner: Partner) -> None:
    lines = {(await partner.simulation(seed=5))["turns"][0]["text"] for _ in range(3)}

    assert len(lines) == 1


async def test_a_scenario_can_be_named_by_id(partner: Partner) -> None:
    scenario = (await partner.get("/v1/scenarios")).json()["data"][1]

    simulation = await partner.simulation(scenario=scenario["id"])

    assert simulation["scenario"]["slug"] == scenario["slug"]


async def test_everything_missing_is_named(partner: Partner, stranger: Partner) -> None:
    body = {
        "scenario": "no-such-scenario",
        "learner_id": await stranger.learner(),
        "mode": "interactive",
    }

    response = await partner.post("/v1/simulations", body)

    assert response.status_code == 404
    pointers = [error["pointer"] for error in response.json()["errors"]]
    assert pointers == ["/scenario", "/learner_id"]


async def test_fifty_equal_posts_make_one_simulation(partner: Partner, database: Database) -> None:
    body = {
        "scenario": await partner.scenario(),
        "learner_id": await partner.learner(),
        "mode": "interactive",
    }

    responses = await asyncio.gather(
        *(partner.post("/v1/simulations", body, key="one effect") for _ in range(50))
    )

    assert {response.status_code for response in responses} == {201}
    ids = {response.json()["id"] for response in responses}
    assert len(ids) == 1
    assert sum("idempotent-replayed" not in response.headers for response in responses) == 1
    assert await _jobs(database, partner, ids.pop()) == ["start_simulation"]


async def test_a_refused_request_does_not_use_up_its_key(partner: Partner) -> None:
    body = {"scenario": "no-such-scenario", "learner_id": await partner.learner()}
    refused = await partner.post("/v1/simulations", {**body, "mode": "interactive"}, key="kept")

    good = {**body, "mode": "interactive", "scenario": await partner.scenario()}
    response = await partner.post("/v1/simulations", good, key="kept")

    assert refused.status_code == 404
    assert response.status_code == 201


async def test_a_quoted_key_is_the_bare_key(partner: Partner) -> None:
    body = {
        "scenario": await partner.scenario(),
        "learner_id": await partner.learner(),
        "mode": "interactive",
    }
    bare = await partner.post("/v1/simulations", body, key="quoted-or-not")
    quoted = await partner.post("/v1/simulations", body, key='"quoted-or-not"')

    assert quoted.json()["id"] == bare.json()["id"]


async def test_a_key_is_required(partner: Partner) -> None:
    body = {"scenario": "x", "learner_id": await partner.learner(), "mode": "interactive"}

    response = await partner.post("/v1/simulations", body, key=None)

    assert response.status_code == 400
    assert response.json()["code"] == "idempotency-key-missing"


async def test_ending_is_idempotent_by_nature(
    partner: Partner, worker: FakeWorker, database: Database
) -> None:
    simulation = await partner.simulation()
    path = f"/v1/simulations/{simulation['id']}/end"

    first = await partner.post(path, key=None)
    second = await partner.post(path, key=None)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["status"] == "ended"
    assert first.json()["end_reason"] == "learner_ended"
    assert second.json() == first.json()
    jobs = await _jobs(database, partner, simulation["id"])
    assert jobs == ["start_simulation", "simulation_ended"]
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        events = await connection.fetch(
            "select type, sequence from events where tenant_id = $1 and resource_id = $2"
            " order by sequence",
            partner.tenant.tenant_id,
            parse_id("sim", simulation["id"]),
        )
    assert [tuple(event) for event in events] == [
        ("simulation.started", 1),
        ("simulation.ended", 2),
    ]


async def test_lists_page_without_loss_or_repeat(partner: Partner) -> None:
    learner = await partner.learner()
    made = [(await partner.simulation(learner))["id"] for _ in range(5)]

    seen: list[str] = []
    cursor = None
    while True:
        params = {"learner_id": learner, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await partner.get("/v1/simulations", params=params)).json()
        seen.extend(item["id"] for item in page["data"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == made


async def test_filters_and_limits(partner: Partner) -> None:
    simulation = await partner.simulation()
    await partner.post(f"/v1/simulations/{simulation['id']}/end")

    ended = await partner.get("/v1/simulations", params={"status": "ended", "limit": 100000})
    assert simulation["id"] in [item["id"] for item in ended.json()["data"]]
    assert {item["status"] for item in ended.json()["data"]} == {"ended"}


async def test_a_tampered_cursor_is_refused(partner: Partner) -> None:
    for cursor in ("x", "AAAAAAAAAAAAAAAAAAAAAA", "%F0%9F%98%80", "a" * 200):
        response = await partner.get("/v1/simulations", params={"cursor": cursor})
        assert response.status_code == 400
        assert response.json()["code"] == "cursor-invalid"


async def test_a_cursor_belongs_to_its_filters(partner: Partner) -> None:
    for _ in range(2):
        await partner.simulation()
    first = (await partner.get("/v1/simulations", params={"limit": 1})).json()["next_cursor"]

    same = await partner.get("/v1/simulations", params={"limit": 5, "cursor": first})
    other = await partner.get("/v1/simulations", params={"status": "open", "cursor": first})

    assert same.status_code == 200
    assert (other.status_code, other.json()["code"]) == (400, "cursor-invalid")


async def test_a_list_links_to_its_next_page(partner: Partner) -> None:
    for _ in range(2):
        await partner.simulation()
    first = await partner.get("/v1/simulations", params={"limit": 1})

    following = await partner.get(first.links["next"]["url"])

    assert following.status_code == 200
    assert following.json()["data"][0]["id"] > first.json()["data"][0]["id"]


async def test_wrong_query_parameters_are_all_named(partner: Partner) -> None:
    response = await partner.get(
        "/v1/simulations?limit=0&status=asleep&learner_id=lrn_x&color=red&limit=2"
    )

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [
        "query:limit",
        "query:color",
        "query:learner_id",
        "query:status",
    ]

"""Teams and learners over HTTP."""

from datetime import date, timedelta

from tests.integration.api.conftest import IDS, Partner


async def test_a_team_is_found_by_external_id(partner: Partner) -> None:
    external_id = str(IDS.new())
    team = await partner.team("Zürich ☀", external_id=external_id)

    found = (await partner.get("/v1/teams", params={"external_id": external_id})).json()["data"]

    assert [(each["id"], each["name"]) for each in found] == [(team, "Zürich ☀")]
    assert (await partner.get(f"/v1/teams/{team}")).json() == found[0]


async def test_a_learner_with_a_history_of_teams(partner: Partner) -> None:
    first, second = await partner.team(), await partner.team()
    learner = await partner.learner(
        name="Ada",
        memberships=[
            {"team_id": second, "from": "2026-03-01"},
            {"team_id": first, "from": "2026-01-01", "to": "2026-03-01"},
        ],
    )

    view = (await partner.get(f"/v1/learners/{learner}")).json()

    assert view["name"] == "Ada"
    assert view["memberships"] == [
        {"team_id": first, "from": "2026-01-01", "to": "2026-03-01"},
        {"team_id": second, "from": "2026-03-01", "to": None},
    ]


async def test_a_membership_starts_today_by_default(partner: Partner) -> None:
    team = await partner.team()
    learner = await partner.learner(memberships=[{"team_id": team}])

    view = (await partner.get(f"/v1/learners/{learner}")).json()

    start = date.fromisoformat(view["memberships"][0]["from"])
    assert abs(start - date.today()) <= timedelta(days=1)  # noqa: DTZ011  (a day of slack)


async def test_overlapping_periods_are_named(partner: Partner) -> None:
    team = await partner.team()
    body = {
        "external_id": str(IDS.new()),
        "memberships": [
            {"team_id": team, "from": "2026-05-01"},
            {"team_id": team, "from": "2026-01-01", "to": "2026-05-02"},
        ],
    }

    response = await partner.post("/v1/learners", body)

    assert response.status_code == 400
    errors = response.json()["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("/memberships/0", "overlap")
    ]


async def test_an_unknown_team_is_named(partner: Partner, stranger: Partner) -> None:
    body = {
        "external_id": str(IDS.new()),
        "memberships": [{"team_id": await stranger.team(), "from": "2026-05-01"}],
    }

    response = await partner.post("/v1/learners", body)

    assert response.status_code == 404
    assert response.json()["errors"][0]["pointer"] == "/memberships/0/team_id"


async def test_an_external_id_serves_once_unless_repeated_with_its_key(partner: Partner) -> None:
    body = {"external_id": str(IDS.new()), "name": "Grace"}

    first = await partner.post("/v1/learners", body, key=f"k-{body['external_id']}")
    replay = await partner.post("/v1/learners", body, key=f"k-{body['external_id']}")
    other = await partner.post("/v1/learners", body, key=None)

    assert replay.status_code == 201
    assert replay.json() == first.json()
    assert replay.headers["idempotent-replayed"] == "true"
    assert other.status_code == 409
    assert other.json()["code"] == "conflict"


async def test_the_same_external_id_in_two_tenants(partner: Partner, stranger: Partner) -> None:
    external_id = str(IDS.new())
    await partner.learner(external_id=external_id)
    await stranger.learner(external_id=external_id)

    found = await partner.get("/v1/learners", params={"external_id": external_id})

    assert len(found.json()["data"]) == 1

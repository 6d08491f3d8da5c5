"""Memberships told anew over HTTP: replaced as a whole, within what the key may see."""

import asyncpg
import pytest

from shared.ids import parse_id
from tests.integration.api.conftest import IDS, KeyMaker, Partner

SCOPES = ["learners:read", "learners:write"]
FIRST, CHANGE = "2026-01-01", "2026-03-01"


async def members(partner: Partner, learner: str) -> list[dict[str, str | None]]:
    return (await partner.get(f"/v1/learners/{learner}")).json()["memberships"]


async def test_the_list_takes_the_place_of_the_one_before(partner: Partner) -> None:
    old, new = await partner.team(), await partner.team()
    learner = await partner.learner(memberships=[{"team_id": old, "from": FIRST}])
    moved = [
        {"team_id": new, "from": CHANGE},
        {"team_id": old, "from": FIRST, "to": CHANGE},
    ]

    first = await partner.put(f"/v1/learners/{learner}/memberships", {"memberships": moved})
    again = await partner.put(f"/v1/learners/{learner}/memberships", {"memberships": moved})

    assert first.status_code == again.status_code == 200
    expected = [
        {"team_id": old, "from": FIRST, "to": CHANGE},
        {"team_id": new, "from": CHANGE, "to": None},
    ]
    assert first.json()["memberships"] == expected
    assert first.json() == again.json()
    assert await members(partner, learner) == expected


async def test_an_empty_list_leaves_no_team(partner: Partner) -> None:
    learner = await partner.learner(memberships=[{"team_id": await partner.team()}])

    answer = await partner.put(f"/v1/learners/{learner}/memberships", {"memberships": []})

    assert answer.status_code == 200
    assert await members(partner, learner) == []


@pytest.mark.parametrize(
    ("memberships", "pointer", "code"),
    [
        (
            [{"from": "2026-05-01"}, {"from": FIRST, "to": "2026-05-02"}],
            "/memberships/0",
            "overlap",
        ),
        ([{"from": CHANGE, "to": FIRST}], "/memberships/0/to", "out-of-order"),
        # Today's date for it would make the same request another one tomorrow.
        ([{}], "/memberships/0/from", "missing"),
        ([{"from": "1830-01-01"}], "/memberships/0/from", "out-of-range"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_changes(
    partner: Partner, memberships: list[dict[str, str]], pointer: str, code: str
) -> None:
    team = await partner.team()
    learner = await partner.learner(memberships=[{"team_id": team, "from": FIRST}])
    before = await members(partner, learner)

    body = {"memberships": [each | {"team_id": team} for each in memberships]}
    answer = await partner.put(f"/v1/learners/{learner}/memberships", body)

    assert answer.status_code == 400
    errors = [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert errors == [(pointer, code)]
    assert await members(partner, learner) == before


async def test_foreign_teams_and_learners_do_not_exist(partner: Partner, stranger: Partner) -> None:
    learner = await partner.learner()

    foreign_team = {"memberships": [{"team_id": await stranger.team(), "from": FIRST}]}
    answer = await partner.put(f"/v1/learners/{learner}/memberships", foreign_team)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == "/memberships/0/team_id"

    theirs = await stranger.learner()
    answer = await partner.put(f"/v1/learners/{theirs}/memberships", {"memberships": []})
    assert answer.status_code == 404


class TestBoundKeys:
    async def test_a_key_bound_to_a_learner_changes_none(
        self, partner: Partner, key_maker: KeyMaker
    ) -> None:
        learner = await partner.learner()
        key = await key_maker.new(
            partner.tenant.tenant_id, scopes=SCOPES, learner_id=parse_id("lrn", learner)
        )

        path = f"/v1/learners/{learner}/memberships"
        answer = await partner.as_key(key).put(path, {"memberships": []})

        assert (answer.status_code, answer.json()["code"]) == (403, "scope-missing")

    async def test_a_key_bound_to_teams_changes_memberships_in_those_only(
        self, partner: Partner, key_maker: KeyMaker
    ) -> None:
        mine, other = await partner.team(), await partner.team()
        past = {"team_id": other, "from": FIRST, "to": CHANGE}
        learner = await partner.learner(memberships=[past, {"team_id": mine, "from": CHANGE}])
        key = await key_maker.new(
            partner.tenant.tenant_id, scopes=SCOPES, team_ids=[parse_id("team", mine)]
        )
        bound, path = partner.as_key(key), f"/v1/learners/{learner}/memberships"

        abroad = {"memberships": [past, {"team_id": other, "from": CHANGE}]}
        assert (await bound.put(path, abroad)).status_code == 404
        forgotten = {"memberships": [{"team_id": mine, "from": CHANGE}]}
        assert (await bound.put(path, forgotten)).status_code == 403
        ended = {"memberships": [past, {"team_id": mine, "from": CHANGE, "to": "2026-04-01"}]}
        answer = await bound.put(path, ended)

        assert answer.status_code == 200
        assert answer.json()["memberships"] == ended["memberships"]
        assert (await bound.get(f"/v1/learners/{learner}")).status_code == 404  # left their teams
        assert await members(partner, learner) == ended["memberships"]

    async def test_a_person_of_other_teams_is_not_there(
        self, partner: Partner, key_maker: KeyMaker
    ) -> None:
        mine, other = await partner.team(), await partner.team()
        learner = await partner.learner(memberships=[{"team_id": other, "from": FIRST}])
        key = await key_maker.new(
            partner.tenant.tenant_id, scopes=SCOPES, team_ids=[parse_id("team", mine)]
        )

        taken = {"memberships": [{"team_id": mine, "from": FIRST}]}
        answer = await partner.as_key(key).put(f"/v1/learners/{learner}/memberships", taken)

        assert answer.status_code == 404


async def test_only_what_changes_makes_reports_look_again(partner: Partner, database_url) -> None:
    mine, other = await partner.team(), await partner.team()
    memberships = [
        {"team_id": mine, "from": FIRST, "to": CHANGE},
        {"team_id": other, "from": CHANGE},
    ]
    learner = await partner.learner(memberships=memberships, external_id=str(IDS.new()))
    learner_id = parse_id("lrn", learner)
    connection = await asyncpg.connect(database_url)
    try:

        async def marks() -> int:
            return await connection.fetchval(
                "select count(*) from app.report_marks where subject = $1", learner_id
            )

        before = await marks()
        path = f"/v1/learners/{learner}/memberships"
        await partner.put(path, {"memberships": memberships})
        assert await marks() == before
        await partner.put(path, {"memberships": memberships[:1]})
        assert await marks() == before + 1
    finally:
        await connection.close()

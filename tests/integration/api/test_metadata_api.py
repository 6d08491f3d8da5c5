"""What partners attach to things: kept, merged, sealed, and gone with the learner."""

from typing import Any

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import IDS, KeyMaker, Partner

NOTE = {"crm": "4711", "Straße ☀": "leer", "empty": ""}

TURNS = [
    {"role": "customer", "text": "My parcel is late and nobody has told me anything."},
    {"role": "agent", "text": "I am sorry. I will call the depot and ring you back today."},
]


async def _made(partner: Partner, noun: str, metadata: dict[str, str]) -> dict[str, Any]:
    """Make a thing; return what creating it answers."""
    match noun:
        case "simulation_batches":
            return await _made_batch(partner, metadata)
        case "teams":
            path, body = "/v1/teams", {"name": "Night shift"}
        case "learners":
            path, body = "/v1/learners", {"external_id": str(IDS.new())}
        case "simulations":
            path = "/v1/simulations"
            body = {
                "scenario": await partner.scenario(),
                "learner_id": await partner.learner(),
                "mode": "interactive",
            }
        case "scorings":
            path = "/v1/scorings"
            body = {
                "conversation": {"source": "call", "turns": TURNS},
                "learner_id": await partner.learner(),
            }
        case _:
            path = f"/v1/{noun}"
            listed = (await partner.get(path, params={"limit": 1})).json()["data"][0]
            draft = (await partner.get(f"{path}/{listed['id']}/draft")).json()
            body = {"spec": {**draft["spec"], "slug": f"own-{IDS.new()}"}}
    response = await partner.post(path, {**body, "metadata": metadata})
    assert response.status_code in {201, 202}, response.text
    made: dict[str, Any] = response.json()
    return made


async def _made_batch(
    partner: Partner, metadata: dict[str, str], learner: str | None = None
) -> dict[str, Any]:
    """Creating a batch answers its operation; its own view has what is attached."""
    body = {
        "learner_id": learner or await partner.learner(),
        "scenarios": [await partner.scenario()],
        "profiles": ["average"],
    }
    response = await partner.post("/v1/simulation_batches", {**body, "metadata": metadata})
    assert response.status_code == 202, response.text
    made: dict[str, Any] = (await partner.get(response.headers["location"])).json()
    return {**made, "id": made["operation"]["id"]}


async def _patch(partner: Partner, path: str, metadata: Any) -> Any:
    return await partner.http.patch(path, headers=partner.headers, json={"metadata": metadata})


NOUNS = (
    "teams", "learners", "simulations", "simulation_batches", "scorings", "scenarios", "rubrics",
)  # fmt: skip


@pytest.mark.parametrize("noun", NOUNS)
async def test_it_is_attached_shown_and_merged(partner: Partner, noun: str) -> None:
    made = await _made(partner, noun, NOTE)
    path = f"/v1/{noun}/{made['id']}"
    assert made["metadata"] == NOTE

    changes = {"crm": "4712", "empty": None, "new": "1", "never there": None}
    first = await _patch(partner, path, changes)
    again = await _patch(partner, path, changes)

    wanted = {"crm": "4712", "Straße ☀": "leer", "new": "1"}
    assert first.status_code == 200, first.text
    assert first.json()["metadata"] == wanted
    assert again.json() == first.json()
    if noun in {"scenarios", "rubrics"}:
        published = await partner.post(f"{path}/publish")
        assert published.status_code == 201, published.text
    assert (await partner.get(path)).json()["metadata"] == wanted
    emptied = await _patch(partner, path, dict.fromkeys(wanted))
    assert emptied.json()["metadata"] == {}


@pytest.mark.parametrize("noun", NOUNS)
async def test_strangers_and_readers_change_nothing(
    partner: Partner, stranger: Partner, key_maker: KeyMaker, noun: str
) -> None:
    made = await _made(partner, noun, {})
    path = f"/v1/{noun}/{made['id']}"
    needed = "simulations:write" if noun == "simulation_batches" else f"{noun}:write"
    others = [scope for scope in SCOPES if scope != needed]
    reader = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=others))

    assert (await _patch(stranger, path, {"a": "b"})).status_code == 404
    refused = await _patch(reader, path, {"a": "b"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")


async def test_every_wrong_key_and_value_is_named(partner: Partner) -> None:
    body = {
        "name": "",
        "metadata": {"a/b": 7, "": "x", "k" * 41: "x", "long": "v" * 501, "nul": "\0", "fine": "v"},
    }

    response = await partner.post("/v1/teams", body)

    assert response.status_code == 400
    found = {(error["pointer"], error["code"]) for error in response.json()["errors"]}
    assert found == {
        ("/name", "blank"),
        ("/metadata/a~1b", "type"),
        ("/metadata/", "too-short"),
        ("/metadata/" + "k" * 41, "too-long"),
        ("/metadata/long", "too-long"),
        ("/metadata/nul", "nul-character"),
    }


async def test_fifty_keys_are_the_most(partner: Partner) -> None:
    fifty = {f"k{number}": "v" for number in range(50)}
    refused = await partner.post("/v1/teams", {"name": "x", "metadata": {**fifty, "one more": "v"}})
    assert [(each["pointer"], each["code"]) for each in refused.json()["errors"]] == [
        ("/metadata", "too-long")
    ]

    made = await _made(partner, "teams", fifty)
    path = f"/v1/teams/{made['id']}"
    over = await _patch(partner, path, {"one more": "v"})
    assert over.status_code == 400
    assert over.json()["errors"][0]["pointer"] == "/metadata"
    swapped = await _patch(partner, path, {"one more": "v", "k0": None})
    assert len(swapped.json()["metadata"]) == 50


@pytest.mark.parametrize(
    "body", [{}, {"metadata": None}, {"metadata": []}, {"metadata": {}, "name": "x"}, []]
)
async def test_a_wrong_patch(partner: Partner, body: Any) -> None:
    team = await partner.team()

    response = await partner.http.patch(f"/v1/teams/{team}", headers=partner.headers, json=body)

    assert (response.status_code, response.json()["code"]) == (400, "validation-failed")


async def test_it_rests_sealed_and_goes_with_the_learner(
    partner: Partner, database: Database
) -> None:
    note = {"note": "CANARY-4711"}
    learner = await partner.learner(metadata=note)
    simulation = (await partner.simulation(learner, metadata=note))["id"]
    body = {
        "conversation": {"source": "call", "turns": TURNS},
        "learner_id": learner,
        "metadata": note,
    }
    scoring = (await partner.post("/v1/scorings", body)).json()["id"]
    batch = (await _made_batch(partner, note, learner))["id"]
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        for table in ("learners", "simulations", "scorings", "operations"):
            sealed = await connection.fetch(
                f"select metadata from {table} where tenant_id = $1 and learner_id = $2"
                " and metadata is not null",
                tenant_id,
                parse_id("lrn", learner),
            )
            assert sealed
            assert all(b"CANARY" not in row["metadata"] for row in sealed)
        await connection.execute(
            "delete from learner_keys where tenant_id = $1 and learner_id = $2",
            tenant_id,
            parse_id("lrn", learner),
        )

    assert (await partner.get(f"/v1/simulations/{simulation}")).json()["metadata"] == {}
    assert (await partner.get(f"/v1/scorings/{scoring}")).json()["metadata"] == {}
    assert (await partner.get(f"/v1/simulation_batches/{batch}")).json()["metadata"] == {}
    for path in (
        f"/v1/simulations/{simulation}",
        f"/v1/scorings/{scoring}",
        f"/v1/simulation_batches/{batch}",
    ):
        assert (await _patch(partner, path, {"a": "b"})).status_code == 404


async def test_conversations_of_a_batch_do_not_inherit(partner: Partner) -> None:
    batch = await _made_batch(partner, NOTE)
    (conversation,) = (await partner.get(batch["simulations"])).json()["data"]

    assert conversation["metadata"] == {}
    own = await _patch(partner, f"/v1/simulations/{conversation['id']}", {"a": "b"})
    assert own.json()["metadata"] == {"a": "b"}
    path = f"/v1/simulation_batches/{batch['id']}"
    assert (await partner.get(path)).json()["metadata"] == NOTE


async def test_only_a_batch_of_simulations_has_them(partner: Partner) -> None:
    body = {
        "conversations": [
            {
                "learner_id": await partner.learner(),
                "conversation": {"source": "call", "turns": TURNS},
            }
        ]
    }
    other = (await partner.post("/v1/scoring_batches", body)).json()["id"]

    assert (await _patch(partner, f"/v1/simulation_batches/{other}", {})).status_code == 404


async def test_many_at_once_lose_nothing(partner: Partner) -> None:
    import asyncio  # noqa: PLC0415  (only here)

    team = await partner.team()
    await asyncio.gather(
        *(_patch(partner, f"/v1/teams/{team}", {f"k{number}": "v"}) for number in range(20))
    )

    assert len((await partner.get(f"/v1/teams/{team}")).json()["metadata"]) == 20

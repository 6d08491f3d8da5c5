"""Batches and operations over HTTP; nobody plays them here."""

from typing import Any

import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import Partner

SCENARIOS = ("support-angry-late-delivery", "fraud-nervous-card-alert")


async def _create(partner: Partner, **fields: Any) -> Any:
    body = {
        "learner_id": await partner.learner(),
        "scenarios": list(SCENARIOS),
        "profiles": ["skilled", "rude"],
        **fields,
    }
    return await partner.post("/v1/simulation_batches", body)


async def _rows(database: Database, partner: Partner, statement: str, *values: Any) -> list[Any]:
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        return await connection.fetch(statement, partner.tenant.tenant_id, *values)


class TestStart:
    async def test_every_scenario_with_every_profile_and_seed(
        self, partner: Partner, database: Database
    ) -> None:
        answer = await _create(partner, repeat=30, seed=5)

        assert answer.status_code == 202, answer.text
        operation = answer.json()
        assert answer.headers["operation-location"] == f"/v1/operations/{operation['id']}"
        assert answer.headers["location"] == operation["result"]
        assert operation["status"] == "queued"
        assert operation["progress"] == {"total": 120, "done": 0, "scored": 0, "failed": 0}
        rows = await _rows(
            database,
            partner,
            "select part, profile, seed, count(*) over (partition by part) as size"
            " from simulations where tenant_id = $1 and operation_id = $2",
            parse_id("op", operation["id"]),
        )
        assert {(row["part"], row["size"]) for row in rows} == {(0, 50), (1, 50), (2, 20)}
        assert sorted({row["seed"] for row in rows}) == list(range(5, 35))
        starts = await _rows(
            database,
            partner,
            "select (payload ->> 'part')::int as part from jobs where tenant_id = $1"
            " and payload ->> 'type' = 'start_batch' and payload ->> 'operation_id' = $2",
            str(parse_id("op", operation["id"])),
        )
        assert sorted(row["part"] for row in starts) == [0, 1, 2]

    async def test_conversations_and_groups_can_be_read(self, partner: Partner) -> None:
        operation = (await _create(partner)).json()
        batch = (await partner.get(operation["result"])).json()
        assert [(one["scenario"], one["profile"]) for one in batch["groups"]] == [
            (scenario, profile) for scenario in sorted(SCENARIOS) for profile in ("rude", "skilled")
        ]
        assert {one["conversations"] for one in batch["groups"]} == {1}
        listed = (await partner.get(batch["simulations"])).json()["data"]
        assert len(listed) == 4
        assert {one["operation_id"] for one in listed} == {operation["id"]}
        assert {one["mode"] for one in listed} == {"autopilot"}
        turns = (await partner.get(f"/v1/simulations/{listed[0]['id']}/turns")).json()["data"]
        assert [turn["seq"] for turn in turns] == [0]

    async def test_a_repeat_makes_nothing_new(self, partner: Partner) -> None:
        body = {
            "learner_id": await partner.learner(),
            "scenarios": [SCENARIOS[0]],
            "profiles": ["average"],
        }
        first = await partner.post("/v1/simulation_batches", body, key="batch")
        second = await partner.post("/v1/simulation_batches", body, key="batch")
        assert first.json() == second.json()
        assert second.headers["idempotent-replayed"] == "true"

    async def test_everything_missing_is_named(self, partner: Partner, stranger: Partner) -> None:
        answer = await _create(
            partner,
            learner_id=await stranger.learner(),
            scenarios=["no-such-one", SCENARIOS[0], "nor-this"],
        )
        assert answer.status_code == 404
        assert [error["pointer"] for error in answer.json()["errors"]] == [
            "/learner_id", "/scenarios/0", "/scenarios/2",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"repeat": 251}, "/repeat"),
            ({"repeat": 0}, "/repeat"),
            ({"scenarios": []}, "/scenarios"),
            ({"scenarios": [SCENARIOS[0]] * 2}, "/scenarios"),
            ({"profiles": ["genius"]}, "/profiles/0"),
            ({"profiles": ["rude", "rude"]}, "/profiles"),
            ({"seed": -1}, "/seed"),
            ({"score": "yes"}, "/score"),
        ],
    )
    async def test_bad_input_is_named(
        self, partner: Partner, fields: dict[str, Any], pointer: str
    ) -> None:
        answer = await _create(partner, **fields)
        assert answer.status_code == 400
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]


class TestOperations:
    async def test_cancel_ends_what_is_open_and_is_idempotent(
        self, partner: Partner, database: Database
    ) -> None:
        operation = (await _create(partner)).json()
        path = f"/v1/operations/{operation['id']}"
        first = await partner.post(f"{path}/cancel")
        second = await partner.post(f"{path}/cancel")
        assert first.status_code == second.status_code == 200
        assert first.json()["status"] == "canceled"
        assert first.json() == second.json() == (await partner.get(path)).json()
        rows = await _rows(
            database,
            partner,
            "select end_reason from simulations where tenant_id = $1 and operation_id = $2",
            parse_id("op", operation["id"]),
        )
        assert {row["end_reason"] for row in rows} == {"cancelled"}
        events = await _rows(
            database,
            partner,
            "select data ->> 'status' as status from events"
            " where tenant_id = $1 and resource_id = $2",
            parse_id("op", operation["id"]),
        )
        assert [row["status"] for row in events] == ["canceled"]

    async def test_they_are_listed_and_filtered(self, partner: Partner) -> None:
        kept = (await _create(partner)).json()
        gone = (await _create(partner)).json()
        await partner.post(f"/v1/operations/{gone['id']}/cancel")
        listed = (await partner.get("/v1/operations", params={"limit": 100})).json()["data"]
        assert {kept["id"], gone["id"]} <= {one["id"] for one in listed}
        queued = await partner.get("/v1/operations", params={"status": "queued", "limit": 100})
        ids = {one["id"] for one in queued.json()["data"]}
        assert kept["id"] in ids
        assert gone["id"] not in ids

    async def test_a_strangers_is_not_found(self, partner: Partner, stranger: Partner) -> None:
        operation = (await _create(partner)).json()
        for path in (f"/v1/operations/{operation['id']}", operation["result"]):
            assert (await stranger.get(path)).status_code == 404
        cancel = await stranger.post(f"/v1/operations/{operation['id']}/cancel")
        assert cancel.status_code == 404
        assert (await partner.get(f"/v1/operations/{operation['id']}")).json()["status"] == "queued"

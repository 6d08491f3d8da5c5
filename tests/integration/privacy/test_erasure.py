"""The erasure of a person, from the order to the receipt. [R-C12]"""

import json
from typing import Any

import pytest

from services.api.context import ProcessContext
from services.orchestrator.privacy.worker import PrivacyWorker
from shared.db.sealed import UnsealError
from shared.ids import parse_id
from shared.privacy.map import personal, tables
from shared.privacy.receipts import is_genuine
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.privacy.conftest import Eyes
from tests.integration.privacy.privacy_world import Person, furnish_person


@pytest.fixture(scope="module")
async def person(
    partner: Partner, context: ProcessContext, eyes: Eyes, worker: FakeWorker
) -> Person:
    return await furnish_person(partner, context, eyes, worker)


@pytest.fixture(scope="module")
async def before(person: Person) -> dict[str, Any]:
    """What there is before, of tables that must not change."""
    kept: dict[str, Any] = {}
    for name in ("facts", "attempts", "rollups", "months", "told_levels"):
        kept[name] = await person.eyes.rows(f"select * from report.{name} order by 1, 2, 3")
    kept["memberships"] = await person.eyes.rows("select * from memberships order by 1, 2, 3")
    kept["external_id"] = (await person.partner.get(f"/v1/learners/{person.learner}")).json()[
        "external_id"
    ]
    return kept


@pytest.fixture(scope="module")
async def erasure(person: Person, before: dict[str, Any], privacy: PrivacyWorker) -> dict[str, Any]:
    ordered = await person.erase()
    assert ordered["status"] == "queued"
    assert await privacy.work_off() >= 1
    found = await person.partner.get(f"/v1/erasures/{ordered['id']}")
    answer: dict[str, Any] = found.json()
    return answer


async def test_the_person_answers_like_somebody_who_never_was(
    person: Person, erasure: dict[str, Any]
) -> None:
    assert erasure["status"] == "succeeded"
    path = f"/v1/learners/{person.learner}"
    assert (await person.partner.get(path)).status_code == 404
    listed = (await person.partner.get("/v1/learners", params={"limit": 100})).json()["data"]
    assert person.learner not in {each["id"] for each in listed}
    started = await person.partner.post(
        "/v1/simulations",
        {
            "scenario": await person.partner.scenario(),
            "learner_id": person.learner,
            "mode": "interactive",
        },
    )
    assert started.status_code == 404


async def test_nothing_that_was_said_rests_anywhere(
    person: Person, erasure: dict[str, Any]
) -> None:
    for table in personal():
        rows = await person.rows(table)
        if table.erase == "delete":
            assert rows == [], table.name
        for row in rows:
            said = {each.name for each in table.sealed} | set(table.hashes)
            for column in said & table.blanks.keys() - {"external_id_hash"}:
                assert not row[column], f"{table.name}.{column}"
    assert len(person.words) > 20


async def test_what_was_sealed_with_the_key_is_noise(
    person: Person, erasure: dict[str, Any], context: ProcessContext
) -> None:
    count = await person.eyes.value(
        "select count(*) from learner_keys where tenant_id = $1 and learner_id = $2",
        person.tenant_id, person.learner_id,
    )  # fmt: skip
    assert count == 0
    assert person.key is not None
    opened = 0
    for table in tables():
        for sealed in table.of_key("learner", "either"):
            for row in await person.eyes.rows(
                f"select * from {table.name} where tenant_id = $1 and length({sealed.name}) > 0",
                person.tenant_id,
            ):
                try:
                    person.key.open(row[sealed.name], sealed.place, sealed.row_bytes(dict(row)))
                    opened += 1
                except UnsealError:
                    pass
    assert opened == 0, "a copy of the old key opens what should be gone"


async def test_reports_keep_their_numbers(
    person: Person, before: dict[str, Any], erasure: dict[str, Any]
) -> None:
    for name in ("facts", "attempts", "rollups", "months", "told_levels"):
        assert (
            await person.eyes.rows(f"select * from report.{name} order by 1, 2, 3") == before[name]
        )
    assert len(before["facts"]) == 1
    assert (
        await person.eyes.rows("select * from memberships order by 1, 2, 3")
        == before["memberships"]
    )
    marks = await person.eyes.value(
        "select count(*) from report_marks where tenant_id = $1 and kind = 'learner' and subject = $2"
        " and marked_at > (select created_at from privacy_tasks where operation_id = $3)",
        person.tenant_id, person.learner_id, parse_id("op", erasure["id"]),
    )  # fmt: skip
    assert marks == 0, "nothing is to be counted anew"


async def test_the_receipt_says_what_was_destroyed_and_nothing_else(
    person: Person, before: dict[str, Any], erasure: dict[str, Any]
) -> None:
    text, signature = erasure["receipt"], erasure["signature"]
    receipt = json.loads(text)
    assert is_genuine(text, signature, receipt["public_key"])
    assert not is_genuine(text.replace("deleted", "kept"), signature, receipt["public_key"])
    stores = {each["store"]: each for each in receipt["stores"]}
    assert stores["app.learner_keys"] == {
        "store": "app.learner_keys",
        "action": "key destroyed",
        "rows": 1,
    }
    assert stores["app.turns"]["action"] == "deleted"
    assert stores["app.conversations"]["action"] == "blanked"
    assert all(each["rows"] > 0 for each in stores.values())
    personal_names = {each.name for each in personal() if each.erase in {"delete", "blank"}}
    # Rows that go with the user they belong to are counted there.
    assert personal_names - stores.keys() <= {"app.privacy_files"}
    assert before["external_id"] not in text
    assert not [word for word in person.words.values() if word in text]


async def test_events_and_the_trail_tell_of_it(person: Person, erasure: dict[str, Any]) -> None:
    types = [
        row["type"]
        for row in await person.eyes.rows(
            "select type from events where resource_id = $1 order by sequence",
            parse_id("op", erasure["id"]),
        )
    ]
    assert types == ["operation.ended", "learner.erased"]
    actions = [
        row["action"]
        for row in await person.eyes.rows(
            "select action from trail where tenant_id = $1 and target = $2 order by number",
            person.tenant_id, person.learner,
        )
    ]  # fmt: skip
    assert actions == ["learner.erasure_ordered", "learner.erased"]


async def test_asking_again_finds_the_same_erasure(
    person: Person, erasure: dict[str, Any], privacy: PrivacyWorker
) -> None:
    again = await person.erase()
    assert again["id"] == erasure["id"]
    assert again["receipt"] == erasure["receipt"]
    assert await privacy.work_off() == 0
    operation = (await person.partner.get(f"/v1/operations/{erasure['id']}")).json()
    assert (operation["kind"], operation["status"]) == ("learner_erasure", "succeeded")
    canceled = await person.partner.post(f"/v1/operations/{erasure['id']}/cancel")
    assert canceled.json()["status"] == "succeeded"


async def test_the_external_id_is_free_for_a_new_person(
    person: Person, before: dict[str, Any], erasure: dict[str, Any]
) -> None:
    learner = await person.partner.learner(external_id=before["external_id"])
    assert learner != person.learner
    found = await person.partner.get("/v1/learners", params={"external_id": before["external_id"]})
    assert [each["id"] for each in found.json()["data"]] == [learner]


async def test_lists_and_exports_of_the_tenant_go_on(
    person: Person, erasure: dict[str, Any]
) -> None:
    for path in (
        "/v1/simulations", "/v1/scorings", "/v1/assessments", "/v1/goals", "/v1/surveys", "/v1/events",
        "/v1/operations", "/v1/assessments/export", "/v1/xapi/statements", "/v1/disputes", "/v1/webhook_endpoints",
    ):  # fmt: skip
        answer = await person.partner.get(path)
        assert answer.status_code in {200, 404}, (path, answer.text)


async def test_a_bound_key_has_no_say(partner: Partner, key_maker: Any, stranger: Partner) -> None:
    learner = await partner.learner()
    team = parse_id("team", await partner.team())
    bound = partner.as_key(
        await key_maker.new(
            partner.tenant.tenant_id, scopes=["privacy:write", "privacy:read"], team_ids=[team]
        )
    )
    for path in (f"/v1/learners/{learner}/erasure", f"/v1/learners/{learner}/export"):
        assert (await bound.post(path)).status_code == 403
        assert (await stranger.post(path)).status_code == 404
    assert (await partner.get(f"/v1/learners/{learner}")).status_code == 200

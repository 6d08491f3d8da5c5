"""An archived rubric scores nothing new; what it has scored keeps it."""

import pytest

from tests.integration.api.conftest import Partner
from tests.integration.api.rubric_author import act, create, new_spec, pointers_of, publish, score
from tests.integration.api.test_scenario_life import create as create_scenario
from tests.integration.api.test_scenario_life import new_spec as new_scenario
from tests.integration.api.test_scenario_life import publish as publish_scenario


async def test_no_conversation_is_scored_by_it(partner: Partner) -> None:
    made = await create(partner, new_spec())
    await publish(partner, made["id"])
    assert (await score(partner, made["slug"])).status_code == 202
    await act(partner, made["id"], "archive")

    refused = await score(partner, made["slug"])

    assert (refused.status_code, pointers_of(refused)) == (404, ["/rubric"])
    await act(partner, made["id"], "restore")
    assert (await score(partner, made["slug"])).status_code == 202


@pytest.mark.parametrize("published", [True, False])
async def test_no_scenario_may_name_it(partner: Partner, *, published: bool) -> None:
    made = await create(partner)
    if published:
        await publish(partner, made["id"])
        await act(partner, made["id"], "archive")
    scenario = await create_scenario(partner, new_scenario(rubric=made["slug"]))

    refused = await publish_scenario(partner, scenario["id"])

    assert (refused.status_code, pointers_of(refused)) == (422, ["/spec/rubric"])


async def test_a_scenario_holds_it_in_use(partner: Partner) -> None:
    made = await create(partner)
    await publish(partner, made["id"])
    spec = new_scenario(rubric=made["slug"])
    scenario = await create_scenario(partner, spec)
    assert (await publish_scenario(partner, scenario["id"])).status_code == 201

    refused = await act(partner, made["id"], "archive")

    assert (refused.status_code, refused.json()["code"]) == (409, "rubric-in-use")
    assert spec["slug"] in refused.json()["detail"]
    body = {"spec": spec | {"rubric": "support"}, "expected_revision": 1}
    path = f"/v1/scenarios/{scenario['id']}/draft"
    replaced = await partner.http.put(path, json=body, headers=partner.headers)
    assert replaced.status_code == 200, replaced.text
    await publish_scenario(partner, scenario["id"])
    assert (await act(partner, made["id"], "archive")).json()["status"] == "archived"

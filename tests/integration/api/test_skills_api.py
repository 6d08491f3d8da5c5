"""The skill taxonomy over HTTP, and what a tenant makes of it."""

from typing import Any

from shared.library.skills import load_skills
from tests.integration.api.conftest import Partner


async def _taxonomy(partner: Partner, query: str = "") -> dict[str, Any]:
    response = await partner.get(f"/v1/skills{query}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def _skills(taxonomy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["key"]: each for root in taxonomy["roots"] for each in root["skills"]}


async def test_the_standard_taxonomy(partner: Partner) -> None:
    taxonomy = await _taxonomy(partner)

    assert len(taxonomy["roots"]) == 9
    skills = _skills(taxonomy)
    assert list(skills) == list(load_skills())
    assert len(skills) == 42
    assert skills["lead.people_management"]["seen"] == ["outside"]
    empathy = skills["relate.empathy"]
    assert empathy["seen"] == ["transcript"]
    assert empathy["good"]
    assert empathy["bad"]
    assert (taxonomy["version"], taxonomy["revision"], len(taxonomy["hash"])) == (1, 0, 12)


async def test_a_tenant_adds_renames_and_hides(partner: Partner, stranger: Partner) -> None:
    own = {
        "name": "Home-office calls",
        "definition": "Keeps the household out of the call.",
        "good": ["mutes the dog"],
        "code": "HO-1",
    }
    added = await partner.put("/v1/skills/adapt.home_office", own)
    renamed = await partner.put("/v1/skills/relate.empathy", {"name": "Warmth", "code": "W"})
    hidden = await partner.put("/v1/skills/lead.motivation", {"hidden": True})

    assert [each.status_code for each in (added, renamed, hidden)] == [200, 200, 200]
    taxonomy = await _taxonomy(partner)
    skills = _skills(taxonomy)
    assert taxonomy["revision"] == 3
    assert skills["adapt.home_office"]["is_own"]
    assert (skills["relate.empathy"]["name"], skills["relate.empathy"]["code"]) == ("Warmth", "W")
    assert skills["relate.empathy"]["definition"] == load_skills()["relate.empathy"].definition
    assert "lead.motivation" not in skills
    assert _skills(await _taxonomy(partner, "?include_hidden=true"))["lead.motivation"]["hidden"]
    adapt = next(root for root in taxonomy["roots"] if root["key"] == "adapt")
    assert adapt["skills"][-1]["key"] == "adapt.home_office"
    assert _skills(await _taxonomy(stranger)).keys() == load_skills().keys()

    for key in ("adapt.home_office", "relate.empathy", "lead.motivation"):
        assert (await partner.delete(f"/v1/skills/{key}")).status_code == 200
    again = _skills(await _taxonomy(partner))
    assert again == _skills(await _taxonomy(stranger))


async def test_what_is_refused(partner: Partner) -> None:
    assert (await partner.put("/v1/skills/cook.soup", {"name": "a"})).status_code == 404
    assert (await partner.put("/v1/skills/relate", {"name": "a"})).status_code == 404
    bare = await partner.put("/v1/skills/relate.singing", {"code": "S"})
    assert bare.status_code == 400
    assert {each["pointer"] for each in bare.json()["errors"]} == {"/name", "/definition"}
    await partner.put("/v1/skills/relate.patience", {"code": "P"})
    twice = await partner.put("/v1/skills/relate.courtesy", {"code": "P"})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (409, "/code")
    assert (await partner.delete("/v1/skills/relate.tone")).status_code == 404
    wrong = await partner.put("/v1/skills/relate.patience", {"good": [""], "colour": "red"})
    assert {each["pointer"] for each in wrong.json()["errors"]} == {"/good/0", "/colour"}

"""Practice, and the statements that tell of it, for tests of the xAPI resource."""

from typing import Any

from services.orchestrator.repository import place_events
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import system_tx
from shared.ids import parse_id
from tests.integration.api.conftest import Partner
from tests.support.scored import judged, score_simulation

PATH = "/v1/xapi/statements"
BASE = "https://rapport.example/xapi"
SOME = "fd41c918-b88b-4b20-a0a5-a4c32391aaa0"


async def place(database: Database) -> None:
    async with system_tx(database) as connection:
        while await place_events(connection):
            pass


async def practiced(
    partner: Partner,
    database: Database,
    keys: KeyRing,
    *,
    overall: int = 71,
    passed: bool | None = True,
    learner: str | None = None,
) -> dict[str, Any]:
    simulation = await partner.simulation(learner or await partner.learner())
    ended = await partner.post(f"/v1/simulations/{simulation['id']}/end")
    assert ended.status_code == 200
    result = judged(overall, {"relate.empathy": overall}, roots={"relate": overall}, passed=passed)
    await score_simulation(
        database, keys, partner.tenant.tenant_id, parse_id("sim", simulation["id"]), result
    )
    await place(database)
    return simulation


async def statements_of(partner: Partner, **params: Any) -> list[dict[str, Any]]:
    response = await partner.get(PATH, params=params)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["statements"]
    return found


def verbs_of(statements: list[dict[str, Any]]) -> list[str]:
    return [each["verb"]["display"]["en-US"] for each in statements]

"""What is sealed opens in its own row, by a key that is known, or not at all. [R-C10]"""

from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from tests.integration.api.conftest import Partner

MOVED = "update teams set name = (select name from teams where tenant_id = $1 and team_id = $3)"
"""Somebody with the database's rights copies a sealed name into another row."""

OTHER_KEY = "update teams set name = set_byte(name, 1, 77)"
"""A name that says it was sealed with a key that there never was."""


@pytest.mark.parametrize(("harm", "kind"), [(MOVED, "UnsealError"), (OTHER_KEY, "UnknownKeyError")])
async def test_it_is_refused_and_not_worth_a_retry(
    partner: Partner, database: Database, harm: str, kind: str
) -> None:
    tenant_id = partner.tenant.tenant_id
    whole = await partner.team("Whole team of kestrels")
    broken = await partner.team("Broken")
    arguments: list[Any] = [tenant_id, parse_id("team", broken)]
    if "$3" in harm:
        arguments.append(parse_id("team", whole))
    async with tenant_tx(database, tenant_id) as connection:
        done = await connection.execute(f"{harm} where tenant_id = $1 and team_id = $2", *arguments)
    assert done == "UPDATE 1"

    with capture_logs() as lines:
        answer = await partner.get(f"/v1/teams/{broken}")

    assert answer.status_code == 500
    problem = answer.json()
    assert (problem["code"], problem["retryable"]) == ("internal", False)
    assert "kestrels" not in answer.text
    assert kind in str(lines), "operators see which of both it is"
    assert "kestrels" not in str(lines)
    assert (await partner.get(f"/v1/teams/{whole}")).json()["name"] == "Whole team of kestrels"

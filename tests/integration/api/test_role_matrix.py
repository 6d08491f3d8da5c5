"""Every operation x every role, against a table that knows nothing of `roles.yaml`. [R-C4]

Each role calls each operation over HTTP with a key of a person who has it. 403 `scope-missing` must
come exactly where the table says. A new operation fails here until somebody has decided who may
call it.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.api import known
from services.api.context import ProcessContext
from shared.config import Settings
from shared.ids import format_id
from shared.keys import SCOPES
from shared.roles import ROLES, scopes_of
from tests.integration.api.conftest import IDS, FakeWorker, Partner
from tests.integration.api.matrix_world import Home, open_home, without_limits
from tests.integration.api.role_table import LETTERS, MAY

STREAMS = {"stream_simulation": {"simulation_id": format_id("sim", IDS.new())}}
"""Operations that go on for as long as one listens; asked for what there is not."""


@pytest.fixture(scope="module")
def api_settings(settings: Settings) -> Settings:
    return without_limits(settings)


@pytest.fixture(scope="module")
async def home(
    partner: Partner, context: ProcessContext, worker: FakeWorker, database_url: str
) -> AsyncIterator[Home]:
    async with open_home(partner, context, database_url) as opened:
        yield opened


async def _key(home: Home, role: str) -> str:
    """Return a key of a person with this role; a coach's team is the furnished one."""
    user: dict[str, Any] = {"user_name": f"{role}-{IDS.new()}", "role": role}
    if role == "coach":
        user["team_ids"] = [home.kept["team"]]
    made = await home.partner.post("/v1/users", user)
    assert made.status_code == 201, made.text
    body = {"name": role, "scopes": list(SCOPES), "user_id": made.json()["id"]}
    key = await home.partner.post("/v1/api_keys", body)
    assert key.status_code == 201, key.text
    return str(key.json()["text"])


async def _admitted(home: Home, role: str) -> set[str]:
    """Return the operations that a role is let into; any other refusal is a fault."""
    key, admitted = await _key(home, role), set()
    for sample in home.samples:
        name = sample.operation.name
        answer = await home.send(sample, key, path=STREAMS.get(name))
        assert answer.status_code not in {401, 500}, f"{name}: {answer.text[:200]}"
        assert "ratelimit-policy" in answer.headers, f"{name} does not say what is allowed"
        if answer.status_code != 403 or answer.json()["code"] != "scope-missing":
            admitted.add(name)
    return admitted


def _expected(role: str) -> set[str]:
    return {name for name, letters in MAY.items() if LETTERS[role] in letters}


def test_the_table_knows_every_operation(home: Home) -> None:
    names = {each.operation.name for each in home.samples}

    assert names - set(MAY) == set(), "decide in role_table.py who may call these"
    assert set(MAY) - names == set(), "these operations are gone"


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_what_the_table_says(home: Home, role: str) -> None:
    admitted, expected = await _admitted(home, role), _expected(role)

    assert sorted(admitted - expected) == [], f"{role} may, and should not"
    assert sorted(expected - admitted) == [], f"{role} may not, and should"


async def test_a_wrong_line_of_the_roles_is_seen(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_fault(role: str | None) -> frozenset[str]:
        wrong = {"viewer": {"simulations:read"}}
        return scopes_of(role) | wrong.get(role or "", set())

    monkeypatch.setattr(known, "scopes_of", with_a_fault)
    admitted = await _admitted(home, "viewer")

    beyond = admitted - _expected("viewer")
    assert {"list_simulations", "get_simulation", "list_turns"} <= beyond
    assert _expected("viewer") <= admitted

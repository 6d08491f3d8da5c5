"""Where nobody can tell what the tenant wants, no simulation begins in the wrong language."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.api.principal import Principal
from services.api.simulations.openings import Openings
from shared.contracts.llm import ModelPolicy, WhyEmbedded
from shared.errors import UnavailableError
from shared.llm.ports import ModelFailedError

TENANT = UUID(int=1)
CALLER = Principal(
    tenant_id=TENANT,
    key_id=UUID(int=2),
    scopes=frozenset(),
    team_ids=None,
    learner_id=None,
    time_zone=ZoneInfo("UTC"),
)


class Unreadable:
    """Its settings cannot be read."""

    async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
        raise ModelFailedError(WhyEmbedded.UNACCOUNTED)


@pytest.fixture
def openings() -> Openings:
    context: Any = SimpleNamespace(model=Unreadable())
    return Openings(context)


async def test_the_tenants_own_language_is_not_guessed(openings: Openings) -> None:
    with pytest.raises(UnavailableError, match="cannot be read"):
        await openings._language(TENANT, "interactive", None)


async def test_a_language_is_not_refused_for_good(openings: Openings) -> None:
    with pytest.raises(UnavailableError, match="cannot be read"):
        await openings._check(CALLER, "interactive", "de")

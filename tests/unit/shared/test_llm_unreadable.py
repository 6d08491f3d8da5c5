"""Settings that cannot be read are another thing than no endpoint, for everybody who asks."""

from typing import Any
from uuid import UUID

import pytest

from shared.clock import FixedClock
from shared.contracts.llm import WhyEmbedded
from shared.db.sealed import UnsealError
from shared.ids import Uuid7Maker
from shared.llm.gateway import Gateway
from shared.llm.ports import ModelFailedError
from shared.llm.records import TenantModel
from tests.support.llm_gateway import NOW, TENANT, Marker, MemoryLedger, asking


class Torn:
    """A book that nobody can read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def find(self, tenant_id: UUID) -> TenantModel | None:
        raise self._error


@pytest.mark.parametrize("error", [UnsealError("changed"), TimeoutError(), OSError()])
async def test_policy_and_calls_say_so(error: Exception) -> None:
    ledger = MemoryLedger()
    model = Gateway(
        Torn(error), ledger, Marker(), clock=FixedClock(NOW), ids=Uuid7Maker(), random=lambda: 0.0
    )
    asked: list[Any] = [model.policy(TENANT), model.chat(asking())]
    for each in asked:
        with pytest.raises(ModelFailedError) as failed:
            await each
        assert failed.value.why is WhyEmbedded.UNACCOUNTED
    assert ledger.reserved == []
    await model.close()

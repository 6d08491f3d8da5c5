"""The learner's name leaves as a mark, whoever asks; without knowing it nothing is asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import msgspec
import pytest

from shared.clock import FixedClock
from shared.contracts.llm import ModelPolicy, WhyEmbedded
from shared.db.sealed import SealKey, UnsealError
from shared.ids import Uuid7Maker
from shared.llm.gateway import Gateway
from shared.llm.ports import ChatRequest, ModelFailedError
from shared.llm.records import TenantModel
from tests.support.llm import FakeLlm, answering, endpoint
from tests.support.llm_gateway import (
    KEY,
    NOW,
    TENANT,
    Book,
    Marker,
    MemoryLedger,
    asking,
    tenant_model,
)

LEARNER = UUID(int=8)


@dataclass
class Names:
    """Knows one learner."""

    error: Exception | None = None
    hangs: bool = False

    async def find(self, tenant_id: UUID, learner_id: UUID, key: SealKey) -> str | None:
        assert (tenant_id, key) == (TENANT, KEY)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return "Anna Ruiz" if learner_id == LEARNER else None


@pytest.fixture
async def fake() -> AsyncIterator[FakeLlm]:
    async with endpoint(answering(text="Hello [NAME_1]!")) as running:
        yield running


def gateway(tenant: TenantModel, names: Names) -> Gateway:
    return Gateway(
        Book(tenant),
        MemoryLedger(),
        Marker(),
        clock=FixedClock(NOW),
        ids=Uuid7Maker(),
        random=lambda: 0.0,
        allow_private=True,
        names=names,
    )


def of(learner_id: UUID | None, **changes: object) -> ChatRequest:
    request = asking("Anna Ruiz here.", **changes)  # type: ignore[arg-type]  # tests name fields
    purpose = msgspec.structs.replace(request.purpose, learner_id=learner_id)
    return msgspec.structs.replace(request, purpose=purpose)


@pytest.mark.parametrize(
    ("learner_id", "is_redacted", "sent", "heard"),
    [
        (LEARNER, True, "[NAME_1] here.", "Hello Anna Ruiz!"),
        (LEARNER, False, "Anna Ruiz here.", "Hello [NAME_1]!"),
        (UUID(int=9), True, "Anna Ruiz here.", "Hello [NAME_1]!"),
        (None, True, "Anna Ruiz here.", "Hello [NAME_1]!"),
    ],
)
async def test_the_learners_name_is_taken_out(
    fake: FakeLlm,
    learner_id: UUID | None,
    is_redacted: bool,  # noqa: FBT001
    sent: str,
    heard: str,
):
    policy = ModelPolicy(is_redacted=is_redacted)
    model = gateway(tenant_model(fake.url, policy=policy), Names())
    answer = await model.chat(of(learner_id))
    await model.close()
    assert fake.asked[0].json()["messages"][1]["content"] == sent
    assert answer.text == heard


@pytest.mark.parametrize(
    "names", [Names(error=OSError()), Names(error=UnsealError()), Names(hangs=True)]
)
async def test_a_name_that_cannot_be_found_out_keeps_everything_here(fake: FakeLlm, names: Names):
    model = gateway(tenant_model(fake.url), names)
    with pytest.raises(ModelFailedError) as failed:
        await model.chat(of(LEARNER, deadline_s=0.1))
    await model.close()
    assert failed.value.why is WhyEmbedded.UNACCOUNTED
    assert fake.count == 0

"""How many rubrics of one tenant a process drafts together."""

import asyncio
from typing import Any, cast
from uuid import UUID

from typing_extensions import override

from services.scoring_worker.drafting.handler import AT_ONCE, RubricDrafts
from shared.contracts.jobs import JobKind, JobMessage
from tests.support.waiting import eventually


class Held(RubricDrafts):
    """Drafts until it is let go."""

    def __init__(self) -> None:
        nothing = cast("Any", None)
        super().__init__(nothing, nothing, nothing, nothing, model=None, clock=nothing, ids=nothing)
        self.begun: list[UUID] = []
        self.go = asyncio.Event()

    @override
    async def _handle(self, message: JobMessage) -> None:
        self.begun.append(message.job_id)
        await self.go.wait()


def message(tenant: int, job: int) -> JobMessage:
    return JobMessage(
        tenant_id=UUID(int=tenant), job_id=UUID(int=job), kind=JobKind.SCORE, attempt=1
    )


async def test_one_tenant_does_not_fill_the_lane() -> None:
    drafts = Held()
    async with asyncio.TaskGroup() as group:
        for job in range(AT_ONCE + 3):
            group.create_task(drafts.handle(message(1, job)))
        group.create_task(drafts.handle(message(2, 100)))
        await eventually(lambda: len(drafts.begun) == AT_ONCE + 1)
        drafts.go.set()
    assert drafts.begun == [*(UUID(int=job) for job in range(AT_ONCE)), UUID(int=100)]
    await drafts.handle(message(1, 200))  # there is room again
    assert drafts.begun[-1] == UUID(int=200)

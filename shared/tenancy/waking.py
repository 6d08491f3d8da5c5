"""Tells the workers to look at a tenant that goes on."""

from typing import Final
from uuid import UUID

from nats.aio.client import Client

from shared.contracts.jobs import JobKind
from shared.contracts.subjects import wake_subject

LANES: Final = (JobKind.SCORE, JobKind.BATCH)
"""Lanes that rest while a tenant is paused."""


async def wake(client: Client, tenant_id: UUID) -> None:
    """Have what a paused tenant's queues hold taken up at once; without it within some seconds."""
    for kind in LANES:
        await client.publish(wake_subject(kind, tenant_id))

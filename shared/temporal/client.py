"""The orchestrator's connection to Temporal."""

import asyncio

from temporalio.client import Client
from temporalio.service import RPCError

from shared.config import Settings
from shared.telemetry import trace
from shared.temporal.converter import DATA_CONVERTER

PATIENCE_S = 30.0
"""Seconds to wait at start-up for a server that is still booting."""


async def connect(settings: Settings) -> Client:
    """Connect, waiting for a server that is still starting.

    Raises:
        OSError: no answer within `PATIENCE_S`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while True:
        try:
            return await Client.connect(
                settings.temporal_address,
                namespace=settings.temporal_namespace,
                data_converter=DATA_CONVERTER,
                interceptors=trace.temporal_interceptors(),
            )
        except (RuntimeError, RPCError) as error:
            if loop.time() > deadline:
                raise ConnectionError(
                    f"Temporal does not answer at {settings.temporal_address}"
                ) from error
            await asyncio.sleep(0.05)

"""Wordings beside the embedded one."""

import asyncio

from typing_extensions import override

from services.sim_worker.engine.ports import Wording, WordingRequest


class DelayedWording(Wording):
    """Another wording after a fixed delay: stands in for a model's latency in measurements."""

    def __init__(self, inner: Wording, delay_s: float) -> None:
        self._inner = inner
        self._delay_s = delay_s

    @override
    async def word(self, request: WordingRequest) -> str:
        await asyncio.sleep(self._delay_s)
        return await self._inner.word(request)

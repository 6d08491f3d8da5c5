"""Names of endpoints, looked up once and checked: what is connected is what was checked."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from ssrfguard import Address, Policy, resolve
from typing_extensions import override

LOOKUPS: Final = 4
"""Names looked up at once for one endpoint; a name server that stalls holds these threads and
nobody else's."""


class GuardedResolver(AbstractResolver):
    """Looks names up for aiohttp, and hands out checked addresses only.

    aiohttp asks it for names, not for literal addresses: `check_base_url` has refused those.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="llm-names")

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return every address of the name.

        Raises:
            SSRFGuardError: one of them may not be called.
            OSError: the name does not resolve.
        """
        target = self._policy.check_url(f"https://{host}:{port}/")
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: resolve(target, policy=self._policy)
        )
        return [_result(host, port, address) for address in found]

    @override
    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _result(host: str, port: int, address: Address) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address.ip),
        port=port,
        family=address.family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )

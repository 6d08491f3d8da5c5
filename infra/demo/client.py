"""A partner's client of the API: key, idempotency, patience. Nothing else of Rapport is needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import httpx
import msgspec

from infra.demo.checks import DemoError
from infra.demo.views import Problem

T = TypeVar("T")

REQUEST_TIMEOUT_S: Final = 30.0
"""Longer than the 20 s after which a turn answers 202."""

CONNECTIONS: Final = 12
"""Requests in flight at most: a demo is one polite client, not a load test."""

MAX_REFUSALS: Final = 20
"""How often one request may be told to come back later."""

FIRST_LOOK_S: Final = 0.03
LONGEST_LOOK_S: Final = 0.5
"""Between two looks at something unfinished: the pause grows from the first to the second."""

_COME_BACK: Final = frozenset({429, 503})


class Api:
    """The API as one tenant sees it."""

    def __init__(self, http: httpx.AsyncClient, run_id: str) -> None:
        self._http = http
        self._run_id = run_id
        self._posts = 0
        self.requests = 0

    async def get(self, path: str, answer: type[T]) -> T:
        """Read a resource; `path` may hold a query.

        Raises:
            DemoError: the API refused; the message is one line.
        """
        response = await self._ask(lambda: self._http.get(path))
        return msgspec.json.decode(response.content, type=answer)

    async def post(self, path: str, body: Any, answer: type[T]) -> T:
        """Create or start something, once: a repeat after a refusal carries the same key.

        Raises:
            DemoError: the API refused; the message is one line.
        """
        self._posts += 1
        headers = {
            "Idempotency-Key": f"{self._run_id}-{self._posts}",
            "Content-Type": "application/json",
        }
        content = b"" if body is None else msgspec.json.encode(body)
        response = await self._ask(lambda: self._http.post(path, content=content, headers=headers))
        return msgspec.json.decode(response.content, type=answer)

    async def _ask(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        for _ in range(MAX_REFUSALS):
            self.requests += 1
            try:
                response = await send()
            except httpx.HTTPError as error:
                raise DemoError(f"the API does not answer ({type(error).__name__})") from error
            if response.status_code not in _COME_BACK:
                break
            await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
        if response.is_success:
            return response
        raise DemoError(_refusal(response))

    async def until(
        self, path: str, answer: type[T], is_done: Callable[[T], bool], *, within_s: float
    ) -> T:
        """Read a resource again and again until it is done, with growing pauses.

        Raises:
            DemoError: it was not done within `within_s` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        pause = FIRST_LOOK_S
        while not is_done(seen := await self.get(path, answer)):
            if loop.time() > deadline:
                raise DemoError(f"{path} was not finished within {within_s:.0f} s")
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK_S, pause * 1.6)
        return seen


@asynccontextmanager
async def connect(api_url: str, api_key: str, run_id: str) -> AsyncIterator[Api]:
    """Yield a client; `run_id` makes its idempotency keys unique."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    async with httpx.AsyncClient(
        base_url=api_url,
        headers={"Authorization": f"Bearer {api_key}"},
        limits=limits,
        timeout=httpx.Timeout(REQUEST_TIMEOUT_S),
        trust_env=False,
    ) as http:
        yield Api(http, run_id)


def _refusal(response: httpx.Response) -> str:
    request = f"{response.request.method} {response.request.url.path}"
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.DecodeError:
        return f"{request} answered {response.status_code}"
    return f"{request} answered {response.status_code} {problem.code}: {problem.detail}"

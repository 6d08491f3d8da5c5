"""HTTP for the openai package, with bounds: bytes, addresses, headers.

The package speaks httpx2; this is httpx2's transport over aiohttp, as the package's own, with a
guarded resolver, and nothing from the environment: no proxy, no cookies, no header but ours.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Final

import aiohttp
import httpx2
from ssrfguard import Policy, SSRFGuardError
from typing_extensions import override
from yarl import URL

from shared.contracts.llm import WhyEmbedded
from shared.llm.failures import CallFailedError
from shared.llm.resolving import GuardedResolver

ANSWER_MOST_BYTES: Final = 2 * 1024 * 1024

CONNECT_S: Final = 5.0
"""Seconds for a connection, TLS included."""

KEEP_ALIVE_S: Final = 30.0
"""Seconds an unused connection is kept: a conversation's next turn comes within them."""

CONNECTIONS: Final = 1000
"""To one endpoint, per process; tenants' caps are what bounds calls."""

NAMES_S: Final = 10
"""Seconds a checked address is used again without another look-up."""


@cache
def tls() -> ssl.SSLContext:
    """Return the process's one: reading the system's certificates takes long."""
    return ssl.create_default_context()


class _Bytes(httpx2.AsyncByteStream):
    """An answer's body, which ends with a failure when it grows too long."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        try:
            async for piece in self._response.content.iter_any():
                count += len(piece)
                if count > ANSWER_MOST_BYTES:
                    raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
                yield piece
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error, has_begun=True) from error

    @override
    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:  # what is still coming is not wanted: the connection goes with it
            self._response.close()


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Connections to one endpoint."""

    def __init__(self, policy: Policy, headers: Mapping[str, str]) -> None:
        """Connect to nothing yet.

        Args:
            policy: which addresses may be connected.
            headers: sent with each request; no others are, whatever the request says.
        """
        self._policy = policy
        self._headers = dict(headers)
        self._session: aiohttp.ClientSession | None = None
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S)

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raise `CallFailedError` for whatever is no HTTP answer."""
        if self._session is None:
            self._session = self._open()
        try:
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                data=request.content or None,
                headers=self._headers,
                allow_redirects=False,
                timeout=self._timeout,
            )
        except (aiohttp.ClientError, SSRFGuardError, OSError, ValueError) as error:
            raise _failure(error, has_begun=False) from error
        if _is_unreadable(response):
            response.close()
            raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
        return httpx2.Response(
            response.status, headers=_kept(response), stream=_Bytes(response), request=request
        )

    @override
    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._policy),
            ssl=tls(),
            limit=CONNECTIONS,
            keepalive_timeout=KEEP_ALIVE_S,
            ttl_dns_cache=NAMES_S,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )


def _kept(response: aiohttp.ClientResponse) -> list[tuple[str, str]]:
    """Return the headers that are read, in plain letters; cookies and the rest are dropped.

    So are the parameters of the type: whatever alphabet it names, the body is UTF-8.
    """
    found = {
        "content-type": response.headers.get("content-type", "").partition(";")[0],
        "retry-after": response.headers.get("retry-after", ""),
        "retry-after-ms": response.headers.get("retry-after-ms", ""),
    }
    plain = {name: text.encode("ascii", "replace").decode() for name, text in found.items()}
    return [(name, text) for name, text in plain.items() if text]


def _is_unreadable(response: aiohttp.ClientResponse) -> bool:
    """Whether a body is too long by its own word, or packed although we asked for it plain."""
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    return packed not in ("", "identity") or (response.content_length or 0) > ANSWER_MOST_BYTES


def _failure(error: BaseException, *, has_begun: bool) -> CallFailedError:
    """Return what an exception of the network means.

    Args:
        error: aiohttp's, the guard's or the system's.
        has_begun: an answer had begun to arrive.
    """
    if has_begun:
        return CallFailedError(WhyEmbedded.UNREACHABLE, is_spent=True)
    if isinstance(error, aiohttp.ClientResponseError):  # not HTTP
        return CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
    never_sent = (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        SSRFGuardError,
        ValueError,  # a URL or a header that cannot be sent
    )
    return CallFailedError(WhyEmbedded.UNREACHABLE, is_spent=not isinstance(error, never_sent))

"""The same POST through an egress proxy, which resolves names and checks addresses itself."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from shared.contracts.webhooks import RESPONSE_KEPT_BYTES
from shared.webhooks.http import (
    KEEP_ALIVE_S,
    KEPT_CONNECTIONS,
    READ_MOST_BYTES,
    READ_MOST_S,
    DisconnectedError,
    ProtocolError,
    Response,
    Target,
)

_WHOLE_URL: Final = "{scheme}://{authority}{path}"


class ProxyRefusedError(Exception):
    """The proxy would not connect us."""


class ProxiedClient:
    """The process's connections over a proxy.

    The transport is used without httpx's client on top: it follows no redirect, has no cookies,
    and reads no environment.
    """

    def __init__(self, proxy: str, *, connections: int) -> None:
        self._transport = httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=KEPT_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_S,
            ),
            proxy=httpx.Proxy(proxy),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def post(
        self, target: Target, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Response:
        """Send a body; return the answer, whose head must be there at the deadline (on the event
        loop's clock).

        Raises:
            TimeoutError, ProxyRefusedError, DisconnectedError, ProtocolError, OSError: no answer.
        """
        url = _WHOLE_URL.format(
            scheme="https" if target.is_tls else "http",
            authority=target.authority,
            path=target.path,
        )
        request = httpx.Request("POST", url, headers=headers, content=body)
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._transport.handle_async_request(request)
        except httpx.ProxyError:
            raise ProxyRefusedError from None
        except httpx.TimeoutException:
            raise TimeoutError from None
        except httpx.ConnectError as error:
            raise OSError(str(error)) from None
        except httpx.NetworkError:
            raise DisconnectedError from None
        except httpx.ProtocolError:
            raise ProtocolError from None
        try:
            kept = await _read_some(response, deadline)
        finally:
            with contextlib.suppress(httpx.HTTPError, OSError):
                await response.aclose()
        return Response(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=kept,
        )


async def _read_some(response: httpx.Response, deadline: float) -> bytes:
    """Return the first bytes of a body as sent: unpacking it could make gigabytes of it."""
    kept = bytearray()
    count = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout_at(
            min(asyncio.get_running_loop().time() + READ_MOST_S, deadline)
        ):
            async for chunk in response.aiter_raw():
                count += len(chunk)
                kept += chunk[: RESPONSE_KEPT_BYTES - len(kept)]
                if count >= READ_MOST_BYTES:
                    break
    return bytes(kept)

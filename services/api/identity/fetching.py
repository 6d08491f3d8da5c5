"""Reading a provider's documents: addresses that tenants choose, so never into a private network.

The address that is connected is the one that was checked, no redirect is followed, and what comes
back is bounded in time and size.
"""

import asyncio
import ssl
from functools import cache
from typing import Any, Final, Protocol

import httpx
import msgspec
from ssrfguard import Policy, SSRFGuardError
from ssrfguard.httpx import AsyncClient

from shared.config import Settings
from shared.networks import PRIVATE_NETWORKS
from shared.webhooks.outbound import PORTS

MAX_URL_LENGTH: Final = 500

TIMEOUT_S: Final = 5.0
"""Seconds for one document, from the name to the last byte."""

MAX_BYTES: Final = 512 * 1024
"""Of a document; a provider's have a few kilobytes."""

MAX_DEPTH_ERRORS: Final = (msgspec.DecodeError, RecursionError)


class FetchError(Exception):
    """There is no document; the message is one word, fit for logs: no address, no name."""


class Fetcher(Protocol):
    """Reads a JSON object over HTTP."""

    async def fetch(self, url: str) -> dict[str, Any]:
        """Return the object; raises `FetchError`."""
        ...


def policy_of(*, allow_private: bool) -> Policy:
    """Return what may be called: public addresses over HTTPS, unless it is a developer's."""
    if allow_private:
        return Policy(
            allowed_schemes=frozenset({"https", "http"}),
            allowed_networks=PRIVATE_NETWORKS,
            allowed_ports=frozenset(range(1, 65536)),
            max_url_length=MAX_URL_LENGTH,
            allow_proxy=True,
        )
    return Policy(
        allowed_schemes=frozenset({"https"}),
        allowed_ports=PORTS,
        max_url_length=MAX_URL_LENGTH,
        allow_proxy=True,
    )


def refusal(policy: Policy, issuer: str) -> str | None:
    """Return why an issuer's address may not be called, in words for its owner; None: it may.

    Only what needs no name server is looked at: addresses are checked when they are connected.
    """
    try:
        policy.check_url(issuer)
    except SSRFGuardError as error:
        return str(getattr(error, "reason", "")) or "the URL is not allowed"
    except ValueError:
        return "this is not a URL"
    if "?" in issuer or "#" in issuer:
        return "an issuer has no query and no fragment"
    return None


@cache
def _tls() -> ssl.SSLContext:
    """Return the process's one: reading the system's certificates takes long."""
    return ssl.create_default_context()


class GuardedFetcher:
    """Reads over connections that last for one document: they are few and far between."""

    def __init__(self, settings: Settings) -> None:
        self._policy = policy_of(allow_private=settings.identity_allow_private)
        self._proxy = settings.webhook_proxy.reveal

    async def fetch(self, url: str) -> dict[str, Any]:
        """Return a JSON object.

        Raises:
            FetchError: a refused address, no answer, or no JSON object.
        """
        if (reason := refusal(self._policy, url)) is not None:
            raise FetchError(f"blocked-url: {reason}")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return _object(await self._read(url))
        except SSRFGuardError:
            raise FetchError("blocked-address") from None
        except TimeoutError:
            raise FetchError("timeout") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise FetchError(type(error).__name__) from None

    def _client(self) -> httpx.AsyncClient:
        options: dict[str, Any] = {
            "verify": _tls(),
            "trust_env": False,
            "follow_redirects": False,
            "timeout": TIMEOUT_S,
            "headers": {"Accept": "application/json", "Accept-Encoding": "identity"},
        }
        if self._proxy:  # it resolves names and checks addresses itself
            return httpx.AsyncClient(proxy=self._proxy, **options)
        return AsyncClient(policy=self._policy, resolver_slots=2, **options)

    async def _read(self, url: str) -> bytes:
        async with self._client() as client, client.stream("GET", url) as response:
            if response.status_code != httpx.codes.OK:
                raise FetchError(f"status-{response.status_code}")
            body = bytearray()
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_BYTES:
                    raise FetchError("too-long")
            return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(body)
    except MAX_DEPTH_ERRORS:
        raise FetchError("no-json") from None
    if not isinstance(value, dict):
        raise FetchError("no-json-object")
    return value

"""Requests to addresses that strangers choose: never into a private network, never for long."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Protocol

import httpx
import msgspec
from ssrfguard import Policy, SSRFGuardError

from shared.config import Settings
from shared.networks import PRIVATE_NETWORKS
from shared.webhooks.http import (
    DisconnectedError,
    HttpClient,
    ProtocolError,
    Resolver,
    Response,
    Target,
)
from shared.webhooks.proxied import ProxiedClient, ProxyRefusedError

MAX_URL_LENGTH: Final = 2048

PORTS: Final = frozenset({443, 8443})
"""Where receivers may listen outside development."""


class UrlRefusedError(Exception):
    """The URL of an endpoint may not be called; the message says why and is fit for its owner."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request: a status, or the class of the failure."""

    status: int | None = None
    error: str | None = None
    """`timeout`, `refused`, `dns`, `tls`, `blocked-address`, `blocked-url`, `protocol`,
    `disconnected`, `proxy` or `internal`; None with a status."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    """At most the first 2 KiB."""


def policy_of(settings: Settings) -> Policy:
    """Return what the process may call: public addresses over HTTPS, unless it is a developer's."""
    if settings.webhook_allow_private:
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


def check_url(policy: Policy, url: str) -> Target:
    """Refuse what can be refused without asking a name server; return the URL in parts.

    Raises:
        UrlRefusedError: the scheme, port, host, length or a literal address is not allowed, or the
            URL carries a user name.
    """
    try:
        policy.check_url(url)
        parsed = httpx.URL(url)
    except SSRFGuardError as error:
        raise UrlRefusedError(_reason(error)) from None
    except (ValueError, httpx.InvalidURL):
        raise UrlRefusedError("this is not a URL") from None
    if parsed.fragment:
        raise UrlRefusedError("a fragment is never sent")
    is_tls = parsed.scheme == "https"
    return Target(
        is_tls=is_tls,
        host=parsed.raw_host.decode("ascii"),
        port=parsed.port or (443 if is_tls else 80),
        authority=parsed.netloc.decode("ascii"),
        path=parsed.raw_path.decode("ascii"),
    )


def _reason(error: SSRFGuardError) -> str:
    return str(getattr(error, "reason", "")) or "the URL is not allowed"


class Client(Protocol):
    """What sends."""

    async def post(
        self, target: Target, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Response:
        """Send a body; return the answer, or raise."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Outbound:
    """The process's way to receivers: direct, or over an egress proxy."""

    def __init__(
        self, settings: Settings, *, connections: int, resolver: Resolver | None = None
    ) -> None:
        self._timeout_s = settings.webhook_timeout_s
        policy = policy_of(settings)
        # Taking a URL apart costs more than sending to it.
        self._check = lru_cache(maxsize=1024)(lambda url: check_url(policy, url))
        proxy = settings.webhook_proxy.reveal
        self._client: Client = (
            ProxiedClient(proxy, connections=connections)
            if proxy
            else HttpClient(policy, lookups=connections, resolver=resolver)
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body; return what came back within the time limit, whatever it was."""
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        try:
            response = await self._client.post(self._check(url), headers, body, deadline)
        except Exception as error:
            return Answer(error=class_of(error))
        return Answer(status=response.status, headers=response.headers, body=response.body)


_CLASSES: Final = (
    (UrlRefusedError, "blocked-url"),
    (SSRFGuardError, "blocked-address"),
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
    (ProxyRefusedError, "proxy"),
    (ProtocolError, "protocol"),
    (DisconnectedError, "disconnected"),
    (OSError, "refused"),
)
"""Words for failures: fixed ones, because messages hold addresses and names."""


def class_of(error: Exception) -> str:
    """Return the class of a failure."""
    return next((word for kind, word in _CLASSES if isinstance(error, kind)), "internal")

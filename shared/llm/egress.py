"""Which addresses a model may be called at, and that no other is.

A tenant's endpoint is an address that a stranger chooses, called from inside: HTTPS and public
addresses only, and the address that is connected is the one that was checked. The installation's
own endpoint is the operator's choice and may stand in a private network.
"""

from typing import Final
from urllib.parse import urlsplit

from ssrfguard import Policy, SSRFGuardError

from shared.llm.failures import BaseUrlRefusedError
from shared.networks import CARRIER_NETWORK, PRIVATE_NETWORKS

MAX_URL_LENGTH: Final = 500

PORTS: Final = frozenset({443, 8443})
"""Where a tenant's endpoint may listen."""

PUBLIC: Final = Policy(
    allowed_schemes=frozenset({"https"}), allowed_ports=PORTS, max_url_length=MAX_URL_LENGTH
)
"""For tenants' endpoints."""

TRUSTED: Final = Policy(
    allowed_schemes=frozenset({"https", "http"}),
    allowed_networks=(*PRIVATE_NETWORKS, CARRIER_NETWORK),
    allowed_ports=frozenset(range(1, 65536)),
    max_url_length=MAX_URL_LENGTH,
)
"""For the installation's endpoint, and in development."""


def policy_for(*, is_own: bool, allow_private: bool) -> Policy:
    """Return what may be called: by a tenant's own endpoint, or the installation's."""
    return PUBLIC if is_own and not allow_private else TRUSTED


def check_base_url(policy: Policy, url: str) -> None:
    """Refuse what can be refused without asking a name server.

    Raises:
        BaseUrlRefusedError: the scheme, port, host, length or a literal address is not allowed, or
            there are credentials, a query or a fragment in it.
    """
    try:
        policy.check_url(url)
        parts = urlsplit(url)
    except SSRFGuardError as error:
        reason = str(getattr(error, "reason", "")) or "the URL is not allowed"
        raise BaseUrlRefusedError(reason) from None
    except ValueError:
        raise BaseUrlRefusedError("this is not a URL") from None
    if "?" in url or "#" in url:
        raise BaseUrlRefusedError("a base URL has no query and no fragment")
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise BaseUrlRefusedError("give the base URL: what stands before /chat/completions")

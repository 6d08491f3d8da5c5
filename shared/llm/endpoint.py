"""Where a model is reached: the installation's or a tenant's endpoint."""

from hashlib import sha256
from urllib.parse import quote, urlsplit

import msgspec

from shared.config import Secret


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAI-compatible endpoint with the credential that it takes."""

    base_url: str
    """Up to, and without, `/chat/completions`: `https://api.openai.com/v1`. With `api_version` the
    Azure resource: `https://<name>.openai.azure.com`."""
    key: Secret = Secret("")
    """Empty: sent without one, as local servers like it."""
    api_version: str = ""
    """Azure OpenAI's dated API (`2024-10-21`): the model is a deployment, the key goes into the
    header `api-key`. Empty: everybody else, and Azure's own `/openai/v1`."""
    headers: dict[str, Secret] = msgspec.field(default_factory=dict)
    """Sent with every call; gateways want them."""

    @property
    def host(self) -> str:
        """Host and, if it says one, port: what notes and logs may name."""
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        return f"{host}:{parts.port}" if parts.port else host

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme, and host with its port: a key that was given for one is sent to no other."""
        return urlsplit(self.base_url).scheme.lower(), self.host.lower()

    @property
    def credential(self) -> str:
        """64 hex digits that differ for every difference in address, key or headers; not secret,
        not to be logged either.
        """
        parts = [self.base_url, self.api_version, self.key.reveal]
        parts += [
            part for name in sorted(self.headers) for part in (name, self.headers[name].reveal)
        ]
        return sha256(msgspec.json.encode(parts)).hexdigest()

    @property
    def fingerprint(self) -> str:
        """16 hex digits that differ for every difference in address, and tell nothing of it."""
        parts = [self.base_url, self.api_version]
        return sha256(msgspec.json.encode(parts)).hexdigest()[:16]

    def path(self, model: str) -> str:
        """Return where chats go, relative to the base URL, with the query if there is one."""
        if not self.api_version:
            return "/chat/completions"
        version = quote(self.api_version, safe="")
        return f"/openai/deployments/{quote(model, safe='')}/chat/completions?api-version={version}"

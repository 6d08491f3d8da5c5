"""A webhook endpoint of the running product for as long as a command listens."""

import contextlib
from pathlib import Path
from typing import Final

import httpx
import msgspec

from infra.cli.errors import CommandError

PATIENCE_S: Final = 10.0
"""Seconds the product has to answer."""

_PATH: Final = "/v1/webhook_endpoints"


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the product: what is needed of `up.json`."""

    api_url: str
    api_key: str


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    secret: str


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str = ""
    detail: str = ""


class TemporaryEndpoint:
    """Registered with the product; `delete` ends it."""

    def __init__(self, client: httpx.Client, made: _Made) -> None:
        self._client = client
        self.endpoint_id = made.id
        self.secret = made.secret

    @classmethod
    def register(cls, up_path: Path, url: str, types: list[str] | None) -> "TemporaryEndpoint":
        """Make the endpoint.

        Raises:
            CommandError: no product runs there, or it refuses.
        """
        try:
            running = msgspec.json.decode(up_path.read_bytes(), type=_Running)
        except (OSError, msgspec.DecodeError):
            raise CommandError(f"no product runs here ({up_path}); `rapport up`") from None
        client = httpx.Client(
            base_url=running.api_url,
            headers={"Authorization": f"Bearer {running.api_key}"},
            timeout=PATIENCE_S,
            trust_env=False,
        )
        body = {"url": url, "description": "rapport webhooks listen", "event_types": types}
        try:
            response = client.post(_PATH, json=body)
        except httpx.HTTPError:
            client.close()
            raise CommandError(f"the product does not answer at {running.api_url}") from None
        if response.status_code != httpx.codes.CREATED:
            client.close()
            raise CommandError(_refusal(response))
        return cls(client, msgspec.json.decode(response.content, type=_Made))

    def delete(self) -> None:
        """Delete it; when the product is gone, that is said and no error."""
        with contextlib.closing(self._client):
            try:
                self._client.delete(f"{_PATH}/{self.endpoint_id}").raise_for_status()
            except httpx.HTTPError:
                print(f"{self.endpoint_id} could not be deleted: the product does not answer")


def _refusal(response: httpx.Response) -> str:
    if '"/url"' in response.text:
        return (
            "the product delivers to public addresses only; for development set "
            "RAPPORT_WEBHOOK_ALLOW_PRIVATE=true where it runs"
        )
    with contextlib.suppress(msgspec.DecodeError):
        problem = msgspec.json.decode(response.content, type=_Problem)
        if problem.code:
            return f"the product refuses: {problem.detail} ({problem.code})"
    return f"the product refuses with {response.status_code}"

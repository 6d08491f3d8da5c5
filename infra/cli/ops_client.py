"""How the commands of operators reach a product: by its operators' API, with an operator's key."""

import os
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import msgspec

from infra.cli.errors import CommandError

PATIENCE_S: Final = 15.0
"""Seconds the product has to answer."""

KEY_VARIABLE: Final = "RAPPORT_OPS_KEY"
"""Where a key may be."""

Answer = TypeVar("Answer")


class AwayError(CommandError):
    """The product does not answer; it may again."""


class _Running(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach the product: what is needed of `up.json`."""

    api_url: str
    ops_key: str


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    code: str = ""
    detail: str = ""


class OpsClient:
    """Calls the operators' API."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=PATIENCE_S,
            trust_env=False,
        )

    @classmethod
    def find(cls, data_dir: Path, url: str | None, key_file: Path | None) -> "OpsClient":
        """Return a client for the product that is named, or that runs over the data directory.

        Raises:
            CommandError: there is none, or no key for it.
        """
        key = _key(key_file)
        if url is None or key is None:
            running = _running(data_dir)
            if running is None or (url is not None and url.rstrip("/") != running.api_url):
                raise CommandError(
                    f"give an operator's key: --key-file, or {KEY_VARIABLE}"
                    if url is not None
                    else "nothing runs here: start `rapport up`, or give --url and a key"
                )
            url, key = url or running.api_url, key or running.ops_key
        return cls(url, key)

    def get(self, path: str, kind: type[Answer], **params: Any) -> Answer:
        """Return what a path below `/ops/v1` answers; parameters that are None are left out.

        Raises:
            AwayError: nobody answers, or with a failure of its own.
            CommandError: it refuses; the message says why.
        """
        given = {name: value for name, value in params.items() if value is not None}
        return msgspec.json.decode(self._call("GET", path, params=given).content, type=kind)

    def text(self, path: str, **params: Any) -> str:
        """Return an answer as it is; raises likewise."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._call("GET", path, params=given).text

    def post(self, path: str, kind: type[Answer], body: Any = None) -> Answer:
        """Send a change; raises likewise."""
        return msgspec.json.decode(self._call("POST", path, json=body).content, type=kind)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._client.request(method, f"/ops/v1{path}", **options)
        except httpx.HTTPError:
            raise AwayError(f"the product does not answer at {self.url}") from None
        if response.is_success:
            return response
        refusal = _refusal(response)
        if response.is_server_error:
            raise AwayError(refusal)
        raise CommandError(refusal)


def _key(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


def _running(data_dir: Path) -> _Running | None:
    try:
        return msgspec.json.decode((data_dir / "up.json").read_bytes(), type=_Running)
    except (OSError, msgspec.DecodeError):
        return None


def _refusal(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.DecodeError:
        return f"the product answered {response.status_code}"
    return f"the product refuses: {problem.detail or problem.code}"

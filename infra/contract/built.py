"""The document as the app serves it, without any server behind the app."""

import asyncio
import base64
from pathlib import Path
from typing import Any, Final, cast

import httpx
import msgspec

from services.api.app import create_app
from services.api.context import ProcessContext
from shared.config import Secret, Settings

ROOT: Final = Path(__file__).resolve().parents[2]

COMMITTED: Final = ROOT / "docs/openapi.json"
RELEASED: Final = ROOT / "docs/openapi"
"""One file per released version of the contract, without texts and examples."""

Json = dict[str, Any]


class _Nobody:
    """Stands for servers that making the document never asks."""

    def __getattr__(self, name: str) -> "_Nobody":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: object, **options: object) -> "_Nobody":
        return self


def served(path: str = "/openapi.json") -> httpx.Response:
    """Return what the app answers to a GET that needs neither key nor servers."""
    return asyncio.run(_get(path))


def build() -> bytes:
    """Return the document."""
    response = served()
    response.raise_for_status()
    return response.content


def skeleton(document: Json) -> bytes:
    """Return what clients are written against: everything except texts and examples."""
    return msgspec.json.format(msgspec.json.encode(_bare(document, is_named=False)), indent=1)


def newest_release() -> Path:
    """Return the file of the last released version.

    Raises:
        FileNotFoundError: none was released yet.
    """
    found = sorted(RELEASED.glob("*.json"), key=lambda each: _numbers(each.stem))
    if not found:
        raise FileNotFoundError(f"no released contract in {RELEASED}")
    return found[-1]


async def _get(path: str) -> httpx.Response:
    nobody = cast("Any", _Nobody())
    settings = Settings(
        database_url=Secret("postgresql://nobody"),
        nats_url=Secret("nats://nobody"),
        master_key=Secret(base64.b64encode(bytes(32)).decode()),
    )
    context = ProcessContext(
        settings=settings, database=nobody, keys=nobody, nats=nobody, publisher=nobody
    )
    transport = httpx.ASGITransport(app=cast("Any", create_app(context)))
    async with httpx.AsyncClient(transport=transport, base_url="http://contract") as client:
        return await client.get(path)


_TEXTS: Final = frozenset({"description", "summary", "example", "examples", "title", "links"})
_NAMED: Final = frozenset({"properties", "schemas", "headers", "paths", "webhooks"})
"""Below these, keys are names and not words of the format."""


def _bare(value: Any, *, is_named: bool) -> Any:
    if isinstance(value, dict):
        return {
            key: _bare(each, is_named=key in _NAMED and not is_named)
            for key, each in value.items()
            if is_named or key not in _TEXTS
        }
    return [_bare(each, is_named=False) for each in value] if isinstance(value, list) else value


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("-"))

"""Records the examples of the document from a running API."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from infra.contract.built import ROOT
from infra.contract.taming import Tamer
from infra.contract.tour import Sent, Tour, read_tour

ANSWERS: Final = ROOT / "services/api/openapi/answers.json"

RECEIVER: Final = "http://127.0.0.1:9"
"""Where nobody listens: deliveries are made and fail. The API must allow private receivers."""

_SHOWN_RECEIVER: Final = "https://partner.example"

_TIMEOUT_S: Final = 40.0


def record(url: str, key: str, target: Path = ANSWERS) -> None:
    """Follow the tour and write down what is shown of it.

    Raises:
        TourError: an answer is not the expected one.
    """
    followed = asyncio.run(follow(url, key))
    target.write_bytes(msgspec.json.format(msgspec.json.encode(followed.tame()), indent=1) + b"\n")


async def follow(url: str, key: str) -> "Followed":
    """Send the requests of the tour with the key of a tenant without any data.

    Raises:
        TourError: an answer is not the expected one.
    """
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=_TIMEOUT_S) as client:
        served = await client.get("/openapi.json")
        started_at = _clock(served)
        kept = {
            "receiver": f"{RECEIVER}/rapport/events",
            "lrs": f"{RECEIVER}/xapi",
            "today": started_at.strftime("%Y-%m-%dT00:00:00Z"),
        }
        sent = await Tour(client, served.json(), kept).play(read_tour())
    return Followed(started_at=started_at, sent=sent)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What was sent and answered."""

    started_at: datetime
    """By the server's clock, which the answers were written by."""
    sent: list[Sent]

    def tame(self) -> list[Any]:
        """Return what is shown of it, alike every time."""
        shown = [msgspec.to_builtins(each.taken()) for each in self.sent if each.step.shown]
        tamed: list[Any] = Tamer(self.started_at, {RECEIVER: _SHOWN_RECEIVER}).tame(shown)
        return tamed


def _clock(response: httpx.Response) -> datetime:
    text = response.headers["date"]
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)

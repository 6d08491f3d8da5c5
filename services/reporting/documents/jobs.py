"""What the rendering process is asked and answers, on its standard input and output."""

import struct
from typing import Final

import msgspec

from shared.contracts.base import Record
from shared.contracts.reports.documents import (
    ChartFormat,
    ChartKind,
    HeatCell,
    Paper,
    TeamPage,
)

HEAD: Final = struct.Struct(">I")
"""Every message is led by its length in bytes."""


class PageJob(Record, frozen=True, kw_only=True, tag="page"):
    """A team's page as a document."""

    page: TeamPage
    format: str
    """`html` or `pdf`."""
    paper: Paper = "a4"


class ChartJob(Record, frozen=True, kw_only=True, tag="chart"):
    """One chart of a page."""

    page: TeamPage
    chart: ChartKind
    format: ChartFormat
    skill: str | None = None


class HeatmapJob(Record, frozen=True, kw_only=True, tag="heatmap"):
    """Teams beside each other."""

    cells: tuple[HeatCell, ...]
    title: str
    subtitle: str
    format: ChartFormat


class Done(Record, frozen=True, kw_only=True, tag="done"):
    """A rendered document."""

    content: bytes


class Failed(Record, frozen=True, kw_only=True, tag="failed"):
    """A document that could not be rendered; the process goes on."""

    reason: str
    """Name of the error; never its text, which may hold what a person wrote."""


Job = PageJob | ChartJob | HeatmapJob
Outcome = Done | Failed

JOBS: Final[msgspec.msgpack.Decoder[Job]] = msgspec.msgpack.Decoder(Job)
OUTCOMES: Final[msgspec.msgpack.Decoder[Outcome]] = msgspec.msgpack.Decoder(Outcome)


def framed(message: Job | Outcome) -> bytes:
    """Return a message with its length."""
    body = msgspec.msgpack.encode(message)
    return HEAD.pack(len(body)) + body

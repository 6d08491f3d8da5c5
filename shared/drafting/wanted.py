"""What an author asks for, as it is kept sealed until the draft is made."""

from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Record
from shared.contracts.scenario import Role, Slug, Temper

MAX_SOURCE_CHARS = 60_000
"""Characters of a source: a long policy document, or an hour's call."""

SourceKind = Literal["prompt", "policy", "transcript"]
"""An idea in some sentences, a document with rules, or a real conversation."""


class SaidLine(Record, frozen=True, kw_only=True):
    """One turn of a real conversation."""

    role: Literal["agent", "customer"]
    text: str


class ScenarioWanted(Record, frozen=True, kw_only=True):
    """A scenario to be drafted."""

    kind: SourceKind
    text: str = ""
    turns: tuple[SaidLine, ...] = ()
    title: str | None = None
    role: Role | None = None
    temper: Temper | None = None
    difficulty: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    slug: Slug | None = None


class RubricWanted(Record, frozen=True, kw_only=True):
    """A rubric to be drafted from a scorecard in plain text."""

    text: str
    title: str | None = None
    slug: Slug | None = None

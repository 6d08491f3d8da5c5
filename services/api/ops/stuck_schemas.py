"""Questions and answers about what moves no more."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.api.paging import Page, PageQuery
from shared.ids import InvalidIdError, parse_id

What = Literal["job", "scoring", "simulation", "operation"]

JobType = Literal[
    "turn",
    "score",
    "bulk_score",
    "rescore",
    "batch",
    "scenario_draft",
    "scenario_trial",
    "rubric_draft",
    "start_simulation",
    "start_batch",
    "start_scoring",
    "simulation_ended",
    "activity_done",
]

Did = Literal["made_due", "started_again", "nothing"]

Replayed = Literal["replayed", "already_due", "not_needed", "refused"]

TenantId = Annotated[str, msgspec.Meta(pattern="^ten_[0-7][0-9a-hjkmnp-tv-z]{25}$")]

Code = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_-]{1,80}$")]


class StuckQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose, and how many."""

    tenant_id: TenantId | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class Stuck(msgspec.Struct, frozen=True, kw_only=True):
    """Something that does not move for longer than its kind should take."""

    tenant_id: str
    id: str
    what: What
    detail: str
    """Of a job its lane, of an operation its kind, else what it waits for."""
    since: datetime
    starts: int | None
    """Of a job: how many workers took it."""
    reason: str
    """Why, as far as can be told from here."""
    can_retry: bool


class StuckView(msgspec.Struct, frozen=True, kw_only=True):
    """What is stuck, the oldest first."""

    data: list[Stuck]
    total: int


class RetryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to set going again."""

    id: Annotated[
        str, msgspec.Meta(pattern="^(job|scr|sim|op)_[0-7][0-9a-hjkmnp-tv-z]{25}$", max_length=40)
    ]


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry did; a second one does no harm."""

    id: str
    did: Did
    words: str


class DeadQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters."""

    tenant_id: TenantId | None = None
    type: JobType | None = None
    failure_code: Code | None = None


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A job that failed for good; what was said in it is nowhere here."""

    tenant_id: str
    id: str
    lane: str
    type: str
    starts: int
    failure_code: str | None
    created_at: datetime
    died_at: datetime
    can_replay: bool
    """Whether its type can be replayed; whether this one can says the replay."""
    told: str
    """What its owner was told when it died."""


class DeadLetterPage(Page[DeadLetter], frozen=True, kw_only=True):
    """A page of dead letters, the oldest first."""


class DeadLetterView(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter, and what it was about."""

    letter: DeadLetter
    about: list[str]
    """Ids of the conversation, scoring or operation."""


class ReplayBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters to replay: the oldest that fit, at most a hundred."""

    tenant_id: TenantId | None = None
    type: JobType | None = None
    failure_code: Code | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one dead letter."""

    tenant_id: str
    id: str
    outcome: Replayed
    words: str


class Replays(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each, in their order."""

    data: list[Replay]


def tenant_of(text: str | None) -> UUID | None:
    """Return the id of a filter; None for none, and for one that nobody has."""
    if text is None:
        return None
    try:
        return parse_id("ten", text)
    except InvalidIdError:  # 26 characters that no id has
        return UUID(int=1)

"""Requests and answers of `/v1/scorings`."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal

import msgspec
from typing_extensions import override

from services.api.assessments.records import Source
from services.api.assessments.schemas import RubricView
from services.api.fields import ExternalId, LearnerId, Slug, public, utc
from services.api.filters.asked import ConversationQuery
from services.api.filters.expand import OF_SCORING
from services.api.metadata import Metadata
from services.api.scorings.contact_schemas import ContactPut, ContactView
from services.api.scorings.records import (
    ConversationSource,
    HandedIn,
    Heard,
    Roles,
    Scoring,
    Status,
)
from services.api.validation import RuleError, broken
from shared.contracts.scoring import TranscriptTurn
from shared.errors import FieldError
from shared.ids import format_id, parse_id
from shared.intake import limits
from shared.intake.language import DEFAULT as DEFAULT_LANGUAGE
from shared.intake.language import TAG as LANGUAGE_TAG
from shared.intake.taking import Flag, clean_turns, refusals

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Anything before is a mistake of the sender."""

CLOCK_SLACK = timedelta(days=1)
"""How far ahead `occurred_at` may be: partners' clocks and time zones are often wrong by hours."""

TURN_ID = f"^[A-Za-z0-9][A-Za-z0-9._:-]{{0,{limits.MAX_TURN_ID - 1}}}$"

Milliseconds = Annotated[
    int,
    msgspec.Meta(ge=0, le=limits.MAX_MS, description="Since the start of the conversation."),
]


class ConversationTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one side said."""

    role: Annotated[
        Literal["agent", "customer"], msgspec.Meta(description="`agent` is who is scored.")
    ]
    text: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=limits.MAX_TURN_CHARACTERS)]
    id: Annotated[
        Annotated[str, msgspec.Meta(pattern=TURN_ID, max_length=limits.MAX_TURN_ID)] | None,
        msgspec.Meta(description="Your own, unique in the conversation; evidence cites it."),
    ] = None
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None

    def __post_init__(self) -> None:
        if self.start_ms is not None and self.end_ms is not None and self.end_ms < self.start_ms:
            raise RuleError(broken("/end_ms", "out-of-order", "A turn ends after it starts"))


class ConversationCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation that happened."""

    turns: Annotated[
        tuple[ConversationTurn, ...],
        msgspec.Meta(
            min_length=1,
            max_length=limits.MAX_TURNS,
            description="In the order of their starts; turns may overlap. Both sides speak, "
            f"with {limits.MIN_WORDS} words at least and {limits.MAX_CHARACTERS} characters at "
            "most in all.",
        ),
    ]
    source: ConversationSource
    language: Annotated[
        str,
        msgspec.Meta(
            pattern=LANGUAGE_TAG,
            max_length=35,
            description="A tag of BCP 47. Other than English, a number takes a language model.",
        ),
    ] = DEFAULT_LANGUAGE
    external_id: ExternalId | None = None
    contact: Annotated[
        ContactPut | None,
        msgspec.Meta(description="How the contact went by your own counting, for outcome reports."),
    ] = None

    def __post_init__(self) -> None:
        turns = self.transcript()
        errors = [*_repeated(turns), *_out_of_order(turns), *refusals(clean_turns(turns)[0])]
        if errors:
            raise RuleError(*errors)

    def transcript(self) -> tuple[TranscriptTurn, ...]:
        """Return the turns; those without an id are called `t1`, `t2`, ... by their place."""
        return tuple(
            TranscriptTurn(
                id=turn.id or f"t{number}",
                role=turn.role,
                text=turn.text,
                start_ms=turn.start_ms,
                end_ms=turn.end_ms,
            )
            for number, turn in enumerate(self.turns, start=1)
        )


class ScoringCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Score a conversation."""

    conversation: ConversationCreate
    learner_id: LearnerId
    occurred_at: Annotated[
        Annotated[datetime, msgspec.Meta(tz=True)] | None,
        msgspec.Meta(description="When it happened, with a time zone; now when absent."),
    ] = None
    rubric: Annotated[Slug, msgspec.Meta(description="Slug; the newest version is used.")] = (
        "general"
    )
    metadata: Metadata = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.occurred_at is not None and self.occurred_at < EARLIEST:
            raise RuleError(broken("/occurred_at", "out-of-range", "This is before the year 2000"))

    def handed_in(self) -> HandedIn:
        """Return what is handed in."""
        conversation = self.conversation
        return HandedIn(
            turns=conversation.transcript(),
            language=conversation.language,
            source=conversation.source,
            external_id=conversation.external_id,
            learner_id=parse_id("lrn", self.learner_id),
            occurred_at=self.occurred_at,
            rubric=self.rubric,
            metadata=self.metadata,
            contact=None if conversation.contact is None else conversation.contact.contact(),
        )


class RolesSettle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say who is who in a conversation."""

    confirm: Annotated[
        Literal["swap", "keep"],
        msgspec.Meta(
            description="`swap`: who was sent as the agent is the customer, and the other way "
            "round. `keep`: the roles are right as they were sent."
        ),
    ]


class ScoringQuery(ConversationQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    EXPANDABLE: ClassVar[tuple[str, ...]] = OF_SCORING

    status: Status | None = None

    @override
    def contradictions(self) -> Iterator[FieldError]:
        yield from super().contradictions()
        if self.is_scored and self.status not in {None, "completed"}:
            yield broken("/status", "contradiction", "Only what is completed has a score")


class FlagView(msgspec.Struct, frozen=True, kw_only=True):
    """Something odd about a conversation."""

    code: str
    detail: str
    """One or two sentences for a person."""
    count: int | None
    """Of `invisible_characters_removed`: how many."""

    @classmethod
    def of(cls, flag: Flag) -> "FlagView":
        """Return the public form."""
        return cls(code=flag.code, detail=flag.detail, count=flag.count or None)


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that was handed in; its text is not shown again."""

    id: str
    external_id: str | None
    turn_count: int
    language: str
    """The declared one, unless the text is plainly in another."""
    roles: Roles
    flags: tuple[FlagView, ...]
    contact: ContactView | None
    """How the contact went; null where nobody said."""

    @classmethod
    def of(cls, heard: Heard) -> "ConversationView":
        """Return the public form."""
        return cls(
            id=format_id("conv", heard.conversation_id),
            external_id=heard.external_id,
            turn_count=heard.turn_count,
            language=heard.language,
            roles=heard.roles,
            flags=tuple(FlagView.of(flag) for flag in heard.flags),
            contact=None if heard.contact is None else ContactView.of(heard.contact),
        )


class ScoringView(msgspec.Struct, frozen=True, kw_only=True):
    """A request to score a conversation."""

    id: str
    status: Status
    """`held`: say first who is who (`.../swap_roles`)."""
    failure_code: str | None
    learner_id: str
    source: Source
    conversation: ConversationView | None
    simulation_id: str | None
    """Exactly one of conversation and simulation is set."""
    operation_id: str | None
    """The request with many conversations that it came with."""
    rubric: RubricView
    assessment_id: str | None
    """The result, once completed."""
    metadata: dict[str, str]
    """Your own keys and values."""
    occurred_at: datetime
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, scoring: Scoring) -> "ScoringView":
        """Return the public form."""
        heard = scoring.heard
        return cls(
            id=format_id("scr", scoring.scoring_id),
            status=scoring.status,
            failure_code=scoring.failure_code,
            learner_id=format_id("lrn", scoring.learner_id),
            source=scoring.source,
            conversation=None if heard is None else ConversationView.of(heard),
            simulation_id=public("sim", scoring.simulation_id),
            operation_id=public("op", scoring.operation_id),
            rubric=RubricView.of(scoring.rubric),
            assessment_id=public("asm", scoring.assessment_id),
            metadata=scoring.metadata,
            occurred_at=utc(scoring.occurred_at),
            created_at=utc(scoring.created_at),
            finished_at=None if scoring.finished_at is None else utc(scoring.finished_at),
        )


def latest_occurrence(now: datetime) -> datetime:
    """Return the latest moment at which a conversation can have happened."""
    return now + CLOCK_SLACK


def too_late(occurred_at: datetime) -> FieldError:
    """Name a time that has not come yet."""
    return broken("/occurred_at", "in-the-future", f"{occurred_at.isoformat()} has not come yet")


def _repeated(turns: tuple[TranscriptTurn, ...]) -> Iterator[FieldError]:
    counts = Counter(turn.id for turn in turns)
    if len(counts) == len(turns):
        return
    seen: set[str] = set()
    for index, turn in enumerate(turns):
        if turn.id in seen:
            detail = "Another turn has this id; turns without one are t1, t2, ..."
            yield broken(f"/turns/{index}/id", "duplicate", detail)
        seen.add(turn.id)


def _out_of_order(turns: tuple[TranscriptTurn, ...]) -> Iterator[FieldError]:
    latest = 0
    for index, turn in enumerate(turns):
        if turn.start_ms is None:
            continue
        if turn.start_ms < latest:
            detail = "A turn starts no earlier than those before it"
            yield broken(f"/turns/{index}/start_ms", "out-of-order", detail)
        latest = max(latest, turn.start_ms)

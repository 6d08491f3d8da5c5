"""Requests and answers of `/v1/simulations`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from typing_extensions import override

from services.api.fields import (
    MAX_SEED,
    Language,
    LearnerId,
    OperationId,
    ScenarioRef,
    public,
    utc,
)
from services.api.filters.asked import FilterQuery
from services.api.filters.expand import OF_SIMULATION
from services.api.metadata import Metadata
from services.api.notices import AiNoticeView
from services.api.paging import MOST_ASKED
from services.api.simulations.records import Exchange, Mode, Simulation, Standing, Status, Turn
from services.api.simulations.wording_schemas import WordingView
from services.api.validation import RuleError, broken
from shared.contracts.dialogue import ActSpan
from shared.contracts.scenario import Mind
from shared.contracts.simulation import Cause, Profile
from shared.errors import FieldError
from shared.ids import format_id
from shared.notices import notice

AI_NOTICE: Final = notice("simulation", "en").text
"""Shown to everyone who practices [EU AI Act, article 50]."""

MAX_TEXT: Final = 4000
"""Characters of one learner turn."""

MAX_TURNS_PAGE: Final = 200
"""A simulation has at most 60 learner turns, so one page holds it whole."""


class SimulationCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Start a practice conversation."""

    scenario: ScenarioRef
    learner_id: LearnerId
    mode: Mode
    profile: Annotated[
        Profile | None, msgspec.Meta(description="Who plays the learner; with `autopilot` only.")
    ] = None
    seed: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] | None,
        msgspec.Meta(description="Same seed, same customer. Drawn for you when absent."),
    ] = None
    hints: Annotated[
        bool,
        msgspec.Meta(description="At most one short hint with each reply, noted in the result."),
    ] = False
    word_budget: Annotated[
        Annotated[int, msgspec.Meta(ge=50, le=20_000)] | None,
        msgspec.Meta(description="Words the learner may use; then the customer has to go."),
    ] = None
    language: Annotated[
        Language | None,
        msgspec.Meta(
            description="What is spoken; the tenant's own when absent. Any but `en` needs a "
            "language model. The scenario itself stays in English."
        ),
    ] = None
    metadata: Metadata = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode == "autopilot" and self.profile is None:
            raise RuleError(broken("/profile", "missing", "Autopilot needs a profile"))
        if self.mode == "interactive" and self.profile is not None:
            raise RuleError(broken("/profile", "not-allowed", "Only autopilot has a profile"))


class TurnCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the learner says."""

    text: Annotated[str, msgspec.Meta(pattern=r"\S", min_length=1, max_length=MAX_TEXT)]
    expected_seq: Annotated[
        int,
        msgspec.Meta(ge=0, le=1_000_000, description="`last_seq` as you know it: the turn before."),
    ]


class SimulationQuery(FilterQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    EXPANDABLE: ClassVar[tuple[str, ...]] = OF_SIMULATION

    status: Status | None = None
    operation_id: Annotated[
        OperationId | None, msgspec.Meta(description="Only the conversations of this batch.")
    ] = None
    language: Annotated[Language | None, msgspec.Meta(description="What is spoken.")] = None

    @override
    def contradictions(self) -> Iterator[FieldError]:
        yield from super().contradictions()
        if self.is_scored and self.status not in {None, "scored"}:
            yield broken("/status", "contradiction", "Only what is scored has a score")


class TurnQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which turns to return."""

    after_seq: Annotated[
        int, msgspec.Meta(ge=-1, le=1_000_000, description="Only later turns; -1 means all.")
    ] = -1
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ASKED)] = MAX_TURNS_PAGE


class ScenarioPin(msgspec.Struct, frozen=True, kw_only=True):
    """The scenario version that a simulation runs on."""

    id: str
    slug: str
    version: int
    title: str


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of the conversation."""

    id: str
    seq: int
    """The customer speaks first: even turns are the customer's, odd ones the learner's."""
    role: str
    text: str
    mind: Mind | None
    """What the customer feels after this turn; on the customer's turns."""
    surface: str | None
    """What the customer visibly does."""
    acts: tuple[ActSpan, ...] | None
    """What the learner did in the turn before, with the words that show it."""
    causes: tuple[Cause, ...] | None
    """Why the mind changed."""
    engine: str | None
    """Who worded the line: `embedded`, `model` or `mixed`. On replies."""
    wording: WordingView | None
    """More about that."""
    appraisal: Literal["embedded", "model"] | None
    """Who read what the learner said: `model` in other languages than English. On replies."""
    hint: str | None
    """For the learner's next turn; only where hints are on, and only when one is due."""
    created_at: datetime

    @classmethod
    def of(cls, turn: Turn, *, shows_calls: bool = True) -> "TurnView":
        """Return the public form; calls of a model cost money, which is no learner's business."""
        return cls(
            id=format_id("turn", turn.turn_id),
            seq=turn.seq,
            role=turn.role,
            text=turn.text,
            mind=turn.mind,
            surface=turn.surface,
            acts=turn.acts,
            causes=turn.causes,
            engine=turn.engine,
            wording=WordingView.of(turn.wording, shows_calls=shows_calls),
            appraisal=turn.appraisal,
            hint=turn.hint,
            created_at=utc(turn.created_at),
        )


class SimulationView(msgspec.Struct, frozen=True, kw_only=True):
    """A practice conversation."""

    id: str
    learner_id: str
    scenario: ScenarioPin
    mode: Mode
    profile: str | None
    seed: int
    status: Status
    end_reason: str | None
    closing_line: str | None
    """The customer's last line, where no reply said it: the learner ended it or stayed away."""
    last_seq: int
    hints: bool
    word_budget: int | None
    language: str
    """What is spoken; brief, goals and hints are in English."""
    parent_id: str | None
    """Branches: the simulation they were taken from."""
    branch_seq: int | None
    """Branches: the last turn that both have."""
    operation_id: str | None
    """The batch it belongs to."""
    brief: str
    """What the learner should know before the start."""
    goals: tuple[str, ...]
    notice: str
    """Show this to the learner; `ai_notice` says it in the simulation's language."""
    ai_notice: AiNoticeView
    scoring_id: str | None
    assessment_id: str | None
    """The result, once it is scored."""
    metadata: dict[str, str]
    """Your own keys and values."""
    created_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None
    text_removed_at: datetime | None
    """Since when nobody has the words of its turns any more; their numbers stay."""

    @classmethod
    def of(cls, simulation: Simulation) -> "SimulationView":
        """Return the public form."""
        ended_at, removed_at = simulation.ended_at, simulation.text_removed_at
        return cls(
            id=format_id("sim", simulation.simulation_id),
            learner_id=format_id("lrn", simulation.learner_id),
            scenario=ScenarioPin(
                id=format_id("scn", simulation.scenario_id),
                slug=simulation.scenario_slug,
                version=simulation.scenario_version,
                title=simulation.title,
            ),
            mode=simulation.mode,
            profile=simulation.profile,
            seed=simulation.seed,
            status=simulation.status,
            end_reason=simulation.end_reason,
            closing_line=simulation.closing_line,
            last_seq=simulation.last_seq,
            hints=simulation.hints,
            word_budget=simulation.word_budget,
            language=simulation.language,
            parent_id=public("sim", simulation.parent_id),
            branch_seq=simulation.branch_seq,
            operation_id=public("op", simulation.operation_id),
            brief=simulation.brief,
            goals=simulation.goals,
            notice=AI_NOTICE,
            ai_notice=AiNoticeView.of(simulation.language),
            scoring_id=public("scr", simulation.scoring_id),
            assessment_id=public("asm", simulation.assessment_id),
            metadata=simulation.metadata,
            created_at=utc(simulation.created_at),
            last_activity_at=utc(simulation.last_activity_at),
            ended_at=None if ended_at is None else utc(ended_at),
            text_removed_at=None if removed_at is None else utc(removed_at),
        )


class SimulationCreated(SimulationView, frozen=True, kw_only=True):
    """A new practice conversation with its turns: the opening line, or those of a branch."""

    turns: list[TurnView]

    @classmethod
    def opened(cls, simulation: Simulation, opening: Turn) -> "SimulationCreated":
        """Return the public form."""
        return cls.told(SimulationView.of(simulation), [TurnView.of(opening)])

    @classmethod
    def told(cls, view: SimulationView, turns: list[TurnView]) -> "SimulationCreated":
        """Return a conversation together with its turns."""
        return cls(**msgspec.structs.asdict(view), turns=turns)


class StandingView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the simulation stands after a turn."""

    status: Status
    end_reason: str | None
    last_seq: int

    @classmethod
    def of(cls, standing: Standing) -> "StandingView":
        """Return the public form."""
        return cls(
            status=standing.status, end_reason=standing.end_reason, last_seq=standing.last_seq
        )


class ExchangeView(msgspec.Struct, frozen=True, kw_only=True):
    """What the learner said and what the customer answered."""

    learner_turn: TurnView
    reply: TurnView | None
    """None with status 202: the reply is still being made."""
    simulation: StandingView

    @classmethod
    def of(cls, exchange: Exchange, *, shows_calls: bool = True) -> "ExchangeView":
        """Return the public form; see `TurnView.of`."""
        reply = exchange.reply
        return cls(
            learner_turn=TurnView.of(exchange.learner_turn),
            reply=None if reply is None else TurnView.of(reply, shows_calls=shows_calls),
            simulation=StandingView.of(exchange.standing),
        )


class TurnList(msgspec.Struct, frozen=True, kw_only=True):
    """Turns in order."""

    data: list[TurnView]

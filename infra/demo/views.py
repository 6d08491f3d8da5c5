"""What the demo reads of the API's answers: the fields a partner would read, and no more."""

from datetime import datetime

import msgspec

from shared.contracts.dialogue import ActSpan
from shared.contracts.reports.base import AsOf
from shared.contracts.reports.trend import TrendCell, TrendPoint
from shared.contracts.scenario import Mind
from shared.contracts.scoring import Advice, CriterionResult, Metrics, SkillScore
from shared.contracts.simulation import Cause


class Created(msgspec.Struct, frozen=True):
    """Anything that was made."""

    id: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One turn; the customer's carry mind, surface, acts and causes."""

    id: str
    seq: int
    role: str
    text: str
    mind: Mind | None
    surface: str | None
    acts: tuple[ActSpan, ...] | None
    causes: tuple[Cause, ...] | None


class ScenarioPin(msgspec.Struct, frozen=True):
    """The scenario of a simulation."""

    slug: str
    title: str


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """A practice conversation."""

    id: str
    scenario: ScenarioPin
    status: str
    """`open`, `ended` or `scored`."""
    end_reason: str | None
    last_seq: int
    brief: str
    assessment_id: str | None


class Started(Simulation, frozen=True, kw_only=True):
    """A new practice conversation, with the customer's opening line."""

    turns: tuple[Turn, ...]


class Standing(msgspec.Struct, frozen=True):
    """Where a simulation stands after a turn."""

    status: str
    end_reason: str | None
    last_seq: int


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to a learner's turn."""

    learner_turn: Turn
    reply: Turn | None
    """None with 202: still being made."""
    simulation: Standing


class Turns(msgspec.Struct, frozen=True):
    """Turns in order."""

    data: tuple[Turn, ...]


class Scoring(msgspec.Struct, frozen=True, kw_only=True):
    """A request to score a conversation."""

    id: str
    status: str
    """`queued`, `running`, `completed` or `failed`."""
    source: str
    failure_code: str | None
    assessment_id: str | None
    occurred_at: datetime


class Scorings(msgspec.Struct, frozen=True):
    """A page of scorings."""

    data: tuple[Scoring, ...]


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A result."""

    id: str
    overall: int | None
    criteria: tuple[CriterionResult, ...]
    skills: tuple[SkillScore, ...]
    metrics: Metrics
    advice: tuple[Advice, ...]
    next_practice: str | None

    @property
    def asked(self) -> tuple[SkillScore, ...]:
        """The skills that the rubric asks for; the others come from the standard indicators."""
        return tuple(skill for skill in self.skills if skill.basis == "rubric")


class Trend(msgspec.Struct, frozen=True):
    """A team's skills by week."""

    data: tuple[TrendPoint, ...]
    cells: tuple[TrendCell, ...]
    headline: str
    as_of: AsOf


class Problem(msgspec.Struct, frozen=True):
    """A refusal (RFC 9457)."""

    title: str
    detail: str
    code: str

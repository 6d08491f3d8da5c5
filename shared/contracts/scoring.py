"""Rubrics, transcripts and assessments."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Authored, Record

Score = Annotated[int, msgspec.Meta(ge=0, le=100)]


class TranscriptTurn(Record, frozen=True, kw_only=True):
    """One turn of a conversation to be judged."""

    id: str
    """Stable inside the conversation; evidence cites it."""
    role: Literal["agent", "customer"]
    text: str
    start_ms: int | None = None
    """Milliseconds since the conversation started."""
    end_ms: int | None = None


class Transcript(Record, frozen=True, kw_only=True):
    """A conversation to be judged; `agent` is the person who is scored."""

    turns: tuple[TranscriptTurn, ...]
    source: Literal["simulation", "call", "chat", "email"]
    language: str = "en"


class Polarity(StrEnum):
    """Whether seeing the behaviour helps or hurts."""

    GOOD = "good"
    BAD = "bad"


class Indicator(Authored, frozen=True, kw_only=True):
    """A yes/no behaviour that the judge looks for in the transcript."""

    key: str
    """Names a detector of the judge."""
    title: str
    polarity: Polarity
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)]
    """Good: share beside the other good ones. Bad: percent of the points it takes when full."""
    full_at: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100
    """Percent of the opportunities at which it counts in full; nobody must do it always."""


class Criterion(Authored, frozen=True, kw_only=True):
    """What is scored, and the skill it counts for."""

    key: str
    title: str
    skill: str
    """A key of the taxonomy, for example `relate.empathy`."""
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)]
    indicators: Annotated[tuple[Indicator, ...], msgspec.Meta(min_length=1)]


class Section(Authored, frozen=True, kw_only=True):
    """A group of criteria."""

    key: str
    title: str
    weight: Annotated[int, msgspec.Meta(ge=1, le=100)]
    criteria: Annotated[tuple[Criterion, ...], msgspec.Meta(min_length=1)]


class RubricSpec(Authored, frozen=True, kw_only=True):
    """One version of a rubric."""

    slug: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    title: str
    target: Score
    """The overall score a team aims for."""
    sections: Annotated[tuple[Section, ...], msgspec.Meta(min_length=1)]


class SkillStatus(StrEnum):
    """Whether a number may be given."""

    SCORED = "scored"
    NO_OPPORTUNITY = "no_opportunity"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"


class Verdict(StrEnum):
    """The judge's answer for one indicator."""

    MET = "met"
    NOT_MET = "not_met"
    NO_OPPORTUNITY = "no_opportunity"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


class Evidence(Record, frozen=True, kw_only=True):
    """A verbatim quote; `turn.text[start:end] == quote` was checked in code."""

    turn_id: str
    start: int
    end: int
    quote: str


class IndicatorResult(Record, frozen=True, kw_only=True):
    """One indicator, answered."""

    key: str
    title: str
    polarity: Polarity
    verdict: Verdict
    opportunities: int
    """How often the behavior could have been shown (or, for a bad one, could have happened)."""
    hits: int
    evidence: tuple[Evidence, ...]
    """At most three quotes."""


class CriterionResult(Record, frozen=True, kw_only=True):
    """One criterion, scored from its indicators."""

    key: str
    title: str
    skill: str
    status: SkillStatus
    score: Score | None
    indicators: tuple[IndicatorResult, ...]


class SkillScore(Record, frozen=True, kw_only=True):
    """One skill, rolled up from the criteria that map to it."""

    skill: str
    status: SkillStatus
    score: Score | None
    opportunities: int


class Metrics(Record, frozen=True, kw_only=True):
    """Operational numbers beside the score (formulas: docs/scoring.md)."""

    handle_time_s: float | None
    """Last end minus first start, seconds; None without timings."""
    talk_share: float | None
    """Agent words / all words, 0..1."""
    question_rate: float | None
    """Agent questions / agent turns; may exceed 1."""
    longest_monologue_words: int
    """Most agent words without a customer turn between."""


class Advice(Record, frozen=True, kw_only=True):
    """What went well, or what to do instead, bound to one quote."""

    skill: str
    kind: Literal["strength", "improvement"]
    text: str
    evidence: Evidence | None


class JudgeResult(Record, frozen=True, kw_only=True):
    """Everything the judge says about one transcript; the same input gives the same bytes."""

    overall: Score | None
    """None when too little could be scored."""
    criteria: tuple[CriterionResult, ...]
    skills: tuple[SkillScore, ...]
    metrics: Metrics
    advice: tuple[Advice, ...]
    """At most two strengths, then at most two improvements."""
    engine: Literal["embedded"]
    engine_version: str
    next_practice: str | None = None
    """One sentence: what to practice next; None when nothing was observed well enough."""
    flags: tuple[str, ...] = ()
    """To look at: `text_addressed_to_grader`, `self_praise`, `unsupported_language`."""

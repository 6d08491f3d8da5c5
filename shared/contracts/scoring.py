"""Transcripts and assessments: what the judge reads and what it says."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import CallNote, Judging, WhyEmbedded
from shared.contracts.rubric import Polarity, Score

Confidence = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""0..100; how sure the judge is that a second look would say the same (docs/scoring.md)."""


class TranscriptTurn(Record, frozen=True, kw_only=True):
    """One turn of a conversation to be judged."""

    id: str
    """Stable inside the conversation; evidence cites it."""
    role: Literal["agent", "customer"]
    text: str
    start_ms: int | None = None
    """Milliseconds since the conversation started."""
    end_ms: int | None = None


class MindShift(Record, frozen=True, kw_only=True):
    """What an answer of the agent did to a simulated customer's mind (known, not inferred)."""

    turn_id: str
    """The agent's turn."""
    changes: tuple[tuple[str, int, str], ...]
    """(dimension, change, cause in words), for example ("trust", -8, "...")."""


class Transcript(Record, frozen=True, kw_only=True):
    """A conversation to be judged; `agent` is the person who is scored."""

    turns: tuple[TranscriptTurn, ...]
    source: Literal["simulation", "call", "chat", "email"]
    language: str = "en"
    mind: tuple[MindShift, ...] = ()
    """Only where a simulation knows it."""
    outcome: Literal["resolved", "unresolved"] | None = None
    """Whether the matter was settled in this contact; None where nobody knows."""


class SkillStatus(StrEnum):
    """Whether a number may be given."""

    SCORED = "scored"
    NO_OPPORTUNITY = "no_opportunity"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"
    NOT_OBSERVABLE = "not_observable"
    """One transcript cannot show it, whoever looks."""


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


class Interval(Record, frozen=True, kw_only=True):
    """Bounds of a score, 90 %, integers 0..100."""

    low: Score
    high: Score


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
    withdrawn: int = 0
    """Hits that were taken back because their quote failed the check."""
    judged_by: Literal["embedded", "model"] | msgspec.UnsetType = msgspec.UNSET
    """Whose answer it is; left out where no model was asked."""
    embedded_verdict: Verdict | msgspec.UnsetType = msgspec.UNSET
    """What the embedded judge alone says; left out where no model was asked."""
    spread: Annotated[float, msgspec.Meta(ge=0, le=1)] | msgspec.UnsetType = msgspec.UNSET
    """Share of the model's samples that say something else than most; left out likewise."""


class Override(Record, frozen=True, kw_only=True):
    """A person's answer in place of the judge's; both stay."""

    before: Score | None
    """What stood there before, in the revision that was overridden."""
    before_status: SkillStatus
    judged: Score | None
    """What the judge said, however often people changed it."""
    reason_code: str
    comment: str
    """Empty where the rubric asks for none and the person wrote none."""


class CriterionResult(Record, frozen=True, kw_only=True):
    """One criterion, scored from its indicators."""

    key: str
    title: str
    skill: str
    status: SkillStatus
    score: Score | None
    interval: Interval | None = None
    confidence: Confidence = 0
    opportunities: int = 0
    """Answers of the agent that showed or could have shown it."""
    enabled: bool = True
    """False: its condition did not hold, so it was not asked."""
    level: str | None = None
    """Label of the anchor that its score reaches."""
    override: Override | None = None
    """Set when a person gave the score; it has no interval then."""
    indicators: tuple[IndicatorResult, ...]


class SectionResult(Record, frozen=True, kw_only=True):
    """One section of the form."""

    key: str
    title: str
    score: Score | None
    """None when none of its criteria was scored."""


class SkillScore(Record, frozen=True, kw_only=True):
    """One skill of the taxonomy."""

    skill: str
    status: SkillStatus
    score: Score | None
    opportunities: int
    interval: Interval | None = None
    confidence: Confidence = 0
    basis: Literal["rubric", "standard"] = "rubric"
    """`standard`: the rubric has no criterion for it; the taxonomy's own indicators were used."""


class RootScore(Record, frozen=True, kw_only=True):
    """One of the nine roots, rolled up from its scored skills."""

    root: str
    score: Score | None
    skills: int
    """How many scored skills it rests on."""


class BehaviorScore(Record, frozen=True, kw_only=True):
    """How strongly a fitted behavior shows, compared with the conversations it was fitted on."""

    key: str
    percentile: Score
    evidence: Evidence | None
    """The turn's words that speak for it most."""


class FormResult(Record, frozen=True, kw_only=True):
    """The arithmetic of the form, step by step (docs/scoring.md)."""

    base: Score | None
    """Before bonus, penalty and auto-fail."""
    bonus: int = 0
    penalty: int = 0
    pre_fail_score: Score | None = None
    """What the overall score would be without the auto-fail."""
    auto_failed: tuple[str, ...] = ()
    """Criteria that failed the form."""
    critical_failed: tuple[str, ...] = ()
    earned_points: int | None = None
    """Points form: earned, of `applicable_points`."""
    applicable_points: int | None = None
    band: str | None = None
    passed: bool | None = None
    """Against the target; None without a score or when the interval lies across it."""
    sections: tuple[SectionResult, ...] = ()


class Arc(Record, frozen=True, kw_only=True):
    """How the customer's words moved, from words alone; valence -100..100."""

    start: int
    end: int
    change: int
    """End minus start."""
    lowest: int
    turns_to_half_peak: int | None
    """Customer turns from the lowest point until half of it is gone; None if never."""


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
    response_latency_median_s: float | None = None
    """Customer end -> agent start, seconds; None without timings."""
    response_latency_p90_s: float | None = None
    open_question_share: float | None = None
    """Open questions / all questions of the agent, 0..1."""
    reading_ease: float | None = None
    """Flesch reading ease of the agent's words."""
    reading_grade: float | None = None
    """Flesch-Kincaid grade of the agent's words."""
    fillers_per_100_words: float | None = None
    words_per_minute: float | None = None
    process_adherence: float | None = None
    """Share of applicable required steps done, by weight, 0..1."""
    process_order: float | None = None
    """(1 + Kendall tau) / 2 of the steps' order, 0..1; None under two steps done."""
    customer_arc: Arc | None = None
    first_contact_resolution: bool | None = None
    """None where nobody knows."""


class Advice(Record, frozen=True, kw_only=True):
    """What went well, or what to do instead, bound to one quote."""

    skill: str
    kind: Literal["strength", "improvement"]
    text: str
    evidence: Evidence | None
    effect: str | None = None
    """Why it mattered to the customer."""
    better: str | None = None
    """Other words for exactly that turn; None for a strength."""


class Practice(Record, frozen=True, kw_only=True):
    """What to practice next."""

    skill: str
    scenario: str | None
    """Slug of a built-in scenario that exercises the skill."""
    difficulty: Annotated[int, msgspec.Meta(ge=1, le=5)]
    text: str


class ModelReply(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One question to the model with several indicators, and where its answer came from."""

    number: int
    """Which of the questions; with rubric, transcript, mode and samples it says what was asked."""
    boundary: str
    """The random word around the transcript; with it the question can be made again."""
    is_cached: bool = False
    """The same had been asked before: the calls are those of then and cost nothing now."""
    failure: WhyEmbedded | None = None
    """Set when there is no answer."""
    calls: tuple[CallNote, ...] = ()


class ModelJudging(Record, frozen=True, kw_only=True):
    """How a language model took part in a judgment (docs/model-judge.md)."""

    mode: Judging
    samples: int
    """How often the same was asked."""
    asked: int
    """Indicators that the model was asked."""
    answered: int
    """Of these, those whose answer counts."""
    withdrawn: int
    """Answers `met` that do not count because none of their quotes holds."""
    compared: int
    """Indicators on which both judges took a side."""
    agreement: float | None
    """Share of those on which both say the same, 0..1; None without any."""
    kappa: float | None
    """Cohen's kappa of the same, -1..1; None where chance alone explains all or nothing."""
    spread: float | None
    """Mean over the answered indicators of the share of samples that differ from most, 0..1."""
    replies: tuple[ModelReply, ...]


class RenderingNote(Record, frozen=True, kw_only=True, omit_defaults=True):
    """How a transcript came to be judged in English; free of anybody's words."""

    language: str
    """Of the transcript."""
    source: Literal["simulation", "model", "none"]
    """`simulation`: as its customer read and said it; `model`: rendered to be judged; `none`: not
    rendered, so there is no number."""
    why: WhyEmbedded | None = None
    """With `none`: why not."""
    calls: tuple[CallNote, ...] = ()
    """Those that brought the English, also where it was remembered from an earlier judgment."""
    portions: tuple[UUID | None, ...] = ()
    """With `model`: the call whose answer is the English of each portion of the conversation, in
    order; null for a portion without a word."""


class Provenance(Record, frozen=True, kw_only=True):
    """What made these numbers; each hash is of content, 12 hex digits."""

    engine: str
    engine_version: str
    rubric_slug: str
    rubric_hash: str
    taxonomy_hash: str
    weights_hash: str
    transcript_hash: str


class JudgeResult(Record, frozen=True, kw_only=True):
    """Everything the judge says about one transcript; the same input gives the same bytes."""

    overall: Score | None
    """None when too little could be scored."""
    interval: Interval | None = None
    confidence: Confidence = 0
    criteria: tuple[CriterionResult, ...]
    skills: tuple[SkillScore, ...]
    """Every key of the taxonomy, in its order, then the tenant's own."""
    roots: tuple[RootScore, ...] = ()
    form: FormResult | None = None
    behaviors: tuple[BehaviorScore, ...] = ()
    metrics: Metrics
    advice: tuple[Advice, ...]
    """At most two strengths, then at most two improvements."""
    engine: Literal["embedded", "cascade", "model"]
    """Cascade: the model, only where the embedded judge is unsure. Embedded beside a `why`: a
    model was wanted, or nobody could tell."""
    engine_version: str
    next_practice: str | None = None
    """One sentence: what to practice next; None when nothing was observed well enough."""
    practice: Practice | None = None
    needs_review: tuple[str, ...] = ()
    """Why a person should look before anything is decided, as codes; empty: no reason."""
    flags: tuple[str, ...] = ()
    """What is odd about the transcript, as codes."""
    provenance: Provenance | None = None
    why: WhyEmbedded | None = None
    """Why the model answered not everything that it was to be asked, or nothing."""
    model: ModelJudging | None = None
    """None: the embedded judge alone."""
    appraisal: Literal["model"] | None = None
    """`model`: what was said is judged by what a model made of it in English."""
    rendering: RenderingNote | None = None
    """Of conversations in other languages."""

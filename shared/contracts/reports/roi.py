"""What a training program brought: the question, and its answer by Phillips's levels 0 to 5."""

from datetime import date
from typing import Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery

ROI = "roi"
"""Name of the question."""

Isolation = Literal["comparison", "trend_line", "estimate"]
"""How the effect of the program is told from everything else: difference-in-differences with
comparable people, the gap to the line that was there before, or somebody's estimate.
"""

Measure = Literal[
    "skill", "csat", "nps", "ces", "handle_time", "first_contact_resolution", "handed_in"
]
"""Where a metric comes from: real calls scored here, surveys, facts of calls, or the partner."""

Better = Literal["up", "down"]

Basis = Literal["measured", "estimated", "not_measured"]


class Cohort(Record, frozen=True, kw_only=True):
    """People: all of some teams, or named ones (of `app.learners`); exactly one is filled."""

    team_ids: tuple[UUID, ...] = ()
    learner_ids: tuple[UUID, ...] = ()


class HandedIn(Record, frozen=True, kw_only=True):
    """A change that the partner measured or estimated, in the metric's own unit."""

    before: float
    after: float
    comparison_before: float | None = None
    comparison_after: float | None = None
    low: float | None = None
    """90 % interval of the isolated change, where the partner has one; both ends or none."""
    high: float | None = None
    people: int | None = None


class Metric(Record, frozen=True, kw_only=True):
    """An outcome that shall have moved, and what a unit of it is worth."""

    key: str
    """Unique in the program."""
    label: str
    measure: Measure
    skill: str | None = None
    """Of the measure `skill`."""
    form: str | None = None
    """The survey of the measures `csat`, `nps` and `ces`: scales are never mixed."""
    better: Better = "up"
    unit: str | None = None
    unit_value: float | None = None
    """Money per unit; None: an intangible, reported without money."""
    units_per_year: float | None = None
    """How often a unit comes about in a year: one for a change that is already a year's."""
    isolation_share: float = 0.0
    """0..1: how much of the change is the program's. Counts only where the isolation is an
    estimate; a comparison and a trend line have isolated it already.
    """
    confidence_share: float = 1.0
    """0..1: how sure the partner is of the above; counts always."""
    handed_in: HandedIn | None = None


class Reaction(Record, frozen=True, kw_only=True):
    """What participants said of the program, counted by the partner."""

    invited: int
    answered: int
    positive: int


class RoiQuery(ReportQuery, frozen=True, kw_only=True):
    """A program, as the API knows it; its text is needed for sentences and is kept nowhere."""

    treated: Cohort
    comparison: Cohort | None
    baseline_from: date
    starts_on: date
    """First day of the program; before it is the baseline."""
    ends_on: date
    """Last day of the program; after it is the follow-up."""
    measured_to: date
    """Last day of the follow-up."""
    isolation: Isolation
    metrics: tuple[Metric, ...]
    intangibles: tuple[str, ...] = ()
    costs: float
    """Fully loaded, in the program's currency."""
    currency: str
    reaction: Reaction | None = None
    reaction_form: str | None = None
    """A survey that asks learners, where the reaction was not handed in."""


class EffectInterval(Record, frozen=True, kw_only=True):
    """90 % interval."""

    low: float
    high: float


class Inputs(Record, frozen=True, kw_only=True):
    """Level 0: what was put in."""

    people: int | None
    """Treated people who practiced between the baseline's end and the follow-up's; None: fewer
    than may be shown.
    """
    practices: int | None
    """Counted practice conversations of those."""
    cost_per_person: float | None
    sentence: str


class ReactionLevel(Record, frozen=True, kw_only=True):
    """Level 1: what participants said; not measured unless it was handed in."""

    basis: Basis
    answered: int | None = None
    response_rate: float | None = None
    """0..100."""
    positive_rate: float | None = None
    """0..100, of those who answered."""
    interval: EffectInterval | None = None
    """Wilson's, of `positive_rate`."""
    sentence: str


class SkillChange(Record, frozen=True, kw_only=True):
    """How a skill moved among the treated people."""

    skill: str
    treated_people: int
    treated_change: float
    """Points of 100: the mean over people after less that before."""
    comparison_people: int | None
    comparison_change: float | None
    effect: float
    """What is left for the program: by the isolation, else the bare change."""
    interval: EffectInterval
    p: float
    p_adjusted: float
    """Corrected over the skills of the level (Benjamini-Hochberg)."""
    is_proven: bool
    """An improvement whose interval and whose corrected p both exclude zero."""


class Suppressed(Record, frozen=True, kw_only=True):
    """What is not shown, and why."""

    key: str
    """A skill, or a metric."""
    reason: Literal["too_few_people", "no_data"]


class SkillLevel(Record, frozen=True, kw_only=True):
    """Levels 2 (practice) and 3 (real calls)."""

    basis: Basis
    isolation: Isolation | None
    """What was possible: None when nothing was measured."""
    skills: tuple[SkillChange, ...]
    suppressed: tuple[Suppressed, ...]
    sentence: str


class MetricEffect(Record, frozen=True, kw_only=True):
    """Level 4, one metric."""

    key: str
    label: str
    basis: Basis
    isolation: Isolation | None
    before: float | None
    """Of the treated people, in the metric's unit."""
    after: float | None
    effect: float | None
    """The isolated change; up is positive, also where down is better."""
    interval: EffectInterval | None
    is_proven: bool
    """Better, and the interval excludes zero."""
    isolation_share: float
    confidence_share: float
    benefit: float | None
    """Money in the first year: effect x unit value x units a year x both shares. Zero where a
    measured effect is not proven; None for an intangible.
    """
    sentence: str


class ImpactLevel(Record, frozen=True, kw_only=True):
    """Level 4: what it changed for the business."""

    metrics: tuple[MetricEffect, ...]
    intangibles: tuple[str, ...]
    """Effects without a price: those of the program, and proven changes that have none."""


class Return(Record, frozen=True, kw_only=True):
    """Level 5, of one set of benefits."""

    benefits: float
    """First year."""
    costs: float
    bcr: float | None
    """Benefits / costs; None where there are no costs."""
    roi_percent: float | None
    """(Benefits - costs) / costs x 100."""
    payback_months: float | None
    """12 x costs / benefits; None where there are no benefits."""


class ReturnLevel(Record, frozen=True, kw_only=True):
    """Level 5: once from what is proven alone, once with estimates on top."""

    proven: Return
    with_estimates: Return
    cautious: Return
    """From the proven effects, each at the weaker end of its interval."""
    sentence: str


class RoiReply(Record, frozen=True, kw_only=True):
    """What the program brought; what was not proven comes first."""

    not_proven: tuple[str, ...]
    headline: str
    as_of: AsOf
    currency: str
    inputs: Inputs
    reaction: ReactionLevel
    learning: SkillLevel
    application: SkillLevel
    impact: ImpactLevel
    returns: ReturnLevel

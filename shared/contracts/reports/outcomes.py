"""What customers answered and how real contacts went, alone and beside skills: questions, answers.

Shares are 0..100; intervals are 90 %. Nothing here is about fewer people than the tenant's minimum,
or about fewer than `MIN_ANSWERS` answers or contacts.
"""

from datetime import date
from typing import Final, Literal
from uuid import UUID

from shared.contracts.base import Record
from shared.contracts.reports.base import AsOf, ReportQuery

OUTCOMES: Final = "outcomes"
CORRELATIONS: Final = "outcome_correlations"
TRANSFER: Final = "transfer"
"""Names of the questions."""

MIN_ANSWERS: Final = 10
"""Answers, or contacts, behind any published number about outcomes."""

MIN_PAIRS: Final = 10
"""People behind a correlation."""

MAX_MONTHS: Final = 60
"""Longest range, in months it touches."""

Unit = Literal["week", "month"]
SurveyKind = Literal["csat", "nps", "ces"]
Reason = Literal["too_few_people", "too_few_answers", "not_over", "in_wider_block"]
PairReason = Literal["too_few_people", "no_variation"]


class OutcomesQuery(ReportQuery, frozen=True, kw_only=True):
    """A team's customer outcomes over time."""

    team_id: UUID
    start: date
    end: date
    """Both inclusive, in the tenant's time zone; widened to whole buckets."""
    unit: Unit = "month"


class CorrelationsQuery(ReportQuery, frozen=True, kw_only=True):
    """Skills beside customer outcomes, one pair of numbers per person."""

    team_ids: tuple[UUID, ...] | None
    """None: all teams."""
    skill: str | None
    start: date
    end: date
    """Widened to whole months."""
    source: Literal["simulation", "call", "all"] = "call"


class TransferQuery(ReportQuery, frozen=True, kw_only=True):
    """Change in practice beside change in real conversations, of the same people."""

    team_ids: tuple[UUID, ...] | None
    """None: all teams."""
    skill: str | None
    quarter: date
    """First day of the later quarter; the one before it is the earlier part. Only whole quarters,
    and each only beside its neighbor: two answers never differ by a week with few people."""


class OutcomeShare(Record, frozen=True, kw_only=True):
    """A share with Wilson's interval, 0..100."""

    value: float
    low: float
    high: float
    n: int
    """Of how many."""


class SurveyNumbers(Record, frozen=True, kw_only=True):
    """Answers to one kind of survey."""

    delivered: int
    answered: int
    learners: int
    """Distinct people whose customers answered."""
    response_rate: float
    """Answered of delivered, 0..100."""
    mean: float
    """On the form's own scale, two decimals."""
    positive: OutcomeShare | None
    """CSAT: positive answers. CES: answers of 5 and more. None for NPS."""
    nps: int | None
    """-100..100: promoters less detractors; None for the other kinds."""
    nps_low: float | None
    nps_high: float | None


class HandleTime(Record, frozen=True, kw_only=True):
    """Seconds of handling a contact: talk, hold and after-work."""

    n: int
    learners: int
    median_s: float
    p90_s: float
    mean_s: float
    """AHT."""


class FirstContactResolution(Record, frozen=True, kw_only=True):
    """First-contact resolution, both ways of counting."""

    learners: int
    gross: OutcomeShare
    """Resolved at the first contact, of all contacts."""
    net: OutcomeShare | None
    """The same of first contacts only; None where too few people had repeated contacts to tell
    these apart. Over a time it counts only the points that show it.
    """


class TransferShare(Record, frozen=True, kw_only=True):
    """Contacts that were passed on to somebody else."""

    learners: int
    share: OutcomeShare


class OutcomePoint(Record, frozen=True, kw_only=True):
    """One or more weeks, or a month."""

    start: date
    end: date
    """First and last day that is counted."""


class SurveyPoint(OutcomePoint, frozen=True, kw_only=True):
    """Answers of a time."""

    numbers: SurveyNumbers


class HandleTimePoint(OutcomePoint, frozen=True, kw_only=True):
    """Handle times of a time."""

    numbers: HandleTime


class ResolutionPoint(OutcomePoint, frozen=True, kw_only=True):
    """First-contact resolution of a time."""

    numbers: FirstContactResolution


class TransferPoint(OutcomePoint, frozen=True, kw_only=True):
    """Contacts passed on in a time."""

    numbers: TransferShare


class HiddenTime(Record, frozen=True, kw_only=True):
    """A week in which there was something, and that no point shows."""

    week: date
    """First day of the week, or of the month within it."""
    reason: Reason


class OutcomeSeries(Record, frozen=True, kw_only=True):
    """One measure over time."""

    sentence: str
    """About the whole time."""
    suppressed: tuple[HiddenTime, ...]


class SurveySeries(OutcomeSeries, frozen=True, kw_only=True):
    """One kind of survey over time, on its own scale."""

    form: str
    kind: SurveyKind
    low: int
    high: int
    """Ends of the scale."""
    positive_values: tuple[int, ...]
    period: SurveyNumbers | None
    """All points together; None where there are none."""
    points: tuple[SurveyPoint, ...]


class HandleTimeSeries(OutcomeSeries, frozen=True, kw_only=True):
    """Handle time over time."""

    period: HandleTime | None
    """All points together; None where there are none."""
    points: tuple[HandleTimePoint, ...]


class ResolutionSeries(OutcomeSeries, frozen=True, kw_only=True):
    """First-contact resolution over time."""

    period: FirstContactResolution | None
    """All points together; None where there are none."""
    points: tuple[ResolutionPoint, ...]


class TransferSeries(OutcomeSeries, frozen=True, kw_only=True):
    """Contacts passed on over time."""

    period: TransferShare | None
    """All points together; None where there are none."""
    points: tuple[TransferPoint, ...]


class OutcomesReply(Record, frozen=True, kw_only=True):
    """A team's customer outcomes."""

    headline: str
    surveys: tuple[SurveySeries, ...]
    """By form."""
    handle_time: HandleTimeSeries
    resolution: ResolutionSeries
    transfers: TransferSeries
    as_of: AsOf


class OutcomePair(Record, frozen=True, kw_only=True):
    """A skill beside an outcome: a correlation, never a cause."""

    skill: str
    outcome: str
    """`handle_time`, `first_contact_resolution`, `transfers`, or a form of a survey."""
    n: int
    """People: each is one pair of numbers."""
    rho: float
    """Spearman's, -1..1."""
    low: float
    high: float
    p: float
    p_adjusted: float
    """Corrected over all pairs of the answer (Benjamini-Hochberg)."""
    is_clear: bool
    """Whether the corrected p is at most .05."""
    sentence: str


class HiddenOutcomePair(Record, frozen=True, kw_only=True):
    """A pair without a number."""

    skill: str
    outcome: str
    reason: PairReason


class CorrelationsReply(Record, frozen=True, kw_only=True):
    """Which skills and outcomes go together; sorted by skill, then outcome."""

    kind: Literal["correlation"] = "correlation"
    """What these numbers are: people high in one were high in the other, for whatever reason."""
    headline: str
    start: date
    end: date
    """Days that are counted."""
    pairs: tuple[OutcomePair, ...]
    suppressed: tuple[HiddenOutcomePair, ...]
    as_of: AsOf


class ChangeMean(Record, frozen=True, kw_only=True):
    """Mean over people with its interval."""

    value: float
    low: float
    high: float


class SkillTransfer(Record, frozen=True, kw_only=True):
    """One skill, in practice and in real conversations, of the same people."""

    skill: str
    n: int
    """People scored in both, in both parts of the time."""
    practice_change: ChangeMean
    """Points of 100: later part less earlier part, each person for themselves."""
    real_change: ChangeMean
    rho: float | None
    """Spearman's between both changes; None under `MIN_PAIRS` people or without variation."""
    per_ten_points: ChangeMean | None
    """Points more in real conversations for 10 more in practice, by a line through the people."""
    p: float | None
    p_adjusted: float | None
    """Corrected over the skills of the answer."""
    finding: Literal["goes_along", "goes_against", "not_shown", "too_few_people"]
    sentence: str


class HiddenTransfer(Record, frozen=True, kw_only=True):
    """A skill without numbers."""

    skill: str
    reason: Literal["too_few_people"]


class TransferReply(Record, frozen=True, kw_only=True):
    """Whether practice goes along with real conversations; sorted by skill."""

    kind: Literal["association"] = "association"
    """What these numbers are: nobody was assigned to practice by lot."""
    headline: str
    start: date
    middle: date
    end: date
    skills: tuple[SkillTransfer, ...]
    suppressed: tuple[HiddenTransfer, ...]
    as_of: AsOf

"""The question the API asks the judges about a rubric, and its answer; nothing of it is stored.

Here and not among the contracts, because the answer is made of what the library sums up.
"""

from collections.abc import Iterable

from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec, Score
from shared.contracts.scoring import (
    Confidence,
    CriterionResult,
    Interval,
    JudgeResult,
    SkillStatus,
    Transcript,
)
from shared.library.findings import Finding
from shared.library.rubric_trial import Trial

MAX_SAMPLES = 20
"""Conversations of one dry run."""

PATIENCE_S = 20.0
"""Seconds after which whoever asked has given up; most HTTP clients wait 30."""

UNSCORABLE = frozenset({"too-big", "duplicate-key", "indicator-unknown"})
"""Findings with which a rubric cannot even be tried out; with all others it can."""


class Sample(Record, frozen=True, kw_only=True):
    """A conversation to try a rubric on."""

    transcript: Transcript
    flags: tuple[str, ...] = ()
    """What intake found odd about it, as codes."""


class DryRunQuery(Record, frozen=True, kw_only=True):
    """A rubric and conversations; the caller was authenticated by the API."""

    rubric: RubricSpec
    samples: tuple[Sample, ...]


class CriterionOutcome(Record, frozen=True, kw_only=True):
    """What one conversation got for one criterion."""

    key: str
    status: SkillStatus
    score: Score | None
    enabled: bool
    """False: its condition did not hold, so it was not asked."""
    level: str | None


class SampleOutcome(Record, frozen=True, kw_only=True):
    """What one conversation got; no word of it."""

    overall: Score | None
    interval: Interval | None
    confidence: Confidence
    band: str | None
    passed: bool | None
    """Against the target; null without a score, or when the interval lies across it."""
    pre_fail_score: Score | None
    auto_failed: tuple[str, ...]
    """Criteria that failed the form."""
    critical_failed: tuple[str, ...]
    needs_review: tuple[str, ...]
    flags: tuple[str, ...]
    criteria: tuple[CriterionOutcome, ...]

    @classmethod
    def of(cls, result: JudgeResult) -> "SampleOutcome":
        """Return the short form of a result."""
        form = result.form
        return cls(
            overall=result.overall,
            interval=result.interval,
            confidence=result.confidence,
            band=form.band if form else None,
            passed=form.passed if form else None,
            pre_fail_score=form.pre_fail_score if form else None,
            auto_failed=form.auto_failed if form else (),
            critical_failed=form.critical_failed if form else (),
            needs_review=result.needs_review,
            flags=result.flags,
            criteria=tuple(_outcome(each) for each in result.criteria),
        )


class DryRunReply(Record, frozen=True, kw_only=True):
    """All conversations together, and each for itself in the order of the question."""

    trial: Trial
    samples: tuple[SampleOutcome, ...]


def unscorable(findings: Iterable[Finding]) -> bool:
    """Say whether a rubric with these findings cannot be tried out."""
    return any(each.severity == "error" and each.code in UNSCORABLE for each in findings)


def _outcome(result: CriterionResult) -> CriterionOutcome:
    return CriterionOutcome(
        key=result.key,
        status=result.status,
        score=result.score,
        enabled=result.enabled,
        level=result.level,
    )

"""Says why a person should look at an assessment before anything is decided."""

from collections.abc import Iterable

from services.scoring_worker.judging.shield import GRADER, UNREADABLE
from shared.contracts.scoring import CriterionResult, Transcript
from shared.scorecard.form import Total

UNSUPPORTED_LANGUAGE = "unsupported_language"
"""Flag: the analyzer does not know this language, so there is no number."""

ACROSS_PASS_MARK = "interval_across_pass_mark"
"""The bounds of the overall score lie on both sides of the target: passed or not is open."""

LOW_CONFIDENCE = "low_confidence"
"""The overall score rests on little."""

AUTO_FAIL = "auto_fail"
"""One finding failed the whole form."""

WITHDRAWN = "evidence_withdrawn"
"""A detector claimed words that the transcript does not hold."""

CONFIDENT_FROM = 70
"""Confidence of the overall score below which a person should look."""

_FLAGS = frozenset({GRADER, UNREADABLE, "roles_look_swapped", UNSUPPORTED_LANGUAGE})
"""Oddities of the transcript that put the whole assessment in doubt."""

_LANGUAGES = frozenset({"en"})


def is_supported(transcript: Transcript) -> bool:
    """Say whether the analyzer knows the transcript's language."""
    return transcript.language.casefold().replace("_", "-").split("-")[0] in _LANGUAGES


def needs_review(
    total: Total, results: Iterable[CriterionResult], flags: Iterable[str]
) -> tuple[str, ...]:
    """Return the reasons as codes, the gravest first."""
    reasons = [flag for flag in flags if flag in _FLAGS]
    if total.form.auto_failed:
        reasons.append(AUTO_FAIL)
    if any(item.withdrawn for result in results for item in result.indicators):
        reasons.append(WITHDRAWN)
    if total.overall is not None:
        if total.form.passed is None:
            reasons.append(ACROSS_PASS_MARK)
        if total.confidence < CONFIDENT_FROM:
            reasons.append(LOW_CONFIDENCE)
    return tuple(reasons)

"""Tables about rates: what becomes of learners, confidence, reasons for a review, skills."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from infra.coverage.conversations import Sample
from infra.coverage.decisions import count, share
from infra.coverage.percent import percent
from infra.coverage.skills import SkillRepeats, repeats_by_skill
from infra.coverage.truth import Judged
from shared.library.markdown import table

CONFIDENCES = (0, 50, 60, 65, 70, 75, 80, 101)
"""Bounds of the classes of confidence; the last one is open."""


def profiles_table(samples: Sequence[Sample]) -> str:
    """Return what became of each scripted learner."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.profile, []).append(sample)
    head = ("Learner", "Passed", "Left to a person", "Failed", "No total")
    return table(head, ((f"`{profile}`", *_outcomes(group)) for profile, group in groups.items()))


def _outcomes(group: Sequence[Sample]) -> tuple[str, ...]:
    scored = [each for each in group if each.overall is not None]
    counts = [sum(each.passed is answer for each in scored) for answer in (True, None, False)]
    return tuple(percent(share(each, len(group))) for each in (*counts, len(group) - len(scored)))


def confidences_table(found: Sequence[Judged]) -> str:
    """Return how far totals are from their kind's mean, by confidence."""
    head = (
        "Confidence",
        "Conversations",
        "Mean distance",
        "Wrong if forced",
        "Left to a person",
        "Wrong among the decided",
    )
    return table(head, _confidence_rows(found))


def _confidence_rows(found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    for low, high in pairwise(CONFIDENCES):
        group = [each for each in found if low <= each.sample.confidence < high]
        if group:
            yield (
                f"{low} to {min(high - 1, 100)}",
                str(len(group)),
                f"{_distance(group):.1f} points",
                percent(share(sum(each.is_forced_wrong for each in group), len(group))),
                percent(share(sum(each.sample.passed is None for each in group), len(group))),
                _wrong(group),
            )


def _distance(found: Sequence[Judged]) -> float:
    return float(sum(abs(each.overall - each.others) for each in found) / len(found))


def reasons_table(samples: Sequence[Sample], found: Sequence[Judged]) -> str:
    """Return how often a person is asked to look, by reason, and what the rest is worth."""
    reasons = sorted({reason for sample in samples for reason in sample.needs_review})
    rows = [_reason_row(f"`{reason}`", samples, _of(found, reason), reason) for reason in reasons]
    clear = [each for each in samples if not each.needs_review and each.overall is not None]
    decided = [each for each in found if not each.sample.needs_review]
    without = sum(each.overall is None for each in samples)
    rows.append(("none", *_shares(len(clear), len(samples)), _wrong(decided)))
    rows.append(("no total", *_shares(without, len(samples)), ""))
    return table(("Reason", "Conversations", "Share", "Wrong among the decided"), rows)


def _of(found: Iterable[Judged], reason: str) -> list[Judged]:
    return [each for each in found if reason in each.sample.needs_review]


def _reason_row(
    name: str, samples: Sequence[Sample], found: Sequence[Judged], reason: str
) -> tuple[str, ...]:
    named = sum(reason in each.needs_review for each in samples)
    return (name, *_shares(named, len(samples)), _wrong(found))


def _wrong(found: Sequence[Judged]) -> str:
    made = count(found)
    return f"{made.wrong} of {made.decided}" if made.decided else ""


def _shares(part: int, whole: int) -> tuple[str, str]:
    return str(part), percent(share(part, whole))


def skills_table(samples: Sequence[Sample]) -> str:
    """Return each skill's statuses, whether they repeat, and how far two numbers are apart."""
    head = (
        "Skill",
        "Scored",
        "No opportunity",
        "Insufficient evidence",
        "Same answer twice",
        "Gap, surer half",
        "Gap, other half",
    )
    return table(head, (_skill_row(each) for each in repeats_by_skill(samples)))


def _skill_row(found: SkillRepeats) -> tuple[str, ...]:
    counts = (found.scored, found.no_opportunity, found.insufficient_evidence)
    return (
        f"`{found.skill}`",
        *(percent(share(each, found.conversations)) for each in counts),
        percent(found.agreement),
        *("" if gap is None else f"{gap:.1f}" for gap in (found.gap_surer, found.gap_less_sure)),
    )

"""Skills beside outcomes: one pair of numbers per person, and how both go together."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import numpy as np

from services.reporting.trends.outcome_words import decimal
from services.reporting.trends.stats.correlation import Correlation, spearman
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.words import SkillWords
from shared.contracts.reports.outcomes import MIN_PAIRS, HiddenOutcomePair, OutcomePair, SurveyKind

MIN_EACH: Final = 3
"""Scores, and answers or contacts, that a person needs to count: fewer are mostly noise."""

ALPHA: Final = 0.05
"""Corrected p up to which something is called clear."""

HANDLE_TIME: Final = "handle_time"
RESOLUTION: Final = "first_contact_resolution"
TRANSFERS: Final = "transfers"

PersonMeans = Mapping[UUID, float]
"""A number per person."""


class Wording(NamedTuple):
    """How it is said that people with more of a skill had more, or less, of an outcome."""

    name: str
    more: str
    less: str


class Found(NamedTuple):
    """All pairs that can be shown, and the others."""

    pairs: tuple[OutcomePair, ...]
    hidden: tuple[HiddenOutcomePair, ...]


_CONTACTS: Final = {
    HANDLE_TIME: Wording("handle time", "longer handle times", "shorter handle times"),
    RESOLUTION: Wording(
        "first-contact resolution",
        "more contacts resolved at once",
        "fewer contacts resolved at once",
    ),
    TRANSFERS: Wording("transfers", "more transfers", "fewer transfers"),
}


def wording(outcome: str, kind: SurveyKind | None) -> Wording:
    """Return the words of an outcome; `kind` of a survey's form, else None."""
    if kind is None:
        return _CONTACTS[outcome]
    if kind == "nps":
        return Wording(f"NPS ({outcome})", f"a higher NPS ({outcome})", f"a lower NPS ({outcome})")
    good = "positive" if kind == "csat" else "easy"
    return Wording(
        f"{kind.upper()} ({outcome})",
        f"more {good} answers ({outcome})",
        f"fewer {good} answers ({outcome})",
    )


def pairs_of(
    skills: Mapping[str, PersonMeans],
    outcomes: Mapping[str, PersonMeans],
    kinds: Mapping[str, SurveyKind],
    words: SkillWords,
    *,
    min_people: int,
) -> Found:
    """Return every skill beside every outcome.

    Args:
        skills: mean score per person with at least `MIN_EACH` scores, by skill.
        outcomes: likewise, by outcome.
        kinds: of the outcomes that are surveys.
        words: how skills are called.
        min_people: `MIN_PAIRS` people, or more where a tenant wants more.
    """
    found: list[tuple[str, str, Correlation]] = []
    hidden: list[HiddenOutcomePair] = []
    for skill in sorted(skills):
        for outcome in sorted(outcomes):
            both = sorted(skills[skill].keys() & outcomes[outcome].keys())
            if len(both) < max(MIN_PAIRS, min_people):
                hidden.append(
                    HiddenOutcomePair(skill=skill, outcome=outcome, reason="too_few_people")
                )
                continue
            result = spearman(
                [skills[skill][person] for person in both],
                [outcomes[outcome][person] for person in both],
            )
            if result is None:
                hidden.append(
                    HiddenOutcomePair(skill=skill, outcome=outcome, reason="no_variation")
                )
            else:
                found.append((skill, outcome, result))
    adjusted = benjamini_hochberg([result.p for _, _, result in found])
    return Found(
        tuple(
            _pair(skill, wording(outcome, kinds.get(outcome)), outcome, result, float(p), words)
            for (skill, outcome, result), p in zip(found, adjusted, strict=True)
        ),
        tuple(hidden),
    )


def _pair(
    skill: str, said: Wording, outcome: str, result: Correlation, adjusted: float, words: SkillWords
) -> OutcomePair:
    pair = OutcomePair(
        skill=skill,
        outcome=outcome,
        n=result.n,
        rho=round(result.rho, 2),
        low=round(result.low, 2),
        high=round(result.high, 2),
        p=round(result.p, 4),
        p_adjusted=round(adjusted, 4),
        is_clear=adjusted <= ALPHA,
        sentence="",
    )
    return msgspec.structs.replace(pair, sentence=_sentence(pair, said, words))


def _sentence(pair: OutcomePair, said: Wording, words: SkillWords) -> str:
    name = words.name(pair.skill)
    behind = (
        f"Spearman {decimal(pair.rho)}, 90 % interval {decimal(pair.low)} to {decimal(pair.high)}, "
        f"{pair.n} people"
    )
    if not pair.is_clear:
        return f"{name} and {said.name}: no clear correlation ({behind})."
    way = said.more if pair.rho > 0 else said.less
    return f"People with higher {name} had {way} ({behind}). A correlation, not a cause."


def say_pairs(pairs: Sequence[OutcomePair]) -> str:
    """Return the headline of an answer."""
    clear = [pair for pair in pairs if pair.is_clear]
    if not pairs:
        return (
            f"No skill can be set beside an outcome yet: that takes {MIN_PAIRS} people with "
            f"{MIN_EACH} scores and {MIN_EACH} answers or contacts each."
        )
    if not clear:
        return f"None of {len(pairs)} pairs of a skill and an outcome shows a clear correlation."
    return max(clear, key=lambda pair: abs(pair.rho)).sentence


def means_of(
    people: Sequence[UUID], n: Sequence[float], totals: Sequence[float], *, scale: float = 1.0
) -> dict[UUID, float]:
    """Return the mean of each person who has at least `MIN_EACH`, times `scale`."""
    counts = np.asarray(n, dtype=np.float64)
    sums = np.asarray(totals, dtype=np.float64)
    return {
        people[index]: float(scale * sums[index] / counts[index])
        for index in np.flatnonzero(counts >= MIN_EACH).tolist()
    }

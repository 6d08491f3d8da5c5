"""Prints assessments: scores, the quotes they rest on, and what the coach says."""

from collections.abc import Iterator
from typing import Final

import msgspec

from infra.demo.practice import Conversation
from infra.demo.printing import Page, bar, hang_of, score_style
from infra.demo.views import Assessment
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import (
    CriterionResult,
    Evidence,
    IndicatorResult,
    SkillStatus,
    Verdict,
)

PRAISED_FROM: Final = 60
"""From this score on the quote shown is one that helped; below, one that hurt."""

QUOTE_CHARS: Final = 150
"""A longer quote is cut at a word."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for a score."""

    sign: str
    """`+` helped, `-` hurt or missing."""
    title: str
    quote: Evidence | None


def compare(page: Page, skilled: Conversation, unskilled: Conversation) -> None:
    """Print two assessments of one scenario side by side, each skill with a quote."""
    page.side_by_side(
        [(f"{skilled.learner.name}, skilled: {skilled.overall} of 100", "bold")],
        [(f"{unskilled.learner.name}, unskilled: {unskilled.overall} of 100", "bold")],
    )
    left, right = Proofs(), Proofs()
    for one, other in zip(skilled.assessment.criteria, unskilled.assessment.criteria, strict=True):
        page.side_by_side([("", "")], [("", "")])
        page.side_by_side(_cell(one, left), _cell(other, right))


def show_skills(page: Page, assessment: Assessment) -> None:
    """Print one assessment, a skill with its score and quote after the other."""
    proofs = Proofs()
    for result in assessment.criteria:
        for text, style in _cell(result, proofs, quote_chars=2 * QUOTE_CHARS):
            indent = 3 + len(text) - len(text.lstrip())
            page.paragraph(text.lstrip(), indent=indent, hang=hang_of(text), style=style)


def coach(page: Page, assessment: Assessment, kinds: tuple[str, ...]) -> None:
    """Print what the coach says about one conversation, each point under its quote."""
    for advice in assessment.advice:
        if advice.kind not in kinds:
            continue
        sign = "+" if advice.kind == "strength" else "-"
        quote = f"“{_cut(advice.evidence.quote, QUOTE_CHARS)}”" if advice.evidence else advice.skill
        page.paragraph(f"{sign} {quote}", indent=5, hang=2, style="bold")
        page.paragraph(" ".join(filter(None, (advice.text, advice.effect))), indent=7)
        if advice.better:
            page.paragraph(f"You could say: {advice.better}", indent=7)


def has_evidence(assessment: Assessment) -> bool:
    """Say whether any observation cites words."""
    return any(item.evidence for result in assessment.criteria for item in result.indicators)


class Proofs:
    """Chooses quotes for one conversation, none of them twice while there are others."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def best(self, result: CriterionResult) -> Proof | None:
        """Return the reason that fits the score best."""
        found = list(_proofs(result))
        fresh = [item for item in found if item.quote is None or item.quote.quote not in self._used]
        chosen = next(iter(fresh or found), None)
        if chosen is not None and chosen.quote is not None:
            self._used.add(chosen.quote.quote)
        return chosen


def _proofs(result: CriterionResult) -> Iterator[Proof]:
    good = [item for item in result.indicators if item.polarity is Polarity.GOOD]
    bad = [item for item in result.indicators if item.polarity is Polarity.BAD]
    helped = [item for item in good if item.verdict is Verdict.MET]
    hurt = [item for item in bad if item.verdict is Verdict.MET]
    if (result.score or 0) >= PRAISED_FROM:
        yield from _quoted("+", helped)
        return
    yield from _quoted("-", hurt)
    for item in good:
        if item.verdict is Verdict.NOT_MET:
            yield Proof(sign="-", title=_missing(item), quote=None)
    yield from _quoted("+", helped)


def _missing(item: IndicatorResult) -> str:
    often = f"only {item.hits} of {item.opportunities} times" if item.hits else "not seen"
    return f"{often}: {item.title[:1].lower()}{item.title[1:]}"


def _quoted(sign: str, items: list[IndicatorResult]) -> Iterator[Proof]:
    for item in items:
        for evidence in item.evidence:
            yield Proof(sign=sign, title=item.title, quote=evidence)


def _cell(
    result: CriterionResult, proofs: Proofs, *, quote_chars: int = QUOTE_CHARS
) -> list[tuple[str, str]]:
    if result.status is not SkillStatus.SCORED or result.score is None:
        unasked = result.status is SkillStatus.NO_OPPORTUNITY
        why = "never called for" if unasked else "too little was seen"
        return [(f"{result.title:<19} --", "dim"), (f"    no number: {why}", "dim")]
    score = f"{result.title:<18} {result.score:>3} {bar(result.score)}"
    rows = [(score, score_style(result.score))]
    proof = proofs.best(result)
    if proof is None:
        return rows
    rows.append((f"  {proof.sign} {proof.title[:1].upper()}{proof.title[1:]}", ""))
    if proof.quote is not None:
        rows.append((f"    “{_cut(proof.quote.quote, quote_chars)}”", "dim"))
    return rows


def _cut(quote: str, most: int) -> str:
    text = " ".join(quote.split())
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …"

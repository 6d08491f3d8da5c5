"""Drafting a rubric in rounds: outline, rubric, linter, and what was wrong goes back."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from shared.contracts.llm import WhyEmbedded
from shared.contracts.rubric import RubricSpec
from shared.drafting.asking import REPAIRS, Questions, StoppedError
from shared.drafting.prompts import Round, rubric_prompt
from shared.drafting.rubric_expanding import Gap, expand
from shared.drafting.rubric_outline import RubricOutline
from shared.drafting.scenario_rounds import MISFIT
from shared.drafting.wanted import RubricWanted
from shared.library.findings import Finding, Rule, errors
from shared.library.rubric_lint import lint
from shared.llm.ports import ModelFailedError

NOTHING = Rule(
    severity="error",
    when="no line of the scorecard has a behavior that the judge knows",
    advice="Take keys from the list of indicators for the lines that they really stand for",
)


class DraftedRubric(msgspec.Struct, frozen=True, kw_only=True):
    """A drafted rubric; it may have faults."""

    spec: RubricSpec
    findings: tuple[Finding, ...]
    unmapped: tuple[Gap, ...]


async def draft_rubric(
    questions: Questions,
    wanted: RubricWanted,
    operation_id: UUID,
    *,
    tenant_skills: Collection[str],
) -> DraftedRubric:
    """Return the best draft of all rounds.

    Raises:
        ModelFailedError: no round brought one.
        StoppedError: nobody waits any more.
    """
    rounds: list[Round] = []
    best: DraftedRubric | None = None
    for _ in range(1 + REPAIRS):
        prompt = rubric_prompt(wanted, operation_id, tenant_skills, rounds[-1:])
        try:
            outline = await questions.ask(prompt, RubricOutline)
        except (ModelFailedError, StoppedError):
            if best is None:
                raise
            return best  # what there is has its faults named; an author can mend it
        drafted, faults = _look(outline, wanted, tenant_skills)
        if drafted is not None and (best is None or _errors(drafted) < _errors(best)):
            best = drafted
        if best is not None and not _errors(best):
            return best
        rounds.append(Round(outline, faults))
    if best is None:
        raise ModelFailedError(WhyEmbedded.FAILED_CHECKS, questions.calls)
    return best


def _look(
    outline: RubricOutline, wanted: RubricWanted, tenant_skills: Collection[str]
) -> tuple[DraftedRubric | None, tuple[Finding, ...]]:
    try:
        expanded = expand(outline, wanted)
    except msgspec.ValidationError as error:
        return None, (MISFIT.fault("outline-misfit", "", str(error)),)
    if expanded.spec is None:
        return None, (NOTHING.fault("nothing-mapped", "", "the form would be empty"),)
    findings = lint(expanded.spec, tenant_skills=tenant_skills)
    drafted = DraftedRubric(spec=expanded.spec, findings=findings, unmapped=expanded.unmapped)
    return drafted, findings


def _errors(drafted: DraftedRubric) -> int:
    return len(errors(drafted.findings))

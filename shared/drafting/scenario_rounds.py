"""Drafting a scenario in rounds: outline, scenario, linter, trial, and what was wrong goes back."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from uuid import UUID

import msgspec

from shared.contracts.dialogue import Act
from shared.contracts.llm import WhyEmbedded
from shared.contracts.scenario import ScenarioSpec
from shared.dialogue.analyzer import analyze
from shared.drafting.asking import REPAIRS, Questions, StoppedError
from shared.drafting.expanding import expand
from shared.drafting.outline import ScenarioOutline
from shared.drafting.prompts import Round, scenario_prompt
from shared.drafting.source import Source, leaks
from shared.drafting.trial import TrialReport
from shared.drafting.wanted import ScenarioWanted
from shared.library.findings import Finding, Rule, errors, errors_first
from shared.library.lint import lint
from shared.llm.ports import ModelFailedError

MISFIT = Rule(
    severity="error",
    when="a text or number of the outline does not fit where it belongs",
    advice="Shorten it, or write it in the form that the fields have",
)

GIFT = Rule(
    severity="error",
    when="a good end gives something away without any bound",
    advice="Name what the learner gives, with its number; a gift without bound breaks policy",
)

Try = Callable[[ScenarioSpec], Awaitable[TrialReport]]


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """A drafted scenario; it may have faults, but nothing of anybody is in it."""

    spec: ScenarioSpec
    findings: tuple[Finding, ...]
    trial: TrialReport | None
    """None: it has errors, so nobody played it."""

    @property
    def is_good(self) -> bool:
        """Whether it may be published as it is."""
        return self.trial is not None and self.trial.passed


async def draft_scenario(
    questions: Questions,
    wanted: ScenarioWanted,
    source: Source,
    operation_id: UUID,
    *,
    rubrics: Collection[str],
    try_out: Try,
) -> Drafted:
    """Return the best draft of all rounds.

    Args:
        questions: asks the model.
        wanted: what the author asked for.
        source: what the model may read.
        operation_id: makes the boundary around it.
        rubrics: slugs of the tenant's rubrics.
        try_out: has scripted learners play a scenario.

    Raises:
        ModelFailedError: no round brought a draft that may be kept.
        StoppedError: nobody waits any more.
    """
    rounds: list[Round] = []
    best: Drafted | None = None
    for _ in range(1 + REPAIRS):
        prompt = scenario_prompt(wanted, source.text, operation_id, rounds[-1:])
        try:
            outline = await questions.ask(prompt, ScenarioOutline)
        except (ModelFailedError, StoppedError):
            if best is None:
                raise
            return best  # what there is has its faults named; an author can mend it
        drafted, faults = await _look(outline, wanted, source, rubrics, try_out)
        best = drafted if best is None or _rank(drafted) < _rank(best) else best
        if best is not None and best.is_good:
            return best
        rounds.append(Round(outline, faults))
    if best is None:
        raise ModelFailedError(WhyEmbedded.FAILED_CHECKS, questions.calls)
    return best


async def _look(
    outline: ScenarioOutline,
    wanted: ScenarioWanted,
    source: Source,
    rubrics: Collection[str],
    try_out: Try,
) -> tuple[Drafted | None, tuple[Finding, ...]]:
    """Return the draft of an outline, None when it must not be kept, and all that is wrong."""
    try:
        spec = expand(outline, wanted, rubrics=rubrics)
    except msgspec.ValidationError as error:
        return None, (MISFIT.fault("outline-misfit", "", str(error)),)
    leaked = leaks(spec, source)
    findings = errors_first((*_gifts(spec), *lint(spec, rubrics=rubrics)))
    if leaked:
        return None, (*leaked, *errors(findings))
    trial = None if errors(findings) else await try_out(spec)
    drafted = Drafted(spec=spec, findings=findings, trial=trial)
    return drafted, (*findings, *(trial.findings if trial else ()))


def _gifts(spec: ScenarioSpec) -> Iterator[Finding]:
    """Find good ends that everybody else would call a breach."""
    for number, one in enumerate(spec.resolutions):
        if analyze(f"I can {one.title}.").has(Act.GIVE_AWAY):
            yield GIFT.fault("deal-gives-away", f"/resolutions/{number}/title", repr(one.title))


def _rank(drafted: Drafted | None) -> tuple[bool, bool, int]:
    """Order drafts, the best first."""
    if drafted is None:
        return (True, True, 0)
    trial = drafted.trial.findings if drafted.trial else ()
    return (False, drafted.trial is None, len(errors((*drafted.findings, *trial))))

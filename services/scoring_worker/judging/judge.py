"""The embedded judge: transcript and rubric in, explained result out."""

from collections.abc import Sequence

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.advice import advise
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.detectors.process import (
    out_of_order,
    required_step,
    step_indicator,
)
from services.scoring_worker.judging.detectors.registry import get_detector
from services.scoring_worker.judging.evidence import quotes, withdraw_unproven
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.metrics import measure
from services.scoring_worker.judging.next_practice import recommend
from services.scoring_worker.judging.reading import Reading, read
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.contracts.base import Record
from shared.contracts.dialogue import Act
from shared.contracts.rubric import Criterion, Indicator, Polarity, RubricSpec
from shared.contracts.scenario import Step
from shared.contracts.scoring import (
    CriterionResult,
    IndicatorResult,
    JudgeResult,
    SkillStatus,
    Transcript,
)

PROCESS_SKILL = "own.process_adherence"
"""The skill whose good indicators a scenario's required steps replace."""

ORDER = Indicator(
    key="out_of_order",
    title="Did a step before the one that must come first",
    polarity=Polarity.BAD,
    weight=40,
)
"""Joins the required steps; breaking every order rule takes `weight` percent of the points."""

UNSUPPORTED_LANGUAGE = "unsupported_language"
"""Flag: the analyzer does not know this language, so there is no number."""

_GOOD_WORK = frozenset(
    {
        Act.ACKNOWLEDGE_FEELING,
        Act.ACKNOWLEDGE_IMPACT,
        Act.PARAPHRASE,
        Act.TAKE_OWNERSHIP,
        Act.REASSURE,
        Act.EXPLAIN,
        Act.NEXT_STEP,
        Act.OFFER,
    }
)
"""Acts after which a turn is no place to show what else was missing."""

_LANGUAGES = frozenset({"en"})


def judge(
    transcript: Transcript, rubric: RubricSpec, *, required_steps: tuple[Step, ...] = ()
) -> JudgeResult:
    """Score a transcript; the same input gives the same bytes.

    Args:
        transcript: the conversation; `agent` is scored.
        rubric: what is scored and with which weights.
        required_steps: steps of the scenario; with them, process adherence is steps done / steps
            required in place of the rubric's own checks.

    Raises:
        UnknownIndicatorError: the rubric asks for an indicator that no detector answers.
    """
    reading = read(transcript)
    known_language = _supported(transcript)
    measured = _measure_all(transcript, reading, rubric, required_steps)
    results = tuple(
        _criterion_result(
            criterion, measured[criterion.key], transcript, reading, known_language=known_language
        )
        for section in rubric.sections
        for criterion in section.criteria
    )
    seen = {key: aggregate.occasions(items) for key, items in measured.items()}
    skills = aggregate.skills(rubric, results, seen)
    scored = {result.key: measured[result.key] for result in results if result.score is not None}
    return JudgeResult(
        overall=aggregate.overall(rubric, {result.key: result.score for result in results}),
        criteria=results,
        skills=skills,
        metrics=measure(reading),
        advice=advise(results, scored, transcript, busy=_busy(reading)),
        engine="embedded",
        engine_version=ENGINE_VERSION,
        next_practice=recommend(skills),
        flags=reading.flags if known_language else (*reading.flags, UNSUPPORTED_LANGUAGE),
    )


def indicator_rates(
    transcript: Transcript, rubric: RubricSpec, *, required_steps: tuple[Step, ...] = ()
) -> dict[str, dict[str, float]]:
    """Return criterion key -> indicator key -> strength 0..1, without any abstention."""
    measured = _measure_all(transcript, read(transcript), rubric, required_steps)
    return {
        key: {item.indicator.key: float(item.strength) for item in items}
        for key, items in measured.items()
    }


def raw_points(
    transcript: Transcript, rubric: RubricSpec, *, required_steps: tuple[Step, ...] = ()
) -> dict[str, float]:
    """Return criterion key -> unrounded score 0..100 for any transcript, without any abstention."""
    measured = _measure_all(transcript, read(transcript), rubric, required_steps)
    return {key: float(aggregate.points(items)) for key, items in measured.items()}


def _busy(reading: Reading) -> frozenset[int]:
    """Return the agent turns that do good work: no place to show what else was missing."""
    return frozenset(turn.index for turn in reading.agent if turn.first(_GOOD_WORK) is not None)


def _supported(transcript: Transcript) -> bool:
    return transcript.language.casefold().replace("_", "-").split("-")[0] in _LANGUAGES


def _measure_all(
    transcript: Transcript, reading: Reading, rubric: RubricSpec, steps: tuple[Step, ...]
) -> dict[str, tuple[Measured, ...]]:
    measured: dict[str, tuple[Measured, ...]] = {}
    for section in rubric.sections:
        for criterion in section.criteria:
            measured[criterion.key] = tuple(
                aggregate.weigh(
                    item.indicator,
                    withdraw_unproven(item.finding, transcript, item.indicator.polarity),
                    coached_as=item.coached_as,
                )
                for item in _detect_all(criterion, reading, steps)
            )
    return measured


class _Detected(Record, frozen=True, kw_only=True):
    """What a detector found, before its quotes were checked."""

    indicator: Indicator
    finding: Finding
    coached_as: str = ""


def _detect_all(criterion: Criterion, reading: Reading, steps: tuple[Step, ...]) -> list[_Detected]:
    if steps and criterion.skill == PROCESS_SKILL:
        bad = [item for item in criterion.indicators if item.polarity is Polarity.BAD]
        return [*_detect_steps(reading, steps), *(_detect(item, reading) for item in bad)]
    return [_detect(item, reading) for item in criterion.indicators]


def _detect(indicator: Indicator, reading: Reading) -> _Detected:
    return _Detected(indicator=indicator, finding=get_detector(indicator.key)(reading))


def _detect_steps(reading: Reading, steps: tuple[Step, ...]) -> list[_Detected]:
    done = [
        _Detected(
            indicator=Indicator(
                key=f"step:{step.key}", title=step.title, polarity=Polarity.GOOD, weight=1
            ),
            finding=required_step(step)(reading),
            coached_as=step_indicator(step),
        )
        for step in steps
    ]
    return [*done, _Detected(indicator=ORDER, finding=out_of_order(steps)(reading))]


def _criterion_result(
    criterion: Criterion,
    items: Sequence[Measured],
    transcript: Transcript,
    reading: Reading,
    *,
    known_language: bool,
) -> CriterionResult:
    status = aggregate.status(items, agent_turns=len(reading.agent))
    if not known_language:
        status = SkillStatus.INSUFFICIENT_EVIDENCE
        items = [aggregate.weigh(item.indicator, Finding()) for item in items]
    scored = status is SkillStatus.SCORED
    return CriterionResult(
        key=criterion.key,
        title=criterion.title,
        skill=criterion.skill,
        status=status,
        score=aggregate.round_half_up(aggregate.points(items)) if scored else None,
        indicators=tuple(_indicator_result(item, transcript) for item in items),
    )


def _indicator_result(item: Measured, transcript: Transcript) -> IndicatorResult:
    return IndicatorResult(
        key=item.indicator.key,
        title=item.indicator.title,
        polarity=item.indicator.polarity,
        verdict=item.verdict,
        opportunities=item.finding.opportunities,
        hits=item.finding.hits,
        evidence=quotes(item.finding, transcript),
    )

"""The embedded judge: transcript and rubric in, explained result out."""

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.feedback.advice import advise
from services.scoring_worker.judging.feedback.practice import recommend
from services.scoring_worker.judging.measuring import Measurer
from services.scoring_worker.judging.metrics import measure
from services.scoring_worker.judging.provenance import provenance
from services.scoring_worker.judging.reading import Reading, read
from services.scoring_worker.judging.results import (
    Setting,
    criterion_result,
    not_asked,
    standard_skill,
)
from services.scoring_worker.judging.review import UNSUPPORTED_LANGUAGE, is_supported, needs_review
from services.scoring_worker.judging.standard import load_standard
from services.scoring_worker.judging.version import ENGINE_VERSION
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import Step
from shared.contracts.scoring import CriterionResult, JudgeResult, SkillScore, Transcript
from shared.scorecard.conditions import is_enabled
from shared.scorecard.form import total
from shared.scorecard.skills import roots, skills


def judge(
    transcript: Transcript,
    rubric: RubricSpec,
    *,
    required_steps: tuple[Step, ...] = (),
    flags: tuple[str, ...] = (),
) -> JudgeResult:
    """Score a transcript; the same input gives the same bytes.

    Args:
        transcript: the conversation; `agent` is scored.
        rubric: what is scored and with which weights.
        required_steps: steps of the scenario; with them, process adherence is steps done / steps
            required in place of the rubric's own checks.
        flags: what was found odd about the transcript before, as codes; joins the result's flags.

    Raises:
        UnknownIndicatorError: the rubric asks for an indicator that no detector answers.
    """
    reading = read(transcript)
    setting = Setting(
        transcript=transcript,
        agent_turns=len(reading.agent),
        is_supported=is_supported(transcript),
    )
    measurer = Measurer(transcript, reading, required_steps)
    measured, results = _criteria(rubric, measurer, setting)
    by_key = {result.key: result for result in results}
    found = skills(rubric, by_key, lambda key: standard_skill(key, measurer, setting))
    outcome = total(rubric, by_key)
    odd = _flags(reading, setting, flags)
    scored = {key: items for key, items in measured.items() if by_key[key].score is not None}
    advice = advise(results, scored, transcript, reading)
    made_of = provenance(transcript, rubric)
    practice = recommend(
        _of_the_rubric(found),
        spoken_of=[item.skill for item in advice if item.kind == "improvement"],
        role=rubric.slug,
        salt=made_of.transcript_hash,
    )
    return JudgeResult(
        overall=outcome.overall,
        interval=outcome.interval,
        confidence=outcome.confidence,
        criteria=results,
        skills=found,
        roots=roots(found),
        form=outcome.form,
        behaviors=measurer.strengths.scores() if _is_judged(setting) else (),
        metrics=measure(reading, transcript, measured if setting.is_supported else None),
        advice=advice,
        engine="embedded",
        engine_version=ENGINE_VERSION,
        next_practice=None if practice is None else practice.text,
        practice=practice,
        needs_review=needs_review(outcome, results, odd),
        flags=odd,
        provenance=made_of,
    )


def _criteria(
    rubric: RubricSpec, measurer: Measurer, setting: Setting
) -> tuple[dict[str, tuple[Measured, ...]], tuple[CriterionResult, ...]]:
    """Return what was measured and the results, in the order of the form: conditions need it."""
    measured: dict[str, tuple[Measured, ...]] = {}
    results: dict[str, CriterionResult] = {}
    for section in rubric.sections:
        for criterion in section.criteria:
            if is_enabled(criterion.enable_if, results):
                measured[criterion.key] = measurer.criterion(criterion)
                result = criterion_result(criterion, measured[criterion.key], setting)
            else:
                result = not_asked(criterion)
            results[criterion.key] = result
    return measured, tuple(results.values())


def _is_judged(setting: Setting) -> bool:
    """Say whether there is enough to compare with other conversations."""
    return setting.is_supported and setting.agent_turns >= aggregate.MIN_AGENT_TURNS


def _flags(reading: Reading, setting: Setting, known: tuple[str, ...]) -> tuple[str, ...]:
    language = () if setting.is_supported else (UNSUPPORTED_LANGUAGE,)
    return tuple(dict.fromkeys((*reading.flags, *known, *language)))


def _of_the_rubric(found: tuple[SkillScore, ...]) -> tuple[SkillScore, ...]:
    return tuple(skill for skill in found if skill.basis == "rubric")


def indicator_rates(
    transcript: Transcript, rubric: RubricSpec, *, required_steps: tuple[Step, ...] = ()
) -> dict[str, dict[str, float]]:
    """Return criterion key -> indicator key -> strength 0..1, without any abstention."""
    return {
        key: {item.indicator.key: float(item.strength) for item in items}
        for key, items in _measure_all(transcript, rubric, required_steps).items()
    }


def raw_points(
    transcript: Transcript, rubric: RubricSpec, *, required_steps: tuple[Step, ...] = ()
) -> dict[str, float]:
    """Return criterion key -> unrounded score 0..100 for any transcript, without any abstention."""
    return {
        key: float(aggregate.points(items))
        for key, items in _measure_all(transcript, rubric, required_steps).items()
    }


def raw_skills(transcript: Transcript) -> dict[str, float]:
    """Return skill key -> unrounded score 0..100 by the standard indicators, no abstention."""
    measurer = Measurer(transcript, read(transcript), ())
    return {
        key: float(aggregate.points(measurer.skill(key, indicators)))
        for key, indicators in load_standard().items()
    }


def _measure_all(
    transcript: Transcript, rubric: RubricSpec, steps: tuple[Step, ...]
) -> dict[str, tuple[Measured, ...]]:
    measurer = Measurer(transcript, read(transcript), steps)
    return {
        criterion.key: measurer.criterion(criterion)
        for section in rubric.sections
        for criterion in section.criteria
    }

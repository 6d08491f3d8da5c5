"""The judge: transcript and rubric in, explained result out."""

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.hearing import Hearing
from services.scoring_worker.judging.measuring import Measurer
from services.scoring_worker.judging.reading import read
from services.scoring_worker.judging.standard import load_standard
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import Step
from shared.contracts.scoring import JudgeResult, Transcript


def judge(
    transcript: Transcript,
    rubric: RubricSpec,
    *,
    required_steps: tuple[Step, ...] = (),
    flags: tuple[str, ...] = (),
) -> JudgeResult:
    """Score a transcript with the embedded judge; the same input gives the same bytes.

    Args:
        transcript: the conversation; `agent` is scored.
        rubric: what is scored and with which weights.
        required_steps: steps of the scenario; with them, process adherence is steps done / steps
            required in place of the rubric's own checks.
        flags: what was found odd about the transcript before, as codes; joins the result's flags.

    Raises:
        UnknownIndicatorError: the rubric asks for an indicator that no detector answers.
    """
    return Hearing(transcript, rubric, required_steps=required_steps, flags=flags).result()


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

"""All detectors by indicator key: what a rubric may ask for."""

from collections.abc import Mapping
from types import MappingProxyType

from services.scoring_worker.judging.detectors.adapting import (
    ADAPTABILITY,
    AGILITY,
    CHANGE,
    FLEXIBILITY,
)
from services.scoring_worker.judging.detectors.clarity import CLARITY
from services.scoring_worker.judging.detectors.composure import (
    DEESCALATION,
    EMOTION,
    SELF_REGULATION,
)
from services.scoring_worker.judging.detectors.convincing import (
    CONFLICT,
    MOTIVATION,
    NEGOTIATION,
    PERSUASION,
)
from services.scoring_worker.judging.detectors.counting import Detector
from services.scoring_worker.judging.detectors.deciding import CREATIVITY, DECISION, FINDING_ANSWERS
from services.scoring_worker.judging.detectors.empathy import EMPATHY
from services.scoring_worker.judging.detectors.listening import LISTENING
from services.scoring_worker.judging.detectors.owning import ADVOCACY, OWNERSHIP, TEAMWORK, TIME
from services.scoring_worker.judging.detectors.patience import PATIENCE
from services.scoring_worker.judging.detectors.process import PROCESS
from services.scoring_worker.judging.detectors.rapport import COURTESY, POSITIVE, RELATIONSHIP
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.solving import SOLVING
from services.scoring_worker.judging.detectors.speech import INFORMATION, PACING, PLAIN_LANGUAGE
from services.scoring_worker.judging.detectors.understanding import CURIOSITY, TONE, VERIFY
from services.scoring_worker.judging.detectors.working import (
    CALM_EXECUTION,
    CRITICAL_THINKING,
    DECOMPOSE,
    IDENTIFY,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading

_FAMILIES: tuple[Mapping[str, Detector], ...] = (
    ADAPTABILITY,
    AGILITY,
    CHANGE,
    FLEXIBILITY,
    CLARITY,
    DEESCALATION,
    EMOTION,
    SELF_REGULATION,
    CONFLICT,
    MOTIVATION,
    NEGOTIATION,
    PERSUASION,
    CREATIVITY,
    DECISION,
    FINDING_ANSWERS,
    EMPATHY,
    LISTENING,
    ADVOCACY,
    OWNERSHIP,
    TEAMWORK,
    TIME,
    PATIENCE,
    PROCESS,
    COURTESY,
    POSITIVE,
    RELATIONSHIP,
    SOLVING,
    INFORMATION,
    PACING,
    PLAIN_LANGUAGE,
    CURIOSITY,
    TONE,
    VERIFY,
    CALM_EXECUTION,
    CRITICAL_THINKING,
    DECOMPOSE,
    IDENTIFY,
)


def _remembering(key: str, detector: Detector) -> Detector:
    """Let a detector answer once per reading, however many criteria ask for it."""

    def detect(reading: Reading) -> Finding:
        known = look(reading).findings
        found = known.get(key)
        if found is None:
            found = known[key] = detector(reading)
        return found

    return detect


def _merge() -> dict[str, Detector]:
    """Put the families together.

    Raises:
        ValueError: two families use one key.
    """
    merged: dict[str, Detector] = {}
    for family in _FAMILIES:
        for key, detector in family.items():
            if key in merged:
                raise ValueError(f"two detectors answer the indicator {key!r}")
            merged[key] = _remembering(key, detector)
    return merged


DETECTORS: Mapping[str, Detector] = MappingProxyType(_merge())
"""Indicator key and its detector. Keys are stable: published rubrics name them."""


class UnknownIndicatorError(ValueError):
    """A rubric asks for an indicator that no detector answers."""


def get_detector(key: str) -> Detector:
    """Return the detector of an indicator.

    Raises:
        UnknownIndicatorError: no detector has this key.
    """
    try:
        return DETECTORS[key]
    except KeyError:
        raise UnknownIndicatorError(f"no detector answers the indicator {key!r}") from None

"""All detectors by indicator key: what a rubric may ask for."""

from collections.abc import Mapping
from types import MappingProxyType

from services.scoring_worker.judging.detectors.clarity import CLARITY
from services.scoring_worker.judging.detectors.counting import Detector
from services.scoring_worker.judging.detectors.empathy import EMPATHY
from services.scoring_worker.judging.detectors.listening import LISTENING
from services.scoring_worker.judging.detectors.patience import PATIENCE
from services.scoring_worker.judging.detectors.process import PROCESS
from services.scoring_worker.judging.detectors.solving import SOLVING

DETECTORS: Mapping[str, Detector] = MappingProxyType(
    EMPATHY | LISTENING | CLARITY | PATIENCE | SOLVING | PROCESS
)
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

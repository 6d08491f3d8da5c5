"""Asks the detectors for the indicators of a form or of the taxonomy; each is looked for once."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from services.scoring_worker.judging.aggregate import Measured, weigh
from services.scoring_worker.judging.detectors.counting import Detector
from services.scoring_worker.judging.detectors.process import (
    out_of_order,
    required_step,
    step_indicator,
)
from services.scoring_worker.judging.detectors.registry import get_detector
from services.scoring_worker.judging.evidence import withdraw_unproven
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.strengths import INDICATOR, Strengths, is_known
from shared.contracts.rubric import Criterion, Indicator, Polarity
from shared.contracts.scenario import Step
from shared.contracts.scoring import Transcript

PROCESS_SKILL = "own.process_adherence"
"""The skill whose good indicators a scenario's required steps replace."""

ORDER = Indicator(
    key="out_of_order",
    title="Did a step before the one that must come first",
    polarity=Polarity.BAD,
    weight=40,
)
"""Joins the required steps; breaking every order rule takes `weight` percent of the points."""


class Measurer:
    """Measures indicators on one transcript; remembers what was already looked for."""

    def __init__(self, transcript: Transcript, reading: Reading, steps: tuple[Step, ...]) -> None:
        self._transcript = transcript
        self._reading = reading
        self._steps = steps
        self._seen: dict[tuple[str, Polarity], tuple[Finding, int]] = {}

    @cached_property
    def strengths(self) -> Strengths:
        """The fitted behaviors of the conversation."""
        return Strengths(self._reading)

    def criterion(self, criterion: Criterion) -> tuple[Measured, ...]:
        """Measure a criterion; a scenario's steps stand in for the good indicators of the process.

        Raises:
            UnknownIndicatorError: no detector answers one of its indicators.
        """
        return self.skill(criterion.skill, criterion.indicators)

    def skill(self, skill: str, indicators: Sequence[Indicator]) -> tuple[Measured, ...]:
        """Measure the indicators of a skill; raises as `criterion` does."""
        if not self._steps or skill != PROCESS_SKILL:
            return self._all(indicators)
        bad = (item for item in indicators if item.polarity is Polarity.BAD)
        return (*self._required(), *self._all(bad))

    def _all(self, indicators: Iterable[Indicator]) -> tuple[Measured, ...]:
        return tuple([self._measure(item) for item in indicators])

    def _required(self) -> tuple[Measured, ...]:
        done = (
            self._measure(
                Indicator(
                    key=f"step:{step.key}", title=step.title, polarity=Polarity.GOOD, weight=1
                ),
                required_step(step),
                coached_as=step_indicator(step),
            )
            for step in self._steps
        )
        return (*done, self._measure(ORDER, out_of_order(self._steps)))

    def _measure(
        self, indicator: Indicator, detector: Detector | None = None, *, coached_as: str = ""
    ) -> Measured:
        asked = (indicator.key, indicator.polarity)
        known = self._seen.get(asked)
        if known is None:
            found = self._find(indicator.key) if detector is None else detector(self._reading)
            found = self._reading.written(found)
            kept = withdraw_unproven(found, self._transcript, indicator.polarity)
            known = self._seen[asked] = kept, 0 if kept is found else found.hits - kept.hits
        return weigh(indicator, known[0], coached_as=coached_as, withdrawn=known[1])

    def _find(self, key: str) -> Finding:
        if key.startswith(INDICATOR) and is_known(key):
            return self.strengths.finding(key)
        return get_detector(key)(self._reading)

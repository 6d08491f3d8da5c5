"""What the model may be asked: the indicators of a form in words, without weights and points."""

from collections.abc import Iterable
from typing import Final

from services.scoring_worker.judging.adherence import STEP
from services.scoring_worker.judging.aggregate import MET_SHARE, Measured
from services.scoring_worker.judging.measuring import ORDER
from services.scoring_worker.judging.strengths import INDICATOR as BEHAVIOR
from shared.contracts.base import Record
from shared.contracts.rubric import Indicator, Polarity
from shared.library.indicators import load_indicators

STEP_GUIDANCE: Final = "A step that this kind of conversation requires. Doing it once is enough."

ONCE: Final = "once is enough"

HAPPENED: Final = "it happened once"

Asked = tuple[str, Polarity]
"""What an indicator is known by: the same key is asked once, however many criteria use it."""


class Question(Record, frozen=True, kw_only=True):
    """One indicator as the model reads it."""

    key: str
    look_for: str
    guidance: str
    polarity: Polarity
    met_from: str


def question(indicator: Indicator) -> Question:
    """Put an indicator into words."""
    known = load_indicators().get(indicator.key)
    is_step = indicator.key.startswith(STEP)
    guidance = STEP_GUIDANCE if is_step else "" if known is None else known.definition
    return Question(
        key=indicator.key,
        look_for=indicator.title,
        guidance=guidance,
        polarity=indicator.polarity,
        met_from=_met_from(indicator, is_whole=is_step or (known is not None and known.whole)),
    )


def _met_from(indicator: Indicator, *, is_whole: bool) -> str:
    if indicator.polarity is Polarity.BAD:
        return HAPPENED
    if is_whole:
        return ONCE
    return f"on about {round(indicator.full_at * MET_SHARE)} of 100 occasions, and at least once"


def questions(items: Iterable[Measured]) -> tuple[Question, ...]:
    """Return the questions about what was measured, each key once, in the order of the form.

    Fitted behaviors and the order of steps are counted, not read: nobody is asked about them.
    """
    found: dict[str, Question] = {}
    for item in items:
        indicator = item.indicator
        if indicator.key not in found and is_asked(indicator):
            found[indicator.key] = question(indicator)
    return tuple(found.values())


def is_asked(indicator: Indicator) -> bool:
    """Say whether a reader can answer this indicator."""
    return indicator.key != ORDER.key and not indicator.key.startswith(BEHAVIOR)

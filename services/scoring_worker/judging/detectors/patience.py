"""Patience: occasions are moments whose customer repeats, refuses, is confused, angry or rude."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    NOTHING,
    Detector,
    Find,
    act,
    bad_act,
    plain,
    shown,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

CURT_WORDS = 5
"""An answer to a customer under strain with fewer words than this reads as a door closing."""

HELPFUL = (
    ACKNOWLEDGING
    | FIXING
    | {
        Act.EXPLAIN,
        Act.REASSURE,
        Act.OPEN_QUESTION,
        Act.PARAPHRASE,
        Act.APOLOGIZE,
        Act.TAKE_OWNERSHIP,
    }
)
"""Acts that keep something moving or take something up."""

_EXPLAINS_AGAIN = act(Act.EXPLAIN, Act.PARAPHRASE, Act.CHECK_UNDERSTANDING, Act.SIGNPOST)


def tested(moment: Moment) -> bool:
    """The customer repeats, refuses, is confused, insults, threatens, shouts or is angry."""
    return moment.tests_patience


def _asks_again(moment: Moment) -> bool:
    return "unclear" in moment.heard or "unanswered" in moment.heard


def curt_replies(reading: Reading) -> Finding:
    """The answer to a customer under strain is a handful of words."""
    short = {
        said.index
        for moment in look(reading).moments
        if moment.tests_patience and sum(said.turn.raw.words for said in moment.said) < CURT_WORDS
        for said in moment.said
    }
    return plain(tested, Find(lambda said: _whole(said, short)) if short else NOTHING)(reading)


def _whole(said: Said, short: set[int]) -> Span | None:
    return said.opening if said.counts and said.index in short else None


PATIENCE: dict[str, Detector] = {
    # Under strain the answer still moves something forward, and nothing in it bites back.
    "stays_helpful": shown(tested, act(*HELPFUL)),
    # It explains again, asks, or takes the hurry out.
    "gives_room": shown(
        tested, act(Act.EXPLAIN, Act.CHECK_UNDERSTANDING, Act.REASSURE, Act.OPEN_QUESTION)
    ),
    # It accepts the feeling or says back the point.
    "accepts_the_heat": shown(tested, act(*ACKNOWLEDGING, Act.PARAPHRASE, Act.APOLOGIZE)),
    # Somebody who did not understand, or got no answer, hears it in other words.
    "explains_again": shown(_asks_again, _EXPLAINS_AGAIN),
    "curt_replies": curt_replies,
    "reproaches": bad_act(Act.REPROACH),
    "rushes": bad_act(Act.RUSH),
}
"""Indicator key and its detector."""

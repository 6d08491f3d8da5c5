"""Empathy: occasions are the moments in which the customer shows a feeling or a hardship."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    Detector,
    Find,
    act,
    bad_act,
    plain,
    shown,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

_BEFORE_ACKNOWLEDGING = FIXING | {Act.CITE_POLICY, Act.VERIFY_IDENTITY}


def felt(moment: Moment) -> bool:
    """The customer shows a feeling other than confusion, or a hardship."""
    return moment.felt


def _acknowledged_first(said: Said) -> Span | None:
    """Find an acknowledgment that comes before the fix, the policy or the security check."""
    early = said.first(ACKNOWLEDGING)
    business = said.first(_BEFORE_ACKNOWLEDGING)
    if early is None or (business is not None and business.start < early.start):
        return None
    return said.sentence(Span(early.start, early.end))


_OWNS = act(Act.APOLOGIZE, Act.TAKE_OWNERSHIP, Act.REASSURE)
_OWN_WORDS = act(*ACKNOWLEDGING, Act.TAKE_OWNERSHIP)

EMPATHY: dict[str, Detector] = {
    # The answer names or accepts the feeling.
    "acknowledges_feeling": shown(felt, act(Act.ACKNOWLEDGE_FEELING)),
    # It says what the trouble means for this customer.
    "acknowledges_impact": shown(felt, act(Act.ACKNOWLEDGE_IMPACT)),
    # It does so before the fix, the policy or the security check.
    "feeling_before_fix": shown(felt, Find(_acknowledged_first, ACKNOWLEDGING)),
    # It apologizes, takes it on, or takes away a worry.
    "owns_the_trouble": shown(felt, _OWNS),
    # Its only sympathy is a stock phrase.
    "stock_phrase_only": plain(felt, unless(act(Act.STOCK_EMPATHY), _OWN_WORDS)),
    "dismisses_feeling": bad_act(Act.DISMISS),
    "blames_customer": bad_act(Act.BLAME),
    "hostile_words": bad_act(Act.INSULT, Act.THREATEN),
}
"""Indicator key and its detector."""

"""Empathy: occasions are the exchanges in which the customer shows a feeling or a hardship."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    Detector,
    act_finder,
    bad_act,
    harsh,
    per_exchange,
    widen,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

_BEFORE_ACKNOWLEDGING = FIXING | {Act.CITE_POLICY, Act.VERIFY_IDENTITY}
_STOCK_ONLY_COUNTS_WITHOUT = ACKNOWLEDGING | {Act.TAKE_OWNERSHIP}


def _felt(reading: Reading) -> tuple[Exchange, ...]:
    return tuple(item for item in reading.exchanges if item.felt is not None)


def _sincere(turn: ReadTurn, acts: frozenset[Act]) -> Span | None:
    """An acknowledgment in the same turn as a reproach or a dismissal is not one."""
    return None if harsh(turn) else act_finder(acts)(turn)


def acknowledges_feeling(reading: Reading) -> Finding:
    """The answer names or accepts the feeling."""
    acts = frozenset({Act.ACKNOWLEDGE_FEELING})
    return per_exchange(_felt(reading), lambda turn: _sincere(turn, acts))


def acknowledges_impact(reading: Reading) -> Finding:
    """The answer says what the trouble means for this customer."""
    acts = frozenset({Act.ACKNOWLEDGE_IMPACT})
    return per_exchange(_felt(reading), lambda turn: _sincere(turn, acts))


def feeling_before_fix(reading: Reading) -> Finding:
    """The acknowledgment comes before the fix, the policy or the security check."""
    return per_exchange(_felt(reading), _acknowledged_first)


def _acknowledged_first(turn: ReadTurn) -> Span | None:
    if harsh(turn):
        return None
    early = turn.first(ACKNOWLEDGING)
    business = turn.first(_BEFORE_ACKNOWLEDGING)
    if early is None or (business is not None and business.start < early.start):
        return None
    return widen(turn, early.start, early.end)


def owns_the_trouble(reading: Reading) -> Finding:
    """The answer apologizes, takes it on, or takes away a worry."""
    acts = frozenset({Act.APOLOGIZE, Act.TAKE_OWNERSHIP, Act.REASSURE})
    return per_exchange(_felt(reading), lambda turn: _sincere(turn, acts))


def stock_phrase_only(reading: Reading) -> Finding:
    """The only sympathy in the answer is a stock phrase."""
    return per_exchange(_felt(reading), _only_stock)


def _only_stock(turn: ReadTurn) -> Span | None:
    if turn.first(_STOCK_ONLY_COUNTS_WITHOUT) is not None:
        return None
    return act_finder(frozenset({Act.STOCK_EMPATHY}))(turn)


EMPATHY: dict[str, Detector] = {
    "acknowledges_feeling": acknowledges_feeling,
    "acknowledges_impact": acknowledges_impact,
    "feeling_before_fix": feeling_before_fix,
    "owns_the_trouble": owns_the_trouble,
    "stock_phrase_only": stock_phrase_only,
    "dismisses_feeling": bad_act(Act.DISMISS),
    "blames_customer": bad_act(Act.BLAME),
    "hostile_words": bad_act(Act.INSULT, Act.THREATEN),
}
"""Indicator key and its detector."""

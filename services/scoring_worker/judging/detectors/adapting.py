"""Adaptability, flexibility, agility, leading through change: when something gets in the way."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    Detector,
    Find,
    act,
    answered,
    any_of,
    anywhere,
    bad,
    bad_sign,
    both,
    over,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.solving import SAME_OFFER, WALL
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, overlap
from shared.contracts.dialogue import Act

_MOVES = frozenset({Act.OFFER, Act.NEXT_STEP, Act.CONCEDE, Act.OFFER_CHOICE})
_TAKEN_IN = ACKNOWLEDGING | {
    Act.PARAPHRASE,
    Act.THANK,
    Act.PRAISE,
    Act.PROBE,
    Act.OPEN_QUESTION,
    Act.RECAP,
}
_WORKS = _MOVES | {
    Act.EXPLAIN,
    Act.REASSURE,
    Act.OPEN_QUESTION,
    Act.PROBE,
    Act.CLOSED_QUESTION,
    Act.TAKE_OWNERSHIP,
    Act.RECAP,
}


def twist(moment: Moment) -> bool:
    """Something new comes up in the middle of the talk."""
    return moment.number > 0 and "news" in moment.heard


def plan_meets_facts(moment: Moment) -> bool:
    """News, a bound or an objection meets what is already on the table."""
    against = not moment.heard.isdisjoint({"news", "limits", "objects", "corrects"})
    return against and not moment.acts_before.isdisjoint(_MOVES)


def _new_facts(moment: Moment) -> bool:
    return moment.number > 0 and not moment.heard.isdisjoint({"news", "limits", "corrects"})


def repeats_failed_step(reading: Reading) -> Finding:
    """What the customer just turned down or overturned is proposed again, unchanged."""
    scene = look(reading)
    known: list[frozenset[str]] = []
    same: set[int] = set()
    occasions: list[Moment] = []
    for moment in scene.moments:
        said = [about for item in moment.said for about in item.topics_of(_MOVES)]
        if known and plan_meets_facts(moment):
            occasions.append(moment)
            again = bool(said) and all(
                any(overlap(about, old) >= SAME_OFFER for old in known) for about in said
            )
            if again and moment.acts.isdisjoint(_TAKEN_IN):
                same.update(item.index for item in moment.said)
        known += said
    return over(occasions, Find(lambda said: said.best(_MOVES) if said.index in same else None))


_REPLANS = any_of(both(sign("replan", "bends", "workaround"), act(*_MOVES)), act(*_MOVES))

ADAPTABILITY: dict[str, Detector] = {
    # The plan is changed, or its next step fitted to what came up.
    "replans": shown(plan_meets_facts, _REPLANS),
    # What is new is taken in before the talk goes on.
    "takes_in_news": shown(_new_facts, any_of(act(*_TAKEN_IN), sign("replan", "thanks_for"))),
    "repeats_failed_step": repeats_failed_step,
    # News or a bound meets a rule, a brush-off or haste.
    "ignores_news": plain(
        _new_facts,
        unless(bad(Act.CITE_POLICY, Act.DISMISS, Act.RUSH, Act.REPROACH), act(*_MOVES, *_TAKEN_IN)),
    ),
}
"""Indicator key and its detector."""


def _could_bend(moment: Moment) -> bool:
    """Something is proposed or asked for, or the customer has bounds or another wish."""
    return not moment.acts.isdisjoint(_MOVES) or (
        moment.number > 0 and not moment.heard.isdisjoint({"limits", "objects"})
    )


def _wants_otherwise(moment: Moment) -> bool:
    return moment.number > 0 and not moment.heard.isdisjoint({"limits", "objects"})


FLEXIBILITY: dict[str, Detector] = {
    # There is a choice, or another way, time or channel.
    "gives_choice": shown(
        _could_bend, any_of(act(Act.OFFER_CHOICE), sign("choice", "bends", "workaround"))
    ),
    # Asks what would suit.
    "asks_preference": shown(
        _could_bend, sign("asks_preference", "asks_interest", "asks_decision")
    ),
    # Bounds or another wish change what is proposed.
    "fits_to_customer": shown(
        _wants_otherwise, any_of(sign("bends", "replan", "ties"), act(*_MOVES))
    ),
    # The script goes first.
    "rigid_script": anywhere(any_of(WALL, bad_sign("rigid"))),
}
"""Indicator key and its detector."""


_WORK = act(*_WORKS)


def recovers(reading: Reading) -> Finding:
    """After a twist the work goes on at once, or with the next answer."""
    scene = look(reading)
    hits: list[Moment] = []
    misses: list[Moment] = []
    for moment in scene.moments:
        if not twist(moment):
            continue
        following = scene.after(moment)
        place = next((m for m in (moment, following) if m is not None and _works(m)), None)
        (misses if place is None else hits).append(place or moment)
    return answered(hits, misses, _WORK)


def _works(moment: Moment) -> bool:
    return not moment.harsh and not moment.acts.isdisjoint(_WORKS)


def _stalls(said: Said) -> Span | None:
    idle = said.counts and said.acts.isdisjoint(_WORKS | _TAKEN_IN)
    return said.opening if idle else None


AGILITY: dict[str, Detector] = {
    "recovers": recovers,
    # The first answer to the twist already takes it in.
    "meets_twist": shown(twist, any_of(act(*_TAKEN_IN, Act.REASSURE), sign("replan"))),
    # The first answer to the twist already moves on.
    "moves_with_twist": shown(twist, any_of(act(*_MOVES), sign("decides", "replan"))),
    # The answer to the twist does nothing with it.
    "stalls": plain(twist, Find(_stalls)),
}
"""Indicator key and its detector."""


def changes(moment: Moment) -> bool:
    """Something changes for the customer, or a rule or a no has to be brought to them."""
    return any(
        "change" in said.bad_signs or not said.raw_acts.isdisjoint({Act.REFUSE, Act.CITE_POLICY})
        for said in moment.said
    )


CHANGE: dict[str, Detector] = {
    # Says why.
    "explains_change": shown(changes, any_of(act(Act.EXPLAIN), sign("reasoning", "ties"))),
    # Says what helps.
    "eases_change": shown(
        changes,
        any_of(act(*FIXING, Act.OFFER_CHOICE, Act.CONCEDE, Act.REASSURE), sign("workaround")),
    ),
    # Says what it means for the customer.
    "feels_for_change": shown(changes, act(*ACKNOWLEDGING, Act.TAKE_OWNERSHIP)),
    # The rule stands there alone.
    "bare_rule": plain(changes, any_of(WALL, bad(Act.DISMISS))),
}
"""Indicator key and its detector."""

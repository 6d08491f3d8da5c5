"""Creativity, finding answers, deciding."""

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    act,
    answered,
    any_of,
    anywhere,
    at_turns,
    bad,
    bad_sign,
    both,
    kindly,
    once,
    over,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.solving import (
    SAME_OFFER,
    STUCK,
    WALL,
    matter_turns,
    matters,
)
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, overlap
from shared.contracts.dialogue import Act

_OFFERING = frozenset({Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE})
_OFFERS = act(*_OFFERING)


def hits_limit(moment: Moment) -> bool:
    """The usual way is closed: the customer's bounds or refusal, or a rule or a no of the agent."""
    if not moment.heard.isdisjoint({"limits", "objects"}):
        return moment.number > 0
    return any(
        not said.raw_acts.isdisjoint({Act.REFUSE, Act.CITE_POLICY}) or said.stuck is not None
        for said in moment.said
    )


def new_option(reading: Reading) -> Finding:
    """After a no to an offer the next offer is another one."""
    scene = look(reading)
    known: list[frozenset[str]] = []
    fresh: set[int] = set()
    occasions: list[Moment] = []
    for moment in scene.moments:
        said = [about for item in moment.said for about in item.topics_of(_OFFERING)]
        if known and not moment.heard.isdisjoint({"objects", "limits", "news"}):
            occasions.append(moment)
            if any(all(overlap(about, old) < SAME_OFFER for old in known) for about in said):
                fresh.add(moment.number)
        known += said
    misses = [moment for moment in occasions if moment.number not in fresh]
    hits = [moment for moment in occasions if moment.number in fresh]
    return answered(hits, misses, _OFFERS)


CREATIVITY: dict[str, Detector] = {
    # At a limit there is another way inside the rules.
    "finds_workaround": shown(
        hits_limit, any_of(sign("workaround", "bends"), act(Act.OFFER_CHOICE, Act.CONCEDE))
    ),
    "new_option": new_option,
    # The proposal is made of more than one part, or fitted to this customer.
    "tailors_offer": shown(
        lambda moment: Act.OFFER in moment.acts, sign("ties", "replan", "bends", "follow_up")
    ),
    # What is not in the script is refused.
    "off_script_no": plain(hits_limit, any_of(WALL, STUCK, bad_sign("rigid"))),
    # Breaks the rules in place of bending within them.
    "breaks_rules": anywhere(bad(Act.GIVE_AWAY)),
}
"""Indicator key and its detector."""


def _asks(moment: Moment) -> bool:
    return moment.asks


def _looks(said: Said) -> bool:
    return "looks_up" in said.signs or Act.HOLD in said.acts


_RESULT = frozenset({Act.EXPLAIN, Act.DISCLOSE, Act.OFFER, Act.NEXT_STEP, Act.REASSURE})


_FINDS = act(*_RESULT)


def returns_with_answer(reading: Reading) -> Finding:
    """After looking something up, the agent comes back with it, then or in the next answer."""
    scene = look(reading)
    hits: list[Moment] = []
    misses: list[Moment] = []
    for moment in scene.moments:
        if not any(_looks(said) for said in moment.said):
            continue
        following = scene.after(moment)
        if not moment.acts.isdisjoint(_RESULT):
            hits.append(moment)
        elif following is not None:
            found = not following.acts.isdisjoint(_RESULT)
            (hits if found else misses).append(following if found else moment)
    return answered(hits, misses, _FINDS)


FINDING_ANSWERS: dict[str, Detector] = {
    # A question is looked up, or its source is named.
    "looks_it_up": shown(_asks, any_of(sign("looks_up"), both(act(Act.HOLD), sign("wait_reason")))),
    "returns_with_answer": returns_with_answer,
    # The answer is made for this customer: with a reason, a condition or a figure of theirs.
    "answers_for_this_case": shown(
        _asks,
        both(
            act(*_RESULT, Act.TAKE_OWNERSHIP),
            any_of(sign("ties", "reasoning", "looks_up"), act(Act.NEXT_STEP, Act.DISCLOSE)),
        ),
    ),
    # Guesses.
    "guesses": anywhere(bad_sign("guesses")),
    # Sends the customer off to find out alone.
    "bounces": anywhere(
        unless(bad_sign("bounces"), act(Act.OFFER, Act.NEXT_STEP, Act.TAKE_OWNERSHIP))
    ),
}
"""Indicator key and its detector."""

_COMMITS = any_of(act(Act.NEXT_STEP, Act.OFFER), sign("decides"))
_REASONS = any_of(act(Act.EXPLAIN), sign("reasoning", "ties"))


def decides(reading: Reading) -> Finding:
    """From the moment the matter is known (the third answer at the latest), the agent commits."""
    found = matters(look(reading))
    first = next((n for n, item in enumerate(found) if Act.OFFER in item.acts), 2)
    return over(found[min(first, 2) :], kindly(_COMMITS))


def decides_in_time(reading: Reading) -> Finding:
    """The first commitment comes in the first two thirds."""
    turns = matter_turns(look(reading))
    return once(turns[: (len(turns) * 2 + 2) // 3], _COMMITS, late=True)


def _committed(moment: Moment) -> bool:
    return not moment.acts.isdisjoint(FIXING)


_PAUSE = any_of(act(Act.HOLD), sign("looks_up"))


def keeps_checking(reading: Reading) -> Finding:
    """Another pause, or another look, with nothing to show for the one before."""
    scene = look(reading)
    open_check = False
    repeated: dict[int, Span] = {}
    for said in scene.said:
        if not said.acts.isdisjoint(_RESULT):
            open_check = False
            continue
        pause = _PAUSE(said)
        if pause is not None and open_check:
            repeated[said.index] = pause
        open_check = open_check or pause is not None
    return at_turns(scene, repeated)


DECISION: dict[str, Detector] = {
    "decides": decides,
    # Says why this way.
    "explains_choice": shown(_committed, _REASONS),
    "decides_in_time": decides_in_time,
    "keeps_checking": keeps_checking,
}
"""Indicator key and its detector."""

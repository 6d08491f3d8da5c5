"""Persuasion, negotiation, conflict, motivation: where interests meet."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    Detector,
    Find,
    act,
    any_of,
    anywhere,
    bad,
    bad_sign,
    both,
    once,
    over,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import Scene, look
from services.scoring_worker.judging.detectors.solving import SAME_OFFER, STUCK
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, overlap
from shared.contracts.dialogue import Act

_OFFERING = frozenset({Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.GIVE_AWAY, Act.UPSELL})
_GIVING = frozenset({Act.CONCEDE, Act.GIVE_AWAY})
_ASKING = act(Act.OPEN_QUESTION, Act.PROBE)


def offers(moment: Moment) -> bool:
    """The answer proposes something."""
    return not moment.acts.isdisjoint(_OFFERING)


def pushes_back(moment: Moment) -> bool:
    """The customer objects, doubts or is not decided, with something on the table."""
    against = not moment.heard.isdisjoint({"objects", "doubts", "hesitates"})
    return against and not moment.acts_before.isdisjoint(_OFFERING | {Act.NEXT_STEP})


def _said_no(moment: Moment) -> bool:
    return "objects" in moment.heard and not moment.acts_before.isdisjoint(_OFFERING)


_TIES = sign("ties", "replan")
_DECISION = any_of(sign("asks_decision", "asks_preference"), act(Act.CHECK_UNDERSTANDING))
_LISTENS = act(*ACKNOWLEDGING, Act.PARAPHRASE, Act.OPEN_QUESTION, Act.PROBE, Act.CONCEDE)


def pushes_past_no(reading: Reading) -> Finding:
    """After a no the same comes again, or pressure, without a question or a word for the no."""
    scene = look(reading)
    known: list[frozenset[str]] = []
    pushed: set[int] = set()
    occasions: list[Moment] = []
    for moment in scene.moments:
        said = [about for item in moment.said for about in item.topics_of(_OFFERING)]
        if _said_no(moment):
            occasions.append(moment)
            again = bool(said) and all(
                any(overlap(about, old) >= SAME_OFFER for old in known) for about in said
            )
            if again and moment.acts.isdisjoint(_HEARD_NO):
                pushed.update(item.index for item in moment.said)
        known += said
    return over(occasions, Find(lambda said: _push(said, pushed)))


_HEARD_NO = ACKNOWLEDGING | {
    Act.PARAPHRASE,
    Act.OPEN_QUESTION,
    Act.PROBE,
    Act.RECAP,
    Act.TAKE_OWNERSHIP,
    Act.EXPLAIN,
}


def _push(said: Said, pushed: set[int]) -> Span | None:
    pressure = said.first_bad(frozenset({Act.PRESSURE, Act.UPSELL, Act.RUSH, Act.THREATEN}))
    return pressure or (said.best(_OFFERING) if said.index in pushed else None)


PERSUASION: dict[str, Detector] = {
    # What is proposed is tied to what the customer needs.
    "ties_to_need": shown(offers, both(_TIES, act(*_OFFERING))),
    # The agent asks for the decision.
    "asks_for_decision": shown(offers, _DECISION),
    # A doubt or an objection gets a reason or an open word, not a push.
    "meets_objection": shown(
        pushes_back,
        any_of(
            act(Act.EXPLAIN, Act.DISCLOSE, Act.REASSURE, *ACKNOWLEDGING, Act.PARAPHRASE),
            sign("reasoning", "takes_side"),
        ),
    ),
    "pushes_past_no": pushes_past_no,
    # Sells on without a need.
    "oversells": anywhere(bad(Act.UPSELL)),
}
"""Indicator key and its detector."""


def _bargains(scene: Scene) -> bool:
    """Somebody bargains: the customer over terms, or the agent gives way."""
    return any(
        "bargains" in moment.heard or not moment.acts.isdisjoint(_GIVING)
        for moment in scene.moments
    )


def bargained(moment: Moment) -> bool:
    """The customer bargains, or the answer gives something."""
    return "bargains" in moment.heard or not moment.acts.isdisjoint(_GIVING)


def explores_needs(reading: Reading) -> Finding:
    """Before the first thing is given, the agent has asked what the customer needs."""
    scene = look(reading)
    if not _bargains(scene):
        return Finding(census=True)
    gifts = (n for n, s in enumerate(scene.judged) if not s.acts.isdisjoint(_GIVING))
    until = next(gifts, len(scene.judged))
    return once(scene.judged[: until + 1], _ASKING)


def confirms_deal(reading: Reading) -> Finding:
    """Once something was given or it is summed up or the agreement is asked for."""
    scene = look(reading)
    if not _bargains(scene):
        return Finding(census=True)
    gifts = (n for n, s in enumerate(scene.judged) if not s.acts.isdisjoint(_OFFERING))
    start = next(gifts, None)
    turns = () if start is None else scene.judged[start:]
    return once(turns, any_of(act(Act.RECAP), _DECISION), late=True)


def _bounded(said: Said) -> Span | None:
    """Find a concession that is no gift without bound."""
    return None if Act.GIVE_AWAY in said.raw_acts else act(Act.CONCEDE)(said)


def _gives(moment: Moment) -> bool:
    return not moment.acts.isdisjoint(_GIVING)


NEGOTIATION: dict[str, Detector] = {
    "explores_needs": explores_needs,
    # What is given has its condition, its reason or something in return.
    "trades": shown(_gives, both(any_of(sign("condition", "ties", "replan")), act(*_GIVING))),
    # What is given has a bound.
    "bounded_concession": shown(bargained, Find(_bounded, frozenset({Act.CONCEDE}))),
    # Bargaining is answered with another proposal, not a wall.
    "counters": shown(
        bargained, act(Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.OPEN_QUESTION, Act.PROBE)
    ),
    "confirms_deal": confirms_deal,
    # Gives everything away at once.
    "gives_away": plain(bargained, bad(Act.GIVE_AWAY)),
    # Bargaining meets a wall.
    "stonewalls": plain(
        bargained,
        unless(
            any_of(bad(Act.REFUSE, Act.CITE_POLICY, Act.DISMISS, Act.INSULT, Act.THREATEN), STUCK),
            act(*FIXING, Act.CONCEDE, Act.OPEN_QUESTION, Act.EXPLAIN),
        ),
    ),
}
"""Indicator key and its detector."""


def opposed(moment: Moment) -> bool:
    """The customer wants something else than the agent: objects, refuses, threatens, is angry."""
    return moment.heated or (moment.number > 0 and "objects" in moment.heard)


CONFLICT: dict[str, Detector] = {
    # Asks for what lies behind the position.
    "asks_interest": shown(
        opposed, any_of(sign("asks_interest", "asks_preference", "asks_mood"), _ASKING)
    ),
    # Accepts the other's view before the own.
    "accepts_view": shown(opposed, any_of(act(*ACKNOWLEDGING, Act.PARAPHRASE), sign("takes_side"))),
    # Names what both want, or puts a way on the table that suits both.
    "builds_common_ground": shown(
        opposed, any_of(sign("shared", "bends", "ties"), act(Act.OFFER_CHOICE, Act.CONCEDE))
    ),
    # Power, rules or rights come first.
    "power_first": plain(
        opposed,
        unless(
            any_of(
                bad(Act.THREATEN, Act.PRESSURE, Act.CITE_POLICY, Act.REFUSE),
                bad_sign("power_talk"),
            ),
            act(*ACKNOWLEDGING, Act.PARAPHRASE, Act.OFFER, Act.OPEN_QUESTION),
        ),
    ),
    # It becomes personal.
    "gets_personal": plain(opposed, bad(Act.INSULT, Act.BLAME, Act.REPROACH, Act.SARCASM)),
}
"""Indicator key and its detector."""


def low(moment: Moment) -> bool:
    """The customer has lost heart."""
    return not moment.heard.isdisjoint({"low", "hesitates"}) or moment.strained


def _needs_effort(moment: Moment) -> bool:
    """The agent asks the customer to do something."""
    return not moment.acts.isdisjoint({Act.VERIFY_IDENTITY, Act.HOLD}) or any(
        "condition" in said.signs for said in moment.said
    )


MOTIVATION: dict[str, Detector] = {
    # Says what the effort is good for.
    "links_to_goal": shown(_needs_effort, sign("ties", "wait_reason", "follow_up")),
    # Somebody who has lost heart is encouraged.
    "lifts": shown(
        low,
        any_of(
            act(Act.PRAISE, Act.REASSURE), sign("thanks_for", "takes_side", "shared", "gives_time")
        ),
    ),
    # Shows the way that is left.
    "shows_progress": shown(
        low, any_of(act(Act.NEXT_STEP, Act.OFFER, Act.SIGNPOST), sign("order", "ties"))
    ),
    # Takes the heart out of it.
    "deflates": anywhere(bad_sign("deflates")),
    # Complains about one's own lot.
    "moans": anywhere(bad_sign("moans")),
    # Plays down what is hard for the customer.
    "belittles": plain(low, bad(Act.DISMISS, Act.SARCASM, Act.INSULT, Act.REPROACH)),
}
"""Indicator key and its detector."""

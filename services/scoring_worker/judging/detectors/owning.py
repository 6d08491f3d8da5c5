"""Ownership, time, advocacy, the hand-over."""

from services.scoring_worker.judging.detectors.clarity import COMMITMENT
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
    kindly,
    once,
    over,
    per_turn,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import Scene, look
from services.scoring_worker.judging.detectors.solving import matter_turns, matters
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

_TAKES_ON = any_of(act(Act.TAKE_OWNERSHIP), COMMITMENT, sign("decides"))


def takes_it_on(reading: Reading) -> Finding:
    """With the matter on the table, the agent makes it their own."""
    return over(matters(look(reading)), kindly(_TAKES_ON))


def promises_follow_up(reading: Reading) -> Finding:
    """The second half says how the customer hears of it."""
    turns = matter_turns(look(reading))
    return once(turns[len(turns) // 2 :], any_of(sign("follow_up"), COMMITMENT), late=True)


_UNOWNED = bad_sign("no_owner")


def _no_owner(said: Said) -> Span | None:
    timed = said.commitment is not None or _timed_step(said) is not None
    return None if timed else _UNOWNED(said)


OWNERSHIP: dict[str, Detector] = {
    "takes_it_on": takes_it_on,
    "promises_follow_up": promises_follow_up,
    # Lays it on another team, the system or a colleague.
    "blames_others": anywhere(unless(bad_sign("blames_team"), act(Act.TAKE_OWNERSHIP))),
    # Somebody, at some time, will do something.
    "no_owner": anywhere(Find(_no_owner, frozenset({"no_owner"}))),
}
"""Indicator key and its detector."""


def _takes_time(moment: Moment) -> bool:
    """Something takes time: a step, an offer or a pause, or the customer asks how long."""
    return (
        not moment.acts.isdisjoint({Act.NEXT_STEP, Act.OFFER, Act.HOLD})
        or "asks_time" in moment.heard
    )


def _pauses(moment: Moment) -> bool:
    return Act.HOLD in moment.acts and moment.acts.isdisjoint({Act.OFFER, Act.RECAP})


def _asks_time(moment: Moment) -> bool:
    return "asks_time" in moment.heard


def _timed_step(said: Said) -> Span | None:
    """Find a step whose time the analyzer saw."""
    for span in said.turn.analysis.acts:
        if span.act is Act.NEXT_STEP and span.strength == _TIMED:
            return said.sentence(Span(span.start, span.end))
    return None


_TIMED = 3
"""Strength of a step with its day, hour or deadline."""

_SAYS_WHEN = any_of(COMMITMENT, Find(_timed_step, frozenset({Act.NEXT_STEP})))

TIME: dict[str, Detector] = {
    # Says by when.
    "names_time": shown(_takes_time, _SAYS_WHEN),
    # Whoever asks how long is told.
    "answers_when": shown(_asks_time, any_of(_SAYS_WHEN, act(Act.NEXT_STEP, Act.EXPLAIN))),
    # A pause comes with its reason or its length.
    "explains_wait": shown(_pauses, sign("wait_reason", "looks_up")),
    # A pause comes without either.
    "unexplained_wait": plain(
        _pauses, unless(bad(Act.HOLD), sign("wait_reason", "looks_up"), act(Act.EXPLAIN))
    ),
}
"""Indicator key and its detector."""


def grieved(moment: Moment) -> bool:
    """The customer has a complaint against the company or a rule."""
    return "complains" in moment.heard or moment.heated


def _case_to_make(moment: Moment) -> bool:
    """A complaint, or a rule or a no that stands against the customer."""
    return grieved(moment) or any(
        not said.raw_acts.isdisjoint({Act.REFUSE, Act.CITE_POLICY}) or said.stuck is not None
        for said in moment.said
    )


ADVOCACY: dict[str, Detector] = {
    # Takes the customer's case inside, and says how.
    "raises_it_inside": shown(_case_to_make, sign("raises")),
    # Takes the customer's side.
    "takes_the_side": shown(
        _case_to_make, any_of(sign("takes_side"), act(Act.TAKE_OWNERSHIP, *ACKNOWLEDGING))
    ),
    # Looks for what can be done for this customer.
    "looks_for_exception": shown(
        _case_to_make, any_of(act(Act.CONCEDE, Act.OFFER, Act.OFFER_CHOICE), sign("workaround"))
    ),
    # Defends the process only.
    "defends_process": plain(
        _case_to_make,
        unless(
            any_of(
                bad(Act.CITE_POLICY, Act.REFUSE, Act.DISMISS), bad_sign("power_talk", "robotic")
            ),
            act(*FIXING, *ACKNOWLEDGING, Act.TAKE_OWNERSHIP, Act.CONCEDE, Act.EXPLAIN),
        ),
    ),
}
"""Indicator key and its detector."""


_PASSES_ON = bad_sign("hands_over")


def _hand_over(scene: Scene) -> list[Said]:
    """Return the turn with the hand-over and the one before it; empty without a hand-over."""
    for number, said in enumerate(scene.judged):
        if "hands_over" in said.bad_signs:
            return list(scene.judged[max(0, number - 1) : number + 1])[::-1]
    return []


def handed_over(find: Find) -> Detector:
    """Return a detector: was this done where the customer was handed over?"""
    return lambda reading: once(_hand_over(look(reading)), find)


def _cold(said: Said) -> Span | None:
    if not said.signs.keys().isdisjoint({"warm", "to_whom", "asks_transfer"}):
        return None
    return _PASSES_ON(said)


def criticizes_colleague(reading: Reading) -> Finding:
    """Around a hand-over the agent runs a colleague down."""
    scene = look(reading)
    around = {said.index for said in _hand_over(scene)}
    if not around:
        return Finding()
    find = bad_sign("blames_team")
    return per_turn(scene, Find(lambda said: find(said) if said.index in around else None))


TEAMWORK: dict[str, Detector] = {
    # The next person knows the case, or the customer is not left alone.
    "warm_hand_over": handed_over(sign("warm")),
    # Says who takes over, or why.
    "says_who_and_why": handed_over(sign("to_whom", "reasoning", "ties")),
    # Asks before handing over.
    "asks_before_hand_over": handed_over(any_of(sign("asks_transfer", "asks_decision"))),
    "cold_hand_over": handed_over(Find(_cold)),
    "criticizes_colleague": criticizes_colleague,
}
"""Indicator key and its detector."""

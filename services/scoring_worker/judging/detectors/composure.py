"""Emotional intelligence, self-regulation, de-escalation: what the agent does with heat."""

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
    kindly,
    over,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.empathy import felt
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.patience import HELPFUL
from services.scoring_worker.judging.detectors.said import HARSH, Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

_FORWARD = FIXING | {
    Act.OPEN_QUESTION,
    Act.PROBE,
    Act.CLOSED_QUESTION,
    Act.EXPLAIN,
    Act.OFFER_CHOICE,
    Act.CONCEDE,
    Act.SIGNPOST,
}
"""Acts that lead on from the feeling to the matter."""

_WARM = ACKNOWLEDGING | {Act.REASSURE, Act.TAKE_OWNERSHIP}
"""Acts that meet a feeling; a bare apology does not."""

_HELPS = HELPFUL - {Act.APOLOGIZE}
"""Apologies alone, however many, neither help nor steady anybody."""


def heated(moment: Moment) -> bool:
    """The customer is angry, insults, threatens or speaks with open contempt."""
    return moment.heated


def attacked(moment: Moment) -> bool:
    """The customer goes for the agent: heat, or fault found with how the agent speaks."""
    return moment.heated or (moment.number > 0 and "stung" in moment.heard)


def _slipped(moment: Moment) -> bool:
    return moment.number > 0 and not moment.heard.isdisjoint({"stung", "unanswered", "corrects"})


def _shifted(moment: Moment) -> bool:
    """The feeling is another one than in the customer's turn before."""
    before = moment.before
    return moment.felt and before is not None and moment.feelings != before.feelings


def _turned(moment: Moment) -> bool:
    return moment.felt or moment.heated


def _meets_then_moves(said: Said) -> Span | None:
    """Find a feeling that is met, with a way forward after it in the same turn."""
    warm = said.first(_WARM)
    if warm is None:
        return None
    forward = any(
        span.act in _FORWARD and span.start >= warm.start for span in said.turn.analysis.acts
    )
    return said.sentence(Span(warm.start, warm.end)) if forward else None


_COLD = unless(
    bad(Act.CITE_POLICY, Act.VERIFY_IDENTITY, Act.UPSELL, Act.HOLD, Act.REFUSE, Act.CLOSE),
    act(*_WARM, Act.APOLOGIZE, Act.PARAPHRASE, Act.OPEN_QUESTION, Act.STOCK_EMPATHY),
)

EMOTION: dict[str, Detector] = {
    # The feeling is met first, then the answer leads on from it.
    "meets_then_moves": shown(felt, Find(_meets_then_moves, _WARM)),
    # A feeling that is new or has changed is taken up at once.
    "takes_up_shift": shown(_shifted, any_of(act(*_WARM, Act.PARAPHRASE), sign("takes_side"))),
    # After an answer that missed or stung, the agent puts it right.
    "repairs_slip": shown(
        _slipped,
        any_of(
            act(Act.TAKE_OWNERSHIP, Act.PARAPHRASE, *ACKNOWLEDGING),
            sign("takes_side"),
            both(act(Act.APOLOGIZE), act(*_HELPS, Act.CHECK_UNDERSTANDING, Act.PROBE)),
        ),
    ),
    # Heat is thrown back.
    "mirrors_heat": plain(_turned, bad(*HARSH, Act.SARCASM, Act.INTERRUPT)),
    # A feeling is answered with a rule, a form or a goodbye only.
    "ignores_feeling": plain(felt, _COLD),
}
"""Indicator key and its detector."""


_STEADY = kindly(act(*_HELPS, Act.CHECK_UNDERSTANDING, Act.PROBE, Act.THANK))


def stays_steady(reading: Reading) -> Finding:
    """Even the answer after the next, once there was an attack, helps and does not bite."""
    scene = look(reading)
    later = [
        following
        for moment in scene.moments
        if attacked(moment)
        and (following := scene.after(moment)) is not None
        and not attacked(following)
    ]
    return over(later, _STEADY)


SELF_REGULATION: dict[str, Detector] = {
    # The answer to an attack helps, and nothing in it bites back.
    "steady_after_attack": shown(attacked, act(*_HELPS, Act.SET_BOUNDARY, Act.PROBE)),
    "stays_steady": stays_steady,
    # It takes the speed out: a calm limit, a pause, one step after the other.
    "takes_speed_out": shown(
        attacked,
        any_of(act(Act.SET_BOUNDARY, Act.SIGNPOST, Act.REASSURE), sign("gives_time", "order")),
    ),
    # It turns to defense, blame or mockery.
    "gets_defensive": plain(
        attacked,
        any_of(bad(Act.BLAME, Act.REPROACH, Act.SARCASM, Act.INTERRUPT), bad_sign("defensive")),
    ),
    # It throws the customer, or the store, away.
    "panics": plain(
        attacked,
        unless(
            any_of(bad(Act.GIVE_AWAY, Act.CLOSE), bad_sign("hands_over")),
            act(*ACKNOWLEDGING, Act.NEXT_STEP, Act.RECAP),
        ),
    ),
}
"""Indicator key and its detector."""


def heat_falls(reading: Reading) -> Finding:
    """After a hot customer turn and an answer without harm, the next customer turn is cooler."""
    scene = look(reading)
    pairs = [
        (moment, following)
        for moment in scene.moments
        if moment.heated and (following := scene.reply(moment)) is not None
    ]
    cooled = [moment for moment, following in pairs if not following.heated]
    missed = [moment for moment, following in pairs if following.heated]
    return answered(cooled, missed, _ANY_HELP)


_ANY_HELP = act(*_HELPS, Act.SET_BOUNDARY, Act.CONCEDE, Act.OFFER_CHOICE)


def _not_asked_for(moment: Moment) -> bool:
    return moment.heated and "asks_person" not in moment.heard


DEESCALATION: dict[str, Detector] = {
    # Heat is acknowledged.
    "acknowledges_heat": shown(
        heated, any_of(act(*ACKNOWLEDGING, Act.PARAPHRASE), sign("takes_side"))
    ),
    # The trouble is owned or regretted while it is hot.
    "owns_in_heat": shown(heated, act(Act.TAKE_OWNERSHIP, Act.APOLOGIZE)),
    # There is a way out: a choice, a step, a question.
    "way_out_in_heat": shown(
        heated, act(*FIXING, Act.OFFER_CHOICE, Act.CONCEDE, Act.OPEN_QUESTION, Act.PROBE)
    ),
    "heat_falls": heat_falls,
    # Facts, rules or refusals at the peak, without a word for the feeling.
    "argues_at_peak": plain(
        heated,
        unless(
            any_of(
                bad(Act.CITE_POLICY, Act.REFUSE, Act.REPROACH, Act.BLAME, Act.DISMISS),
                bad_sign("defensive", "power_talk"),
            ),
            act(*ACKNOWLEDGING, Act.TAKE_OWNERSHIP, Act.APOLOGIZE),
        ),
    ),
    # The customer is passed on without having asked.
    "escalates_unasked": plain(_not_asked_for, bad_sign("hands_over")),
    # Mockery pours oil into the fire.
    "mocks": anywhere(bad(Act.SARCASM)),
}
"""Indicator key and its detector."""

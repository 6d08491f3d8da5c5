"""Courtesy, positive attitude, building relationships."""

import re

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    act,
    always,
    any_of,
    anywhere,
    bad,
    bad_act,
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
from services.scoring_worker.judging.detectors.empathy import felt
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.process import end, step, whole
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import Scene, look
from services.scoring_worker.judging.detectors.solving import matters
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, fold, sentences, topics
from shared.contracts.dialogue import Act

RECALLED = 2
"""Topics of earlier customer turns in one sentence that show that they were kept in mind."""

_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? [A-Z][\w'-]+")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof"})
_GIVEN = re.compile(
    r"\bmy name(?:'s| is) (\w{3,})|\bthis is (\w{3,})(?: \w+)? (?:here|speaking|calling)\b"
)
"""A name that a customer gives, in folded text."""


def _asks_for_something(moment: Moment) -> bool:
    return not moment.acts.isdisjoint(
        {Act.VERIFY_IDENTITY, Act.CLOSED_QUESTION, Act.HOLD, Act.OPEN_QUESTION}
    )


def uses_name(reading: Reading) -> Finding:
    """Once the customer's name is known, the agent uses it; nothing is owed before."""
    scene = look(reading)
    names = {name for turn in reading.turns if turn.cues is not None for name in _named(turn.seen)}
    titled = [
        said
        for said in scene.judged
        if not _TITLES.isdisjoint(said.scan.words) and _TITLE.search(said.turn.seen)
    ]
    if titled:
        return once(titled, Find(_titled))
    return (
        once(scene.judged, Find(lambda said: _calls(said, names)))
        if names
        else Finding(census=True)
    )


def _named(text: str) -> list[str]:
    if " name" not in text and "his is" not in text:
        return []
    return [first or second for first, second in _GIVEN.findall(fold(text))]


def _titled(said: Said) -> Span | None:
    match = _TITLE.search(said.turn.seen)
    return None if match is None else said.sentence(Span(*match.span()))


def _calls(said: Said, names: set[str]) -> Span | None:
    places = (fold(said.turn.seen).find(name) for name in sorted(names))
    place = next((place for place in places if place >= 0), None)
    return None if place is None else said.sentence(Span(place, place + 1))


def curt_answers(reading: Reading) -> Finding:
    """A question gets a word or two; to a statement that may be listening."""
    return over([moment for moment in look(reading).moments if moment.asks], Find(_curt))


def _curt(said: Said) -> Span | None:
    short = said.counts and said.turn.raw.words < CURT_WORDS
    return said.opening if short and not said.raw_acts & _POLITE_ACTS else None


CURT_WORDS = 4
"""Fewer words than this are no answer to something real, whatever they are."""

_POLITE_ACTS = frozenset({Act.THANK, Act.CLOSE, Act.GREET, Act.TAKE_OWNERSHIP, Act.OPEN_QUESTION})

COURTESY: dict[str, Detector] = {
    # Thanks for what the customer gave, or praises it.
    "thanks": shown(always, any_of(act(Act.THANK, Act.PRAISE), sign("thanks_for"))),
    # Requests are put as requests.
    "asks_politely": shown(_asks_for_something, sign("polite")),
    "uses_name": uses_name,
    "curt_answers": curt_answers,
    # Cuts in, mocks, insults or threatens.
    "rude": bad_act(Act.INTERRUPT, Act.SARCASM, Act.INSULT, Act.THREATEN),
    # Speaks like a form, or to a stranger like to a child or a sweetheart.
    "stiff_or_too_close": anywhere(bad_sign("robotic", "too_close")),
}
"""Indicator key and its detector."""

_CAN = any_of(
    act(Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.NEXT_STEP, Act.REASSURE),
    sign("workaround", "decides"),
)


def says_what_can_be_done(reading: Reading) -> Finding:
    """With the matter on the table, the answer says what can be done."""
    return over(matters(look(reading)), kindly(_CAN))


def _says_no(moment: Moment) -> bool:
    return any(Act.REFUSE in said.raw_acts or said.stuck is not None for said in moment.said)


POSITIVE: dict[str, Detector] = {
    "says_what_can_be_done": says_what_can_be_done,
    # A no comes with what is possible instead.
    "turns_no_into_can": shown(
        _says_no, any_of(act(*FIXING, Act.OFFER_CHOICE, Act.CONCEDE), sign("workaround"))
    ),
    # Sincere encouragement: praise for something, a worry taken away.
    "encourages": shown(
        always, any_of(act(Act.PRAISE, Act.REASSURE), sign("thanks_for", "takes_side"))
    ),
    # Cheer brushes the feeling aside.
    "false_cheer": plain(
        felt, unless(bad_sign("false_cheer"), act(Act.ACKNOWLEDGE_FEELING, Act.ACKNOWLEDGE_IMPACT))
    ),
    # Complains, mocks, or takes the heart out of it.
    "sours": anywhere(any_of(bad_sign("deflates", "moans"), bad(Act.SARCASM))),
}
"""Indicator key and its detector."""


def recalls_earlier(reading: Reading) -> Finding:
    """The answer takes up what the customer said earlier, not just now."""
    scene = look(reading)
    return Finding(
        observations=tuple(
            item
            for moment in scene.moments[2:]
            for item in over([moment], kindly(_recaller(scene, moment))).observations
        )
    )


def _recaller(scene: Scene, moment: Moment) -> Find:
    """Look for words that the customer used before, and not in this turn."""
    first, number, now = scene.first_said, moment.number, moment.customer_topics

    def find(said: Said) -> Span | None:
        earlier = frozenset(
            stem for stem in said.topics if first.get(stem, number) < number and stem not in now
        )
        return _recalls(said, earlier)

    return Find(find)


def _recalls(said: Said, earlier: frozenset[str]) -> Span | None:
    if len(said.topics & earlier) < RECALLED:
        return None
    seen = said.turn.seen
    return next(
        (s for s in sentences(seen) if len(topics(seen[s.start : s.end]) & earlier) >= RECALLED),
        None,
    )


def _long_account(moment: Moment) -> bool:
    return "history" in moment.heard


_HONORS = any_of(
    act(Act.THANK, Act.PRAISE, Act.ACKNOWLEDGE_FEELING, Act.ACKNOWLEDGE_IMPACT, Act.PARAPHRASE),
    sign("thanks_for"),
)

RELATIONSHIP: dict[str, Detector] = {
    "recalls_earlier": recalls_earlier,
    # Says who is speaking, so that there is somebody to come back to.
    "introduces_self": step(lambda turns: turns[:2], both(sign("own_name"), act(Act.GREET))),
    # The customer is told that, and how, they can come back.
    "invites_return": step(end, sign("invites_return"), late=True),
    # A long account, or something shared, is honored.
    "values_customer": shown(_long_account, _HONORS),
    # Thanks for something that this customer did.
    "thanks_for_something": step(whole, any_of(sign("thanks_for"), act(Act.PRAISE))),
    # Contempt or mockery: nobody comes back for that.
    "spoils_rapport": bad_act(Act.INSULT, Act.THREATEN, Act.DISMISS, Act.SARCASM),
}
"""Indicator key and its detector."""

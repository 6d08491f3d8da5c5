"""Keeps feedback from accusing on thin grounds and from missing what was not called for."""

import re

from services.scoring_worker.judging.customer import CustomerCues, find_feeling
from services.scoring_worker.judging.feedback.scene import SPOILING, Scene
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.words import count_words, fold, sentences, topics
from shared.contracts.dialogue import Act
from shared.dialogue.valence import customer_valence

_CARE = frozenset(
    {
        Act.ACKNOWLEDGE_FEELING,
        Act.ACKNOWLEDGE_IMPACT,
        Act.APOLOGIZE,
        Act.REASSURE,
        Act.PRAISE,
        Act.PARAPHRASE,
        Act.STOCK_EMPATHY,
        Act.THANK,
        Act.TAKE_OWNERSHIP,
    }
)
"""Acts beside which a harsh word is more likely a misreading."""

_RULES = frozenset(
    {"policy_wall", "defends_process", "recites_policy", "bare_rule", "misses_the_hint"}
)
"""Bad behavior of which the feedback says that a rule was cited or a no was said."""

_RULE_ACTS = frozenset({Act.CITE_POLICY, Act.REFUSE})
_OFFERS = frozenset({Act.OFFER, Act.CONCEDE, Act.OFFER_CHOICE})
_MATTERS_OF_FACT = frozenset(
    {
        "asks_for_secret",
        "details_before_verification",
        "out_of_order",
        "gives_away",
        "stock_phrase_only",
        "repeats_question",
        "jumps_to_fix",
        "no_owner",
        "escalates_unasked",
        "loops",
    }
)
"""Bad behavior that is seen or not, whatever the tone: one sign is enough."""

_AFTER_TELLING = frozenset(
    {
        "offers_option",
        "moves_forward",
        "gives_next_step",
        "names_who_and_when",
        "names_time",
        "takes_it_on",
        "explains",
        "owns_the_trouble",
        "uses_customer_words",
    }
)
"""What is not missing in a turn that ends with a question: first the answer, then the step."""

_OF_A_CASE = frozenset(
    {
        "takes_it_on",
        "offers_option",
        "names_time",
        "names_who_and_when",
        "gives_next_step",
        "owns_the_trouble",
        "owns_in_heat",
        "moves_forward",
        "raises_it_inside",
        "looks_for_exception",
        "takes_the_side",
        "recalls_earlier",
    }
)
"""What only somebody with a case to look after can leave out."""

OF_A_CLOSED_CASE = frozenset(
    {"promises_follow_up", "sets_next_step", "confirms_outcome", "verifies_identity", "recaps"}
)
"""The same among the checks of a whole conversation."""

_AFTER_AN_ACCOUNT = frozenset(
    {"says_back_and_asks", "paraphrases", "uses_customer_words", "recalls_earlier"}
)
"""What a bare question does not call for."""

_ACCOUNT = 3
"""Topics that make an account."""

_QUESTION_WORDS = 4
CURT_WORDS = 4
"""An answer of fewer words leaves out everything at once."""

_CURT = frozenset({"curt_replies", "curt_answers"})
"""A short answer to a question; after anything else it may be the sign of a good listener."""

_STRONG = 3
"""Strength of a span that needs no second sign."""

_CLEAR = 2
_TWO_SIGNS = 2
_AFRAID = re.compile(r"afraid(?:[.,!?;]|$| (?:i|not|so|that|it|we|you)\b)")


def is_founded(seen: Observation, key: str, scene: Scene) -> bool:
    """Say whether bad behavior stands on more than one reading of a phrase.

    A simulation must have felt it. Elsewhere the customer's next words show it, or the turn
    holds a strong sign or two clear ones, and nothing kind beside them.
    """
    if key in _MATTERS_OF_FACT:
        return True
    acts = {span.act for span in scene.reading.turns[seen.agent].raw.acts}
    if key == "closes_unchecked":
        return scene.is_service and Act.CLOSE in acts
    if key in _RULES and acts.isdisjoint(_RULE_ACTS):
        return False
    helped = scene.helped(seen.agent)
    if helped is not None:
        return helped < 0 and not is_misread(seen.agent, scene)
    return acts.isdisjoint(_CARE) and _is_borne_out(seen, key, scene)


def is_misread(agent: int, scene: Scene) -> bool:
    """Say whether a turn that offers something was felt as a threat on one weak sign."""
    spans = scene.reading.turns[agent].raw.acts
    signs = [span.strength for span in spans if span.act is Act.THREATEN]
    return any(span.act in _OFFERS for span in spans) and 0 < max(signs, default=0) < _STRONG


def _is_borne_out(seen: Observation, key: str, scene: Scene) -> bool:
    """Say whether the customer's next words or a second sign bear it out."""
    following = seen.agent + 1
    cues = scene.reading.turns[following].cues if following < len(scene.turns) else None
    if cues is not None and (cues.tests_patience or cues.settled):
        return cues.tests_patience
    if key in _CURT:
        return seen.customer is not None and _asks_for_more(scene.turns[seen.customer].text)
    signs = [
        span.strength
        for span in scene.reading.turns[seen.agent].raw.acts
        if span.act in SPOILING and span.strength >= _CLEAR
    ]
    needed = _TWO_SIGNS if cues is not None else 1
    return _STRONG in signs or len(signs) >= needed


def _asks_for_more(heard: str) -> bool:
    """Say whether somebody asks a question of some length."""
    return heard.rstrip().endswith("?") and count_words(heard) >= _QUESTION_WORDS


def is_owed(seen: Observation, key: str, scene: Scene) -> bool:
    """Say whether the answer really left something out: not at a goodbye, not after good news."""
    answer = scene.reading.turns[seen.agent]
    if any(span.act is Act.CLOSE for span in answer.raw.acts):
        return False
    if key in _AFTER_TELLING and answer.turn.text.rstrip().endswith("?"):
        return False
    is_short = count_words(answer.turn.text) < CURT_WORDS
    if is_short and not is_founded(seen, "curt_answers", scene):
        return False
    return seen.customer is None or _calls_for(seen.customer, key, scene)


def _calls_for(customer: int, key: str, scene: Scene) -> bool:
    """Say whether what the customer said calls for this behavior."""
    if key in _OF_A_CASE and not scene.is_service:
        return False
    heard = scene.turns[customer].text
    if key in _AFTER_AN_ACCOUNT and not _tells(heard):
        return False
    cues = scene.reading.turns[customer].cues
    return not _is_figure_of_speech(heard) and not _is_content(heard, cues)


def _tells(heard: str) -> bool:
    """Say whether the customer told something, and did not only ask."""
    told = (heard[span.start : span.end] for span in sentences(heard))
    return len(topics(" ".join(part for part in told if not part.endswith("?")))) >= _ACCOUNT


def _is_figure_of_speech(heard: str) -> bool:
    """Say whether `I'm afraid` was all the fear there was."""
    found = find_feeling(heard)
    return found is not None and _AFRAID.match(fold(heard)[found[1] :]) is not None


def _is_content(heard: str, cues: CustomerCues | None) -> bool:
    """Say whether the customer was content and asked for nothing."""
    if cues is None or cues.asks or cues.tests_patience or cues.feeling is not None:
        return False
    return cues.settled or customer_valence(heard) > 0

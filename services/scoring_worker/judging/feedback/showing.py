"""Says whether a reader finds in a quote what it is praised for."""

import re

from services.scoring_worker.judging.words import count_words, fold

_TELLING = frozenset(
    {
        "explains",
        "explains_simply",
        "glosses_terms",
        "answers_question",
        "gives_next_step",
        "discloses_terms",
        "stays_helpful",
    }
)
"""Praise for telling something: a question does not show it."""

_TOLD_WORDS = 8
"""Fewer words explain nothing."""

_OFFER = re.compile(
    r"\b(?:(?:i|we) (?:can|could|would|will|'ll)|(?:i|we)'(?:ll|d)|let's|if i|option|either|suggest"
    r"|would you like me to (?!know|tell)|(?:how|what) about (?:if|we|i|you)|instead|offer|spread"
    r"|set up|arrange|what if)\b"
)
_RECALL = re.compile(
    r"\byou(?:'ve|'d| have| had)? (?:also |just |already )?(?:told|said|mentioned|described|wanted"
    r"|asked|were|paid|had)\b|\bearlier\b|\bas you\b"
)
_CONFIRM = re.compile(
    r"\b(?:does (?:that|this|it)|is (?:that|this|it|there anything)|would (?:that|this)"
    r"|anything else|work(?:s)? for you|sum(?:med)? up|recap|agreed|have i (?:got|left)|did i"
    r"|so i'll|we've)\b"
)
_OWN = re.compile(r"\bi(?:'ll|'m|'ve|'d)?\b|\bmy(?:self)?\b|\blet me\b|\bwith me\b")
_COURAGE = re.compile(
    r"\b(?:well done|proud|brave|courage|took (?:a lot|strength)|not alone|together"
    r"|hard(?:est)? part|you did|you(?:'ve| have) (?:done|made|already))\b"
)
_TIME = re.compile(
    r"^(?=.*(?:'ll|\bwill\b|\bgoing to\b|\bcan\b)).*\b(?:today|tonight|tomorrow|by (?!the way)\w+"
    r"|within|until|in \w+ (?:minutes?|hours?|days?|weeks?)|now|right away|at \w+"
    r"|(?:on|next|this) (?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.DOTALL,
)
_NEEDED = {
    **dict.fromkeys(
        ("offers_option", "counters", "trades", "offers_arrangement", "ties_to_need"), _OFFER
    ),
    "confirms_outcome": _CONFIRM,
    "recalls_earlier": _RECALL,
    "takes_it_on": _OWN,
    "names_time": _TIME,
    "names_who_and_when": _TIME,
    "lifts": _COURAGE,
}
"""Words of which a quote must hold some to be praised for this."""

_ASKING = frozenset(
    {
        "follows_up",
        "asks_open_question",
        "asks_what_matters",
        "asks_before_fixing",
        "asks_about_needs",
        "asks_early",
    }
)
_DETAILS = re.compile(
    r"\b(?:your (?:full |first |last )?name|date of birth|number on|address|security word"
    r"|(?:account|order|customer|reference|policy|booking|phone|invoice) (?:number|code)"
    r"|(?:zip |post)code)\b"
)
"""Asking for these is routine and shows no interest."""

_CUT_OFF = ("-", "\u2013", "\u2014")
"""Ends of a sentence that somebody broke off."""


def shows(key: str, quote: str) -> bool:
    """Say whether the quote itself shows what the indicator `key` stands for."""
    if quote.endswith(_CUT_OFF):
        return False
    if key in _TELLING:
        return not quote.endswith("?") and count_words(quote) >= _TOLD_WORDS
    if key in _ASKING:
        return not _DETAILS.search(fold(quote))
    needed = _NEEDED.get(key)
    return needed is None or needed.search(fold(quote)) is not None

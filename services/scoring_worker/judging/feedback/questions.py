"""Turns a customer's question into words that an agent can say: `when your parcel will arrive`."""

import re

from services.scoring_worker.judging.feedback.coaching import WORDS
from services.scoring_worker.judging.feedback.saying import LEAD_IN, UNFIT_WORDS, turn_around
from services.scoring_worker.judging.words import count_words, fold, sentences
from shared.dialogue.lexicon import LEXICON

MIN_WORDS, MAX_WORDS = 3, 14
"""A shorter question asks too little by itself, a longer one cannot be said back in one breath."""

_PRONOUNS = {
    "i": "you",
    "we": "you",
    "you": "i",
    "it": "it",
    "that": "that",
    "this": "this",
    "he": "he",
    "she": "she",
    "they": "they",
    "there": "there",
}
_MODALS = r"(?:will|would|can|could|should|must|may|might|is|are|was|were|has|have|am)"
_NO_AUX = r"(?!do|does|did|is|are|was|were|will|would|can|could|if|about|happens|happened)"
_OPEN = (
    r"(?:when|where|why|how|what|who|which"
    rf"|how (?:much|many|long|soon|often|far)(?: {_NO_AUX}\w+)?|(?:what|which) {_NO_AUX}\w+)"
)
_SUBJECT = (
    rf"(?:(?:my|our|the|this|that) (?:\w+(?:'s)? )?(?:{'|'.join((*WORDS.things, *WORDS.personal))})"
    rf"|{'|'.join(_PRONOUNS)})"
)
_INVERTED = re.compile(
    rf"^(?:(?P<open>{_OPEN}) )?(?P<aux>{_MODALS}|do|does) (?P<subject>{_SUBJECT})"
    r"(?P<rest>(?: [^?]*)?)\?$"
)
_TELL_ME = re.compile(
    r"^(?:(?:can|could|would|will) you )?(?:please )?(?:just )?(?:tell|explain to) me "
    r"(?P<rest>(?:why|when|where|how|what|who|whether|if) [^?]*)\?$"
)
_AS_SUBJECT = re.compile(
    r"^(?P<whole>(?:what|who) (?:happens|happened|went wrong|pays|decides|else)\b[^?]*)\?$"
)
_NAMED = re.compile(r"^what(?:'s| is) (?P<subject>(?:my|the) (?:\w+ )?\w+)\?$")
_NAME = re.compile(r"(?<=\w[ ,] )[A-Z]\w+|(?<=\w )[A-Z]\w+")
_ANY_WORD = re.compile(r"\w+")
_TAG = re.compile(r", [^,?]*(?=\?)")
_AFTER_YOU = {"am": "are", "was": "were", "is": "are", "has": "have"}
_AFTER_ME = {"are": "am", "were": "was"}
_RHETORICAL = re.compile(
    r"^(?:hello|really|seriously|are you|you|isn't|don't you|aren't|so what|and you|can you hear"
    r"|do you (?:hear|listen|even|think|really|know|understand)|is (?:that|this|it) (?:a|you|all)"
    r"|is (?:that|this|it) (?:right|okay)|is there (?:any|some)(?:one|body)|who am i|what am i"
    r"|what do you (?:want|mean)|how (?:can|could|dare|is that)|what (?:is|was) that"
    r"|what does that|what's that|why (?:would|should) (?:i|you)|who cares|what else|is that)\b"
    r"|\b(?:isn't it|haven't you|don't you|aren't you|won't you|even there)\b"
)
"""Questions that ask for nothing."""


def asked(customer_text: str) -> str | None:
    """Return the customer's last question as `when your parcel will arrive`, or None."""
    for said in reversed(_questions(customer_text)):
        found = _indirect(said)
        if found is not None:
            return _with_capitals(found, said)
    return None


def question(customer_text: str) -> str | None:
    """Return the customer's last question as it was said, or None: some are not to be repeated."""
    found = _questions(customer_text)
    return found[-1] if found else None


def _questions(text: str) -> list[str]:
    parts = [text[span.start : span.end] for span in sentences(text)]
    bare = [LEAD_IN.sub("", part).strip(" “”\"'") for part in parts if part.endswith("?")]
    return [
        part[:1].upper() + part[1:]
        for part in bare
        if MIN_WORDS <= count_words(part) <= MAX_WORDS
        and not UNFIT_WORDS.search(fold(part))
        and not _RHETORICAL.search(fold(part))
    ]


def _indirect(said: str) -> str | None:
    folded = _TAG.sub("", fold(said)).replace(" ?", "?")
    match = _TELL_ME.match(folded)
    if match is not None and not _speaks_to_agent(match["rest"]):
        return turn_around(match["rest"])
    match = _INVERTED.match(folded)
    if match is not None:
        return _put_straight(match)
    match = _AS_SUBJECT.match(folded)
    if match is not None and not _speaks_to_agent(folded):
        return turn_around(match["whole"])
    match = _NAMED.match(folded)
    if match is not None and match["subject"].rsplit(" ", 1)[-1] not in LEXICON.stopwords:
        return f"what {turn_around(match['subject'])} is"
    return None


def _with_capitals(found: str, said: str) -> str:
    """Give names back their capitals: the question was taken apart in lower case."""
    names = {word.lower(): word for word in _NAME.findall(said)}
    return _ANY_WORD.sub(lambda match: names.get(match.group(), match.group()), found)


def _speaks_to_agent(folded: str) -> bool:
    return re.search(r"\byou(?:r|rs)?\b", folded) is not None


def _put_straight(match: re.Match[str]) -> str | None:
    """Undo the inversion: `will it arrive` -> `it will arrive`; `do` falls away."""
    lead, aux, subject, rest = match["open"], match["aux"], match["subject"], match["rest"].strip()
    if _speaks_to_agent(rest) or (not rest and aux not in {"is", "are", "was", "were"}):
        return None
    if subject in {"you", "this", "there"} and aux in {"do", "are", "were", "have"}:
        return None
    turned, verb = _PRONOUNS.get(subject) or turn_around(subject), aux
    if turned == "you":
        verb = _AFTER_YOU.get(aux, aux)
    elif turned == "i":
        turned, verb = "I", _AFTER_ME.get(aux, aux)
    if aux == "do":
        to_do = turned == "you" and lead in {"what", "how", "where", "who"}
        turned, verb = ("", "to") if to_do else (turned, "")
    elif aux == "does":
        first, _, more = rest.partition(" ")
        verb, rest = "", f"{_third_person(first)} {more}".strip()
    words = (lead or "whether", turned, verb, turn_around(rest))
    return " ".join(word for word in words if word)


def _third_person(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "o")):
        return f"{verb}es"
    return {"have": "has", "be": "is"}.get(verb, f"{verb}s")

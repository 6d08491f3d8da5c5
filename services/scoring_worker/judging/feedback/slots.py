"""What a turn gives for better wordings: things, amounts, spans of time, deeds, words to keep."""

import re

from services.scoring_worker.judging.feedback.coaching import WORDS
from services.scoring_worker.judging.words import Span, count_words, fold, sentences, topics
from shared.contracts.dialogue import Act, QuantityKind, TurnAnalysis
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.quantities import quantities

_DETERMINERS = {"my": "your", "our": "your", "the": "the", "this": "this", "that": "that"}
_NOUNS = "|".join(sorted((*WORDS.things, *WORDS.personal), key=len, reverse=True))
_THING = re.compile(
    r"\b(my|our|the|this|that) ((?:[a-z]+(?:'s|-[a-z]+)? )?)"
    rf"({_NOUNS})\b(?! ?(?:'s|-)\w)"
)
_LASTING = re.compile(
    r"\b(?:for|after|waited|waiting|been|took|takes|taken|without \w+ for) (?:the (?:last|past) )?$"
)
"""Before a span of time: the customer lived through it."""

_LONG_UNITS = frozenset({QuantityKind.HOURS, QuantityKind.DAYS})
"""Months and years are mostly how long somebody has been a customer, or a plan."""

_DEED = re.compile(
    r"\b(?:i(?:'ll| will| can| could|'d like to|'m going to| am going to) "
    r"(?:also |just |still |now )?(?:do (?:for you )?is (?:to )?)?|help (?:you )?if i )"
    r"([a-z]+\b(?:[^.?!;:\n\"“”]|(?<=\d)[:.](?=\d)){6,160})"
)
_NO_PLAN = re.compile(r"\b(?:not|never|sorry|or|only|nothing)\b|n't\b")
MIN_DEED_TOPICS = 2
"""`look after this` names nothing to do."""

_DEED_CUT = re.compile(
    r",? (?:so that|but|because|if|unless|when|as soon as|which|while|before|until|although)\b"
    r"|,? and (?:you|we|i|it|that|that's|then)\b|,(?!\d)"
)
MIN_DEED_WORDS, MAX_DEED_WORDS = 3, 16
MIN_KEPT_WORDS, MAX_KEPT_WORDS = 4, 34
"""A shorter stretch is not worth keeping, a longer one is no better wording."""

_MIN_PORTION_CHARS, MAX_PORTION_WORDS = 24, 22
_PREAMBLE = re.compile(r"^[^:;.]{0,70}: ")
_PORTION_CUT = re.compile(r":|;|,? (?:and|but|so|because|which|while|although)\b")
"""Where a long sentence can end early."""

_WORTH_KEEPING = frozenset(
    {
        Act.EXPLAIN,
        Act.OFFER,
        Act.NEXT_STEP,
        Act.VERIFY_IDENTITY,
        Act.OPEN_QUESTION,
        Act.CLOSED_QUESTION,
        Act.OFFER_CHOICE,
        Act.CONCEDE,
        Act.DISCLOSE,
        Act.REASSURE,
        Act.PROBE,
    }
)
_NOT_TO_KEEP = frozenset(
    {
        Act.BLAME,
        Act.DISMISS,
        Act.REPROACH,
        Act.INSULT,
        Act.THREATEN,
        Act.RUSH,
        Act.PRESSURE,
        Act.CITE_POLICY,
        Act.JARGON,
        Act.STOCK_EMPATHY,
        Act.SARCASM,
        Act.INTERRUPT,
        Act.UPSELL,
        Act.GIVE_AWAY,
        Act.HAND_OVER,
        Act.REFUSE,
        Act.REPEAT,
        Act.GREET,
        Act.CLOSE,
    }
)
_SOUNDS = re.compile(r",? \b(?:um+|uh+|er+m*|you know)\b,?(?= |$)", re.IGNORECASE)
_EMPTY = re.compile(r"\b(?:wait and see|see what happens|calm down|whatever|not sure|i guess)\b")
"""Words that nobody should keep."""

_LEAD = re.compile(
    r"^(?:(?:okay|ok|alright|all right|well|so|now|right|sure|yes|yeah|hm+|um+|uh+|oh|and|but"
    r"|good|fine|great|anyway)\b[\s,.!]*)+",
    re.IGNORECASE,
)
_COPIED = 6
"""Tenths of a quote's words in one run of the customer's: then it is theirs, not the agent's."""


_SERVICE = re.compile(rf"\b(?:my|our|the|this|that|an?|your) (?:\w+ )?({'|'.join(WORDS.things)})\b")


def service_things(text: str) -> frozenset[str]:
    """Return what somebody speaks of that one brings to a company: a parcel, a bill, an account."""
    return frozenset(match[1] for match in _SERVICE.finditer(fold(text)))


def thing(text: str) -> str | None:
    """Return what the customer speaks of, from the agent's side (`my parcel` -> `your parcel`)."""
    found: str | None = None
    for match in _THING.finditer(fold(text)):
        determiner, modifier, noun = match.groups()
        if modifier and (
            modifier.strip() in LEXICON.stopwords or modifier.endswith(("ly ", "ed "))
        ):
            continue
        said = f"{_DETERMINERS[determiner]} {_as_written(text, match)}{noun}"
        if determiner in {"my", "our"}:
            return said
        found = found or said
    return found


def _as_written(text: str, match: re.Match[str]) -> str:
    start, end = match.span(2)
    return text[start:end]


def amount(text: str) -> str | None:
    """Return the first sum of money, in the customer's words."""
    for found in quantities(text):
        if found.kind is QuantityKind.MONEY:
            return text[found.start : found.end]
    return None


def lasting(text: str) -> str | None:
    """Return how many hours, days or weeks the customer has lived with it, in their words."""
    folded = fold(text)
    for found in quantities(text):
        if found.kind in _LONG_UNITS and _LASTING.search(folded[: found.start]):
            return text[found.start : found.end].lower()
    return None


def deed(text: str) -> str | None:
    """Return what the agent says they can or will do, as a bare verb phrase."""
    for match in _DEED.finditer(fold(text)):
        start, end = match.span(1)
        if text[start:end].split(" ", 1)[0].lower() in WORDS.no_deed:
            continue
        whole = text[start:end].strip(" ,")
        if text[match.end(1) : match.end(1) + 1] == "?":
            continue
        for said in (whole, _DEED_CUT.split(whole, maxsplit=1)[0].strip()):
            if MIN_DEED_WORDS <= count_words(said) <= MAX_DEED_WORDS and _is_plain(said):
                return said
    return None


def _is_plain(said: str) -> bool:
    folded = fold(said)
    return not _NO_PLAN.search(folded) and len(topics(said)) >= MIN_DEED_TOPICS


def kept(text: str, analysis: TurnAnalysis, heard: str) -> str | None:
    """Return the agent's own sentences that are worth keeping as they are, or None."""
    good = [span.start for span in analysis.acts if span.act in _WORTH_KEEPING]
    bad = [span.start for span in analysis.acts if span.act in _NOT_TO_KEEP]
    chosen: list[str] = []
    words = 0
    for span in sentences(text):
        if not _holds(span, good) or _holds(span, bad):
            continue
        said = _tidy(text[span.start : span.end])
        if _EMPTY.search(fold(said)):
            continue
        if words + count_words(said) > MAX_KEPT_WORDS or is_copied(said, heard):
            break
        chosen.append(said[:1].upper() + said[1:])
        words += count_words(said)
    if words < MIN_KEPT_WORDS:
        return None
    whole = " ".join(chosen)
    return whole if whole.endswith((".", "?", "!", "…")) else f"{whole}."


def _tidy(said: str) -> str:
    """Drop how somebody got started, and sounds."""
    return _LEAD.sub("", _SOUNDS.sub("", said))


def _holds(span: Span, starts: list[int]) -> bool:
    return any(span.start <= start < span.end for start in starts)


def is_copied(quote: str, heard: str) -> bool:
    """Say whether most of a quote is one run of the customer's own words."""
    said = fold(quote).split()
    other = f" {' '.join(fold(heard).split())} "
    needed = max(3, -(-len(said) * _COPIED // 10))
    return any(
        f" {' '.join(said[start : start + needed])} " in other
        for start in range(max(0, len(said) - needed + 1))
    )


def first_portion(text: str, span: Span) -> str | None:
    """Return the first part of a long sentence as a sentence of its own, or None."""
    said = _tidy(_PREAMBLE.sub("", text[span.start : span.end]))
    cut = _PORTION_CUT.search(said, _MIN_PORTION_CHARS)
    if cut is None or ". " in said[: cut.start()]:
        return None
    portion = said[: cut.start()].rstrip(" ,")
    if not MIN_KEPT_WORDS <= count_words(portion) <= MAX_PORTION_WORDS or len(topics(portion)) < 2:
        return None
    return f"{portion[:1].upper()}{portion[1:]}."

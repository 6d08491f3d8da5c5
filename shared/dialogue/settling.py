"""Decides between readings of the same words: the more special act replaces the general one."""

import re
from collections.abc import Iterable

import msgspec

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.sentence import HOSTILE, Found, Sentence

_CAPITALS = re.compile(r"[A-Z](?:[A-Z0-9&][A-Z0-9]|[A-Z]\b|(?<=T)\+\d)")
_ACRONYM = re.compile(r"\b(?:[A-Z]{2,6}|[A-Z]{1,3}\d[A-Z]{1,3}|\d[A-Z]{2,3}|T\+\d|L[1-4])s?\b")
_GLOSS = re.compile(r"\bwhich (?:means|is)\b|\bthat(?:'s| is)\b|\bmeaning\b|\bshort for\b|\(")
_READ_OUT = re.compile(r"\b(?:number|code|reference|ref|serial|model|order|booking|flight|id)\b")
"""Words near which capitals are a name of something, not a term."""
_EMPTY_SORRY = re.compile(
    r"\binconvenience|\bhear (?:that|about|this)\b|\bfeel that way\b|\b(?:any|the) trouble\b"
)
_MEANT = re.compile(r"\b(?:am|i'm|im|we're|are|so|very|really|truly|deeply|terribly)\W+\Z")
"""Words before a `sorry` that is meant."""
_NO_APOLOGY = frozenset(
    {Act.REFUSE, Act.INTERRUPT, Act.CLOSED_QUESTION, Act.CITE_POLICY, Act.HOLD, Act.RUSH}
)
"""Beside these a bare `sorry` is only manners."""
_ENDS_TALK = re.compile(r"\b(?:end|ending|hang|hanging|terminate|close|disconnect|stop|cut)\b")
_RETURN = re.compile(
    r"\b(?:if|once|when|provided(?: that)?|as long as|as soon as) (?:you|it|the|your)\b"
    r"(?! (?:want|like|wish|prefer))"
)
"""Asks for something in return or names a condition: no gift without bound."""
_NO_CHECK = re.compile(
    r"\b(?:nobody (?:will|needs?|wants?)|they (?:had|have|knew)|(?:he|she) (?:has|had|knew)"
    r"|never (?:ask|need|want)|(?:don't|won't) (?:ask|need|want))\b"
)
"""Names details without asking for them (`nobody will want your password`)."""
_ASKS_FOR_MORE = re.compile(
    r"\b(?:anything|what) else (?:that )?(?:i|we) should (?:know|hear|see)\b"
    r"|\bwhat else should (?:i|we) (?:know|hear|see)\b"
)
"""Asks for the rest of the story; ends and proposes nothing."""
_ASKED_TO_CONFIRM = re.compile(r"\b(?:ask|need|want|like|have|require) you to confirm\b")
"""Asks for a detail; sums nothing up."""
_REPLACED: tuple[tuple[Act, tuple[Act, ...]], ...] = (
    (Act.GIVE_AWAY, (Act.OFFER, Act.CONCEDE, Act.NEXT_STEP, Act.DISCLOSE, Act.OFFER_CHOICE)),
    (Act.RECAP, (Act.PARAPHRASE, Act.SIGNPOST)),
    (Act.INTERRUPT, (Act.HOLD, Act.APOLOGIZE)),
    (Act.HAND_OVER, (Act.DISMISS, Act.NEXT_STEP, Act.OFFER)),
    (Act.REPROACH, (Act.REPEAT,)),
    (Act.SET_BOUNDARY, (Act.THREATEN, Act.OFFER, Act.REFUSE, Act.REPROACH, Act.CONCEDE)),
    (Act.THREATEN, (Act.REFUSE, Act.CONCEDE, Act.REPROACH)),
    (Act.SARCASM, (Act.PRAISE, Act.THANK, Act.REASSURE, Act.CLOSE)),
    (Act.ACKNOWLEDGE_IMPACT, (Act.STOCK_EMPATHY, Act.EXPLAIN)),
    (Act.DISMISS, (Act.REASSURE,)),
    (Act.OFFER_CHOICE, (Act.NEXT_STEP,)),
    (Act.ACKNOWLEDGE_FEELING, (Act.STOCK_EMPATHY,)),
)
"""Acts that take the place of others in one sentence."""
_UNMISTAKABLE = 3
"""Strength of a formula that names a feeling and still holds nothing of the case."""
_UNKIND = (Act.PARAPHRASE, Act.ACKNOWLEDGE_IMPACT, Act.NEXT_STEP, Act.OFFER, Act.PROBE)
"""What a sentence that hurts does not do besides."""


def settle(sentence: Sentence, best: Found, *, is_question: bool) -> None:
    """Remove readings that a stronger one in the same sentence rules out."""
    if not best:
        return
    _settle_steps(sentence, best)
    _settle_unmeant(sentence, best, is_question=is_question)
    if not is_question and _is_weak(best, Act.CHECK_UNDERSTANDING):
        del best[Act.CHECK_UNDERSTANDING]
    _settle_formula(best)
    for act, others in _REPLACED:
        if act in best:
            for other in others:
                best.pop(other, None)
    _settle_sorry(sentence, best)
    if not best.keys().isdisjoint(HOSTILE):
        for act in _UNKIND:
            best.pop(act, None)
    if Act.OFFER_CHOICE in best:
        choice = best[Act.OFFER_CHOICE]
        best.setdefault(Act.OFFER, msgspec.structs.replace(choice, act=Act.OFFER))


def _settle_unmeant(sentence: Sentence, best: Found, *, is_question: bool) -> None:
    """Drop a gift with a condition, details that nobody asks for, and open ends taken for acts."""
    if Act.GIVE_AWAY in best and sentence.holds(_RETURN):
        del best[Act.GIVE_AWAY]
    if Act.VERIFY_IDENTITY in best and not is_question and sentence.holds(_NO_CHECK):
        del best[Act.VERIFY_IDENTITY]
    if is_question and "else" in sentence.runs and sentence.holds(_ASKS_FOR_MORE):
        for act in (Act.CLOSE, Act.OFFER):
            best.pop(act, None)
    if Act.RECAP in best and sentence.holds(_ASKED_TO_CONFIRM):
        del best[Act.RECAP]


def settle_turn(spans: Iterable[ActSpan], folded: str) -> list[ActSpan]:
    """Remove readings that an act elsewhere in the turn rules out."""
    kept = list(spans)
    acts = {span.act for span in kept}
    if Act.REPROACH in acts and Act.REPEAT in acts:
        kept = [span for span in kept if span.act is not Act.REPEAT]
    if Act.SET_BOUNDARY in acts and Act.THREATEN in acts:
        kept = [
            span
            for span in kept
            if span.act is not Act.THREATEN or not _ENDS_TALK.search(folded, span.start, span.end)
        ]
    return kept


def read_jargon(text: str, sentence: Sentence, best: Found) -> None:
    """Add unexplained abbreviations; drop jargon that the sentence itself explains."""
    if Act.JARGON not in best and not _CAPITALS.search(text, sentence.start, sentence.end):
        return
    if sentence.holds(_GLOSS):
        best.pop(Act.JARGON, None)
        return
    body = text[sentence.start : sentence.end]
    if sum(map(str.isupper, body)) * 3 > sum(map(str.isalpha, body)) and len(body) > 12:
        return
    for match in _ACRONYM.finditer(text, sentence.start, sentence.end):
        word = match.group()
        short = len(word.rstrip("s")) < 3 and not any(map(str.isdigit, word))
        if word.rstrip("s") in LEXICON.plain_acronyms or (short and Act.JARGON not in best):
            continue
        if sentence.holds(_READ_OUT) and any(map(str.isdigit, word)):
            continue
        if _is_weak(best, Act.EXPLAIN):
            del best[Act.EXPLAIN]
        best.setdefault(Act.JARGON, ActSpan(act=Act.JARGON, start=match.start(), end=match.end()))
        return


def _is_weak(best: Found, act: Act) -> bool:
    return act in best and best[act].strength == 1


def _settle_formula(best: Found) -> None:
    """A formula that cannot be mistaken names no feeling of this person."""
    formula = best.get(Act.STOCK_EMPATHY)
    if formula is not None and formula.strength == _UNMISTAKABLE:
        best.pop(Act.ACKNOWLEDGE_FEELING, None)


def _settle_steps(sentence: Sentence, best: Found) -> None:
    """A step needs its time or order; what is done in this very talk only announces it."""
    step = best.get(Act.NEXT_STEP)
    if step is None:
        return
    if LEXICON.times.search(sentence.folded, sentence.start, sentence.end):
        if Act.SIGNPOST in best:
            del best[Act.SIGNPOST]
        best[Act.NEXT_STEP] = msgspec.structs.replace(step, strength=3, end=sentence.end)
    elif Act.SIGNPOST in best or (
        step.strength == 1
        and not LEXICON.moments.search(sentence.folded, sentence.start, sentence.end)
    ):
        del best[Act.NEXT_STEP]
    elif step.strength == 1:
        best[Act.NEXT_STEP] = msgspec.structs.replace(step, strength=2, end=sentence.end)


def _settle_sorry(sentence: Sentence, best: Found) -> None:
    """Tell an apology from manners, condolence and formula."""
    if Act.APOLOGIZE not in best:
        return
    feeling = best.get(Act.ACKNOWLEDGE_FEELING)
    condolence = feeling is not None and "sorry" in sentence.folded[feeling.start : feeling.end]
    formula = Act.STOCK_EMPATHY in best and sentence.holds(_EMPTY_SORRY)
    bare = _is_weak(best, Act.APOLOGIZE) and not _MEANT.search(
        sentence.folded, sentence.start, best[Act.APOLOGIZE].start
    )
    manners = bare and not best.keys().isdisjoint(_NO_APOLOGY)
    if condolence or formula or manners:
        del best[Act.APOLOGIZE]

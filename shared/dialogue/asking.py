"""Reads questions: open, closed, and those that dig into the case."""

import re
from collections.abc import Iterator

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.lexicon import LEXICON, Follow
from shared.dialogue.segments import TOKEN, content_stems
from shared.dialogue.sentence import HOSTILE, Found, Sentence
from shared.dialogue.spelling import canonical, word_set

_CLAUSE_START = re.compile(
    r"(?:[,;:\u2013\u2014]\s*|\s-\s|\b(?:so|and|but|now|okay|ok|well|because|or)\W{1,2})"
)
_JOINING = word_set("so and but now okay ok well because or")
"""The words that the expression above names."""
_HIDDEN = re.compile(r"-|(?:so|and|but|now|okay|ok|well|because|or)'")
"""Found in a compound word inside which a question may begin (`so-can`)."""
_OTHER_JOBS = frozenset({Act.CHECK_UNDERSTANDING, Act.OFFER, Act.OFFER_CHOICE})
"""What a question may do instead of asking for yes, no or one item."""
_TAGGED = re.compile(r"[, ](?:ok|okay|alright|all right|yeah|deal|got it|hm|huh)\W*\?\W*\Z")
_ALONE = word_set("no yes okay right honestly really so well and yeah see")
"""Words that ask nothing when they stand alone with a question mark."""
_NO_PROBE = frozenset(
    {
        *_OTHER_JOBS,
        *(Act.VERIFY_IDENTITY, Act.UPSELL, Act.HOLD, Act.CLOSE, Act.GREET, Act.HAND_OVER),
        *(Act.GIVE_AWAY, Act.SIGNPOST),
        *HOSTILE,
    }
)
_MARKED = 3
"""Strength of a probe whose own words refer to what was said (`what exactly`)."""
_GENERAL = re.compile(
    r"\b(?:help|assist|prefer|a good time|bad time|had in mind|brings you|made you call"
    r"|anything else|are you ready|may i call you|call you back|your name|your number|address"
    r"|hear me|would you like|still there|can i do for you|you like me|that okay|that ok|mind if"
    r"|can i ask|may i ask|go ahead)\b"
)
"""Words of questions that open, steer or serve the talk itself."""
_CASE = re.compile(
    r"\b(?:did|was|were|had|has|have|when|which|who|where|what|why|how|starting|does|is|any|are"
    r"|do you (?:still|remember|know|use|have|see|recall|happen|mean|get|keep|live|think|feel"
    r"|need|want))\b"
)
_CHECKS = re.compile(
    r"\b(?:clear(?:er)?|unclear|foggy|mak(?:e|ing) sense|add up|with me|following|understood"
    r"|understandable|(?:sound|is that|got (?:it|that|you)|all) right|los(?:e|t) (?:you|u)"
    r"|tell me back|complete|in other words)\b|\bno\?|\bso hard\b"
)
"""Words of questions that make sure of a thing, or ask nothing at all."""
_UNMARKED = word_set("do does did can could would will is are may have has")
"""Words that begin a question even without its mark; `had you` may mean `if you had`."""
_ORDERED = word_set("the that this these my our something")
"""After `have` or `do` without a question mark these make an order of it."""
_ASIDE = re.compile(r"[^\w]*(?:sorry|pardon|excuse me|really|hello|yes|no|okay|ok|right)[^\w]*\Z")


def question(sentence: Sentence) -> tuple[ActSpan | None, bool]:
    """Return the question act of a sentence, and whether it asks anything at all."""
    if not sentence.words or sentence.is_quoted(sentence.offsets[0]):
        return None, False
    folded, end = sentence.folded, sentence.end
    marked = "?" in folded[max(sentence.start, end - 4) : end]
    first = sentence.offsets[0]
    for start in _clause_starts(sentence, first):
        act = _asked_at(folded, start, end, marked=marked, leads=start == first)
        if act is not None:
            return ActSpan(act=act, start=start, end=end), True
    if not marked:
        return None, False
    if len(sentence.words) == 1 and sentence.words[0] in _ALONE:
        return None, True
    if _TAGGED.search(folded, sentence.start, end):
        return None, True
    return ActSpan(act=Act.CLOSED_QUESTION, start=first, end=end), True


def keep_question(asked: ActSpan | None, sentence: Sentence, best: Found) -> None:
    """Put the question among the acts of its sentence, unless another act is what it does."""
    found = best.keys()
    if asked is None:
        if Act.VERIFY_IDENTITY in found and re.search(r"\b(?:please|pls|plz)\W*\Z", sentence.text):
            best[Act.CLOSED_QUESTION] = sentence.span(Act.CLOSED_QUESTION)
        return
    if found & HOSTILE:
        return
    if asked.act is Act.CLOSED_QUESTION and found & _OTHER_JOBS:
        return
    if asked.act is Act.CLOSED_QUESTION and _CHECKS.search(sentence.folded, asked.start, asked.end):
        return
    if asked.act is Act.OPEN_QUESTION and Act.CHECK_UNDERSTANDING in found:
        return
    best[asked.act] = asked


def read_probe(sentence: Sentence, said: str, echo: frozenset[str], best: Found) -> None:
    """Notice a question into what the customer said or the case holds.

    `said` is the customer's turn before, `echo` the stems of its words.
    """
    asked = best.get(Act.OPEN_QUESTION) or best.get(Act.CLOSED_QUESTION)
    if asked is None or not best.keys().isdisjoint(_NO_PROBE):
        best.pop(Act.PROBE, None)
        return
    probe = best.get(Act.PROBE)
    if probe is not None and not said and probe.strength < _MARKED:
        del best[Act.PROBE]
    if probe is not None or not said:
        return
    body = sentence.folded[asked.start : asked.end]
    if _ASIDE.match(body) or (_GENERAL.search(body) and not echo & content_stems(body)):
        return
    if _CASE.search(body) or echo & content_stems(body):
        best[Act.PROBE] = ActSpan(act=Act.PROBE, start=asked.start, end=asked.end, strength=1)


def _clause_starts(sentence: Sentence, first: int) -> Iterator[int]:
    """Yield where a question may begin: at the first word, and behind pauses and joining words."""
    yield first
    if _may_ask_later(sentence):
        for pause in _CLAUSE_START.finditer(sentence.folded, sentence.start, sentence.end):
            yield pause.end()


def _may_ask_later(sentence: Sentence) -> bool:
    """Say whether a word that can begin a question stands behind a pause or a joining word.

    Most do not, and a look at the words is cheaper than the search for all pauses.
    """
    folded, asking, ends = sentence.folded, LEXICON.question_words, 0
    for at, (offset, spelled) in enumerate(zip(sentence.offsets, sentence.spelled, strict=True)):
        if at and sentence.words[at] in asking:
            joined = sentence.spelled[at - 1] in _JOINING
            if joined or folded[ends:offset] != " ":
                return True
        if not spelled.isalnum() and _HIDDEN.search(spelled):
            return True
        ends = offset + len(spelled)
    return False


def _asked_at(folded: str, start: int, end: int, *, marked: bool, leads: bool) -> Act | None:
    token = TOKEN.match(folded, start, end)
    if token is None:
        return None
    word = canonical(token.group())
    if word not in LEXICON.question_words:
        return None
    following = TOKEN.search(folded, token.end(), end)
    heard = following.group() if following else ""
    second = canonical(heard) if heard else ""
    if _begins(LEXICON.narrow_starts.get(word), second, folded, start, end):
        return Act.CLOSED_QUESTION if marked or leads else None
    is_open = _begins(LEXICON.open_starts.get(word), second, folded, start, end)
    if is_open and (marked or not word.startswith(("what", "how", "why", "which"))):
        return Act.OPEN_QUESTION
    if second not in LEXICON.subjects:
        return None
    stated = not marked and (word not in _UNMARKED or heard in _ORDERED)
    asks = word in LEXICON.aux_starts and not word.startswith(("wh", "how", "any"))
    return Act.CLOSED_QUESTION if asks and not stated else None


def _begins(follow: Follow | None, second: str, folded: str, start: int, end: int) -> bool:
    """Say whether a beginning of questions stands at a place before this second word."""
    if follow is None:
        return False
    return any(
        pattern.phrase.regex.match(folded, start, end)
        for _, _, pattern in follow.candidates(second)
    )

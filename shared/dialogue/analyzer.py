"""Finds the acts of one turn, with the words that show them."""

import re
from collections.abc import Mapping

import msgspec

from shared.contracts.dialogue import Act, ActSpan, TurnAnalysis
from shared.dialogue.denial import is_denied
from shared.dialogue.grammar import NEGATION
from shared.dialogue.lexicon import LEXICON, Follow, Pattern, Start
from shared.dialogue.segments import (
    TOKEN,
    content_stems,
    fold,
    quoted,
    sentences,
    without_numbers,
)

_NEGATION = re.compile(NEGATION)
_CLAUSE_START = re.compile(r"(?:[,;:\u2013\u2014]\s*|\b(?:so|and|but|now|okay|ok|well)\W{1,2})")
_PAUSE = re.compile(r"[,;:\u2013\u2014]")
_CAPITALS = re.compile(r"[A-Z]{3}")
_ACRONYM = re.compile(r"\b[A-Z]{3,5}s?\b")
_GLOSS = re.compile(r"\bwhich (?:means|is)\b|\bthat(?:'s| is)\b|\bmeaning\b|\bshort for\b|\(")
_ASKING = frozenset(
    {Act.CHECK_UNDERSTANDING, Act.OFFER, Act.VERIFY_IDENTITY, Act.HOLD, Act.CLOSE, Act.GREET}
)
_HOSTILE = frozenset(
    {Act.BLAME, Act.DISMISS, Act.REPROACH, Act.THREATEN, Act.INSULT, Act.PRESSURE, Act.RUSH}
)
_WARM = (Act.ACKNOWLEDGE_FEELING, Act.STOCK_EMPATHY, Act.APOLOGIZE)
_ASKS_BACK = frozenset({"what", "how", "which"})
"""Before "would you like me to": a question, not an offer."""
_ECHO = 2
"""Meaningful words shared with the other speaker that make a sentence a reference to their case."""


class _Sentence(msgspec.Struct, frozen=True):
    """One sentence and the words in it, as offsets into the whole turn."""

    start: int
    end: int
    tokens: list[tuple[int, str]]
    quotes: tuple[tuple[int, int], ...]


def analyze(text: str, *, previous_customer: str | None = None) -> TurnAnalysis:
    """Return the acts of a turn in order of appearance; works for any text and either speaker.

    `previous_customer` is what the other side said just before; with it, a sentence that takes up
    their words counts as a paraphrase or as naming the concrete impact.
    """
    folded = fold(text)
    echo = without_numbers(content_stems(previous_customer or ""))
    quotes = quoted(text)
    spans: list[ActSpan] = []
    words = count = questions = 0
    for start, end in sentences(text):
        tokens = [(m.start(), m.group()) for m in TOKEN.finditer(folded, start, end)]
        sentence = _Sentence(start, end, tokens, quotes)
        found, is_question = _sentence_acts(text, folded, sentence, echo)
        spans.extend(found)
        words += len(tokens)
        count += 1
        questions += is_question
    spans.sort(key=lambda span: (span.start, span.end, span.act))
    return TurnAnalysis(acts=tuple(spans), words=words, sentences=count, questions=questions)


def _sentence_acts(
    text: str, folded: str, sentence: _Sentence, echo: frozenset[str]
) -> tuple[list[ActSpan], bool]:
    best = _phrases(folded, sentence)
    asked, is_question = _question(folded, sentence)
    if asked is not None and not (
        asked.act is Act.CLOSED_QUESTION and any(act in best for act in _ASKING)
    ):
        best[asked.act] = asked
    _read_echo(folded, sentence, echo, best)
    _settle(folded, sentence, best, is_question=is_question)
    _read_jargon(text, folded, sentence, best)
    return list(best.values()), is_question


def _phrases(folded: str, sentence: _Sentence) -> dict[Act, ActSpan]:
    """Return the strongest (then first) phrase of each act."""
    acts = LEXICON.acts
    best: dict[Act, ActSpan] = {}
    words = [word for _, word in sentence.tokens]
    for index, (word, following) in enumerate(zip(words, (*words[1:], ""), strict=False)):
        follow = acts.get(word)
        patterns = follow.by_next.get(following, follow.always) if follow else ()
        if not patterns:
            continue
        position = sentence.tokens[index][0]
        if _inside(position, sentence.quotes):
            continue
        for pattern in patterns:
            act = pattern.act
            if act is None or (act in best and best[act].strength >= pattern.strength):
                continue
            match = pattern.phrase.regex.match(folded, position, sentence.end)
            if match and not _is_barred(pattern, folded, sentence, index):
                best[act] = ActSpan(
                    act=act, start=position, end=match.end(), strength=pattern.strength
                )
    return best


def _is_barred(pattern: Pattern, folded: str, sentence: _Sentence, index: int) -> bool:
    """Say whether the words before a phrase change what it does."""
    if index and _must_start_earlier(pattern, folded, sentence, index):
        return True
    if pattern.act is Act.OFFER and index and sentence.tokens[index - 1][1] in _ASKS_BACK:
        return True
    if pattern.act in LEXICON.keeps_negation:
        return is_denied(pattern.act, folded, sentence.start, sentence.tokens[index][0])
    return _is_negated(folded, sentence, index)


def _must_start_earlier(pattern: Pattern, folded: str, sentence: _Sentence, index: int) -> bool:
    """Say whether a phrase that belongs at a start stands in the middle."""
    if pattern.starts is Start.ANYWHERE:
        return False
    position, word = sentence.tokens[index - 1]
    between = folded[position + len(word) : sentence.tokens[index][0]]
    return pattern.starts is Start.SENTENCE or not _PAUSE.search(between)


def _is_negated(folded: str, sentence: _Sentence, index: int) -> bool:
    """Look two words back for a negation that nothing but spaces separates."""
    following = sentence.tokens[index][0]
    for position, word in reversed(sentence.tokens[max(0, index - 2) : index]):
        if folded[position + len(word) : following].strip():
            return False
        if _NEGATION.fullmatch(word):
            return True
        following = position
    return False


def _question(folded: str, sentence: _Sentence) -> tuple[ActSpan | None, bool]:
    """Return the question act of a sentence, and whether it asks anything at all."""
    if not sentence.tokens or _inside(sentence.tokens[0][0], sentence.quotes):
        return None, False
    marked = "?" in folded[max(sentence.start, sentence.end - 4) : sentence.end]
    starts = [sentence.tokens[0][0]]
    starts += [m.end() for m in _CLAUSE_START.finditer(folded, sentence.start, sentence.end)]
    for start in starts:
        act = _asked_at(folded, start, sentence.end, marked=marked)
        if act is not None:
            return ActSpan(act=act, start=start, end=sentence.end), True
    if not marked:
        return None, False
    return ActSpan(act=Act.CLOSED_QUESTION, start=starts[0], end=sentence.end), True


def _asked_at(folded: str, start: int, end: int, *, marked: bool) -> Act | None:
    token = TOKEN.match(folded, start, end)
    if token is None:
        return None
    word = token.group()
    if word not in LEXICON.question_words:
        return None
    if _begins(LEXICON.narrow_starts, folded, token, end):
        return Act.CLOSED_QUESTION if marked else None
    is_open = _begins(LEXICON.open_starts, folded, token, end)
    if is_open and (marked or not word.startswith(("what", "how", "why", "which"))):
        return Act.OPEN_QUESTION
    following = TOKEN.search(folded, token.end(), end)
    inverted = following is not None and following.group() in LEXICON.subjects
    if word in LEXICON.aux_starts and inverted and not word.startswith(("wh", "how", "any")):
        return Act.CLOSED_QUESTION
    return None


def _begins(starts: Mapping[str, Follow], folded: str, token: re.Match[str], end: int) -> bool:
    follow = starts.get(token.group())
    if follow is None:
        return False
    following = TOKEN.search(folded, token.end(), end)
    return any(
        pattern.phrase.regex.match(folded, token.start(), end)
        for pattern in follow.candidates(following.group() if following else "")
    )


def _read_echo(
    folded: str, sentence: _Sentence, echo: frozenset[str], best: dict[Act, ActSpan]
) -> None:
    """Notice when the sentence takes up the other speaker's own words."""
    if not echo:
        return
    warm = not best.keys().isdisjoint(_WARM)
    returns = (
        Act.OPEN_QUESTION not in best and best.keys().isdisjoint(_HOSTILE) and _addresses(sentence)
    )
    if not warm and not returns:
        return
    shared = len(echo & content_stems(folded[sentence.start : sentence.end]))
    whole = (sentence.start, sentence.end)
    if warm and shared >= _ECHO:
        best.setdefault(Act.ACKNOWLEDGE_IMPACT, _span(Act.ACKNOWLEDGE_IMPACT, whole))
    if returns and shared > _ECHO:
        best.setdefault(Act.PARAPHRASE, _span(Act.PARAPHRASE, whole))


def _addresses(sentence: _Sentence) -> bool:
    """Say whether the sentence is about the other person; a `thank you` alone is not."""
    before = ""
    for _, word in sentence.tokens:
        if word.startswith("you") and before != "thank":
            return True
        before = word
    return False


def _settle(
    folded: str, sentence: _Sentence, best: dict[Act, ActSpan], *, is_question: bool
) -> None:
    """Remove readings that a stronger one in the same sentence rules out."""
    check = best.get(Act.CHECK_UNDERSTANDING)
    if check is not None and check.strength == 1 and not is_question:
        del best[Act.CHECK_UNDERSTANDING]
    step = best.get(Act.NEXT_STEP)
    if step is not None and LEXICON.times.search(folded, sentence.start, sentence.end):
        best[Act.NEXT_STEP] = msgspec.structs.replace(step, strength=3, end=sentence.end)
    if Act.ACKNOWLEDGE_IMPACT in best or Act.ACKNOWLEDGE_FEELING in best:
        best.pop(Act.STOCK_EMPATHY, None)
    if not best.keys().isdisjoint(_HOSTILE):
        best.pop(Act.PARAPHRASE, None)
        best.pop(Act.ACKNOWLEDGE_IMPACT, None)
    if (
        Act.CLOSED_QUESTION in best
        and folded[sentence.start : sentence.end].strip("?! ") == "sorry"
    ):
        best.pop(Act.APOLOGIZE, None)


def _read_jargon(text: str, folded: str, sentence: _Sentence, best: dict[Act, ActSpan]) -> None:
    """Add unexplained abbreviations; drop jargon that the sentence itself explains."""
    if Act.JARGON not in best and not _CAPITALS.search(text, sentence.start, sentence.end):
        return
    if _GLOSS.search(folded, sentence.start, sentence.end):
        best.pop(Act.JARGON, None)
        return
    for match in _ACRONYM.finditer(text, sentence.start, sentence.end):
        if match.group().rstrip("s") in LEXICON.plain_acronyms:
            continue
        body = text[sentence.start : sentence.end]
        shouted = sum(map(str.isupper, body)) * 3 > sum(map(str.isalpha, body))
        if not shouted:
            best.setdefault(Act.JARGON, _span(Act.JARGON, match.span()))
        return


def _span(act: Act, whole: tuple[int, int]) -> ActSpan:
    return ActSpan(act=act, start=whole[0], end=whole[1])


def _inside(position: int, stretches: tuple[tuple[int, int], ...]) -> bool:
    return bool(stretches) and any(start <= position < end for start, end in stretches)

"""Finds the phrases of the pattern files in one sentence."""

import re

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.denial import RETELLING, is_denied, is_reported
from shared.dialogue.grammar import NEGATIONS
from shared.dialogue.lexicon import LEXICON, Pattern, Start
from shared.dialogue.sentence import Found, Sentence
from shared.dialogue.spelling import word_set

_PAUSE = re.compile(r"[,;:\u2013\u2014-]")
_ASKS_BACK = frozenset({"what", "how", "which"})
"""Before "would you like me to": a question, not an offer."""
_JOINS = frozenset({"and", "but", "so", "then", "or", "because", "okay", "well", "now"})
_FILLERS = _JOINS | word_set(
    "oh ah right alright yes yeah yep no hey look honestly hm hmm mm sure fine great listen"
    " please sir madam ma'am actually just also ugh"
)
"""Words before the real beginning of a sentence."""


def phrases(sentence: Sentence) -> Found:
    """Return the strongest (then first) phrase of each act."""
    acts = LEXICON.acts
    best: Found = {}
    words, held = sentence.words, sentence.held
    following = [*words[1:], "", ""]
    for index, word in enumerate(words):
        follow = acts.get(word)
        if follow is None:
            continue
        by_next, always = follow.choices
        choice = by_next.get(following[index], always)
        if choice is None:
            continue
        for needed, also, pattern in choice.before(following[index + 1]):
            if needed is not None and held.isdisjoint(needed):
                continue
            if also is None or not held.isdisjoint(also):
                _try(pattern, sentence, index, best)
    return best


def _try(pattern: Pattern, sentence: Sentence, index: int, best: Found) -> None:
    act, strength = pattern.act, pattern.strength
    if act is None or (act in best and best[act].strength >= strength):
        return
    position = sentence.offsets[index]
    if sentence.is_quoted(position):
        return
    match = pattern.phrase.regex.match(sentence.folded, position, sentence.end)
    if match and not _is_barred(pattern, sentence, index):
        best[act] = ActSpan(act=act, start=position, end=match.end(), strength=strength)


def _is_barred(pattern: Pattern, sentence: Sentence, index: int) -> bool:
    """Say whether the words before a phrase change what it does."""
    if not index or pattern.act is None:
        return False
    if pattern.starts is not Start.ANYWHERE and _is_inside(pattern.starts, sentence, index):
        return True
    position = sentence.offsets[index]
    if pattern.act is Act.OFFER and sentence.words[index - 1] in _ASKS_BACK:
        return True
    retells = not sentence.runs.isdisjoint(RETELLING)
    if retells and is_reported(pattern.act, sentence.folded, sentence.start, position):
        return True
    if pattern.act in LEXICON.keeps_negation:
        return is_denied(pattern.act, sentence.folded, sentence.start, position)
    return _is_negated(sentence, index)


def _is_inside(starts: Start, sentence: Sentence, index: int) -> bool:
    """Say whether a phrase that belongs at a start stands in the middle."""
    words = sentence.words
    if index <= 3 and all(word in _FILLERS for word in words[:index]):
        return False
    if starts is Start.SENTENCE:
        return True
    if words[index - 1] in _JOINS:
        return False
    before = sentence.offsets[index - 1] + len(sentence.spelled[index - 1])
    return not _PAUSE.search(sentence.folded, before, sentence.offsets[index])


def _is_negated(sentence: Sentence, index: int) -> bool:
    """Look two words back for a negation that nothing but spaces separates."""
    spelled, offsets = sentence.spelled, sentence.offsets
    first = max(0, index - 2)
    if NEGATIONS.isdisjoint(spelled[first:index]):
        return False
    for at in range(index - 1, first - 1, -1):
        end = offsets[at] + len(spelled[at])
        if sentence.folded[end : offsets[at + 1]].strip():
            return False
        if spelled[at] in NEGATIONS:
            return True
    return False

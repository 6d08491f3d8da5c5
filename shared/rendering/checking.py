"""Says what is wrong with a rendering; what passes is what an engine may read."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import TOKEN
from shared.intake.cleaning import clean
from shared.intake.language import detect, small_words
from shared.rendering.asking import Asked, RenderedSentence
from shared.rendering.cutting import has_words
from shared.rendering.numbers import agree

MAX_GROWTH: Final = 4
"""Characters of English per character of the original, beside `SLACK`."""
MAX_GROWTH_UNSPACED: Final = 12
"""The same for scripts in which a character is a syllable or a word."""
MIN_SHARE: Final = 0.25
"""Characters of English per character of the original, at least; under `SLACK` none."""
SLACK: Final = 30
"""Characters that any sentence may grow or shrink by."""
UNTRANSLATED_FROM: Final = 5
"""Words from which a sentence that comes back unchanged must show that it is English."""

_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)


def faults(asked: Sequence[Asked], answer: Sequence[RenderedSentence], language: str) -> list[str]:
    """Return what is wrong, in words for the model that has to repair it; empty: nothing.

    The words name sentences by their number and hold nothing of their text.
    """
    wanted = [sentence.n for sentence in asked]
    if [sentence.n for sentence in answer] != wanted:
        return [f"one entry for each sentence is needed, in order: {wanted[0]} to {wanted[-1]}"]
    found = [
        f"sentence {sentence.n}: {fault}"
        for sentence, rendered in zip(asked, answer, strict=True)
        for fault in _of_one(sentence.text, rendered.english, language)
    ]
    if not found and detect(sentence.english for sentence in answer) is not None:
        found.append("the sentences are not in English")
    return found


def _of_one(original: str, english: str, language: str) -> Iterator[str]:
    if not has_words(english):
        if has_words(original):
            yield "nothing is said in English"
        return
    if clean(english).removed:
        yield "the English holds characters that nobody can see"
    growth = MAX_GROWTH_UNSPACED if _UNSPACED.search(original) else MAX_GROWTH
    if len(english) > len(original) * growth + SLACK:
        yield "the English says more than the sentence"
    elif len(english) < (len(original) - SLACK) * MIN_SHARE:
        yield "the English says less than the sentence"
    if not agree(original, english, language):
        yield "the numbers of the English are not those of the sentence"
    if _is_untranslated(original, english, language):
        yield "the sentence is not translated"


def _is_untranslated(original: str, english: str, language: str) -> bool:
    """Notice a sentence that came back as it was, by the small words it holds.

    Where we know those of its language, it has more of them than of English: names, and keys that
    somebody hit, have none at all and come back as they are by right.
    """
    if " ".join(original.split()).casefold() != " ".join(english.split()).casefold():
        return False
    words = TOKEN.findall(english.casefold())
    if len(words) < UNTRANSLATED_FROM:
        return False
    of_english, own = sum(word in LEXICON.stopwords for word in words), small_words(language)
    return sum(word in own for word in words) > of_english if own else not of_english

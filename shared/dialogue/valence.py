"""How a customer's words feel, from a word list: a hint for the judge, never a score by itself."""

from functools import lru_cache

from shared.dialogue.grammar import NEGATIONS
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import TOKEN, fold


@lru_cache(maxsize=256)  # cues, arc and feedback of one conversation ask for the same turns
def customer_valence(text: str) -> int:
    """Return -100 (hostile or distressed) to 100 (warm); 0 when nothing speaks either way."""
    good = bad = 0
    previous = ""
    for match in TOKEN.finditer(fold(text)):
        word = match.group()
        flipped = previous in NEGATIONS
        good += (word in LEXICON.warm_words and not flipped) or (
            word in LEXICON.bitter_words and flipped
        )
        bad += (word in LEXICON.bitter_words and not flipped) or (
            word in LEXICON.warm_words and flipped
        )
        previous = word
    total = good + bad
    return 0 if total == 0 else (100 * (good - bad)) // (total + 1)

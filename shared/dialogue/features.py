"""What the learned reader sees of a sentence: its words, their neighbors, and what the rules found.

Every feature has a readable name (`w:frightening`, `b:not your`, `r:offer`), so that a weight can be
looked up and a reading explained by the names that carried it.
"""

from collections.abc import Iterable

from shared.dialogue.echo import Before
from shared.dialogue.sentence import Found, Sentence

PREFIX = 5
"""Letters of a word that stand for its family (`frust` for frustrated and frustrating)."""
_MAX_ECHO = 4
_LENGTHS = (3, 6, 12, 20)


def features(sentence: Sentence, earlier: Before, best: Found, *, is_question: bool) -> list[str]:
    """Return the names of everything that is true of a sentence; each at most once."""
    words = ["0" if word[:1].isdigit() else word for word in sentence.words]
    found = dict.fromkeys(_words(words))
    found.update(dict.fromkeys(_shape(sentence, words, earlier, is_question=is_question)))
    for act, span in best.items():
        found[f"r:{act.value}"] = None
        found[f"r:{act.value}:{span.strength}"] = None
    if not best:
        found["r:none"] = None
    return list(found)


def _words(words: list[str]) -> Iterable[str]:
    for word in words:
        yield f"w:{word}"
        if len(word) > PREFIX:
            yield f"p:{word[:PREFIX]}"
    padded = ["^", *words, "$"]
    for one, two in zip(padded, padded[1:], strict=False):
        yield f"b:{one} {two}"
    for one, two, three in zip(padded, padded[1:], padded[2:], strict=False):
        yield f"t:{one} {two} {three}"
        yield f"s:{one} {three}"


def _shape(
    sentence: Sentence, words: list[str], earlier: Before, *, is_question: bool
) -> Iterable[str]:
    yield "bias"
    if is_question:
        yield "q:asks"
    if "?" in sentence.text[-3:]:
        yield "q:mark"
    yield f"n:{sum(len(words) > bound for bound in _LENGTHS)}"
    yield f"e:{min(_MAX_ECHO, len(earlier.echo & sentence.stems)) if earlier.echo else 0}"
    if earlier.own:
        yield f"o:{min(_MAX_ECHO, len(earlier.own & sentence.stems))}"
    if "$" in sentence.text or "%" in sentence.text or "0" in words:
        yield "x:number"
    if words:
        yield f"f:{words[0]}"
        yield f"f2:{' '.join(words[:2])}"

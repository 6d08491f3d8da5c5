"""How words come in chat and in haste: missing apostrophes, short forms, figures, number words."""

from collections.abc import Iterable


def word_set(text: str) -> frozenset[str]:
    """Return the words between the spaces of a text."""
    return frozenset(text.split())


_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
NUMBER_WORDS = (*_UNITS, *_TEENS, *_TENS, "hundred", "thousand", "half")
"""Words that count; `seventy-five` is made of two of them."""
NUMBER_VALUES = {
    **{word: value for value, word in enumerate((*_UNITS, *_TEENS), 1)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
"""What a single number word below a hundred is worth."""
_WORDS = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
NUMBER = rf"(?:\d[\d.,:]{{0,11}}|(?:{_WORDS})(?:[ -](?:and )?(?:{_WORDS})){{0,4}})"
"""Expression of a figure or of a number in words."""
FIGURE = "#"
"""Stands for every figure in the index of patterns."""

CONTRACTIONS = word_set(
    "don't doesn't didn't won't can't isn't aren't wasn't weren't couldn't wouldn't shouldn't"
    " haven't hasn't hadn't i'm i've i'll you're you've you'll you'd they're they've that's"
    " what's who's where's how's here's there's let's it's he's she's we've should've could've"
    " would've must've that'll it'll they'll what'll nobody's everything's"
)
"""Forms that are understood without their apostrophe too (others, like `we're`, become words)."""
SHORT_FORMS = {
    "you": ("u", "ya"),
    "your": ("ur",),
    "please": ("pls", "plz"),
    "okay": ("ok",),
    "are": ("r",),
    "because": ("cos", "cuz", "bc"),
    "thanks": ("thx", "tnx", "thnx"),
    "something": ("sth",),
    "someone": ("somebody",),
    "apologize": ("apologise",),
    "going": ("goin",),
    "sorry": ("sry", "soz"),
    "tomorrow": ("tmrw", "tomorow"),
}
"""Short and other spellings by the form that the patterns use."""

ALIASES: dict[str, str] = {
    **{word.replace("'", ""): word for word in CONTRACTIONS},
    **{short: word for word, shorts in SHORT_FORMS.items() for short in shorts},
    **{f"{tens}-{unit}": FIGURE for tens in _TENS for unit in _UNITS},
}
"""Every other spelling with the form that the index of patterns knows."""


_DIGITS = frozenset("0123456789")


def canonical(word: str) -> str:
    """Return the form under which the index knows a lower-case word."""
    return FIGURE if word[0] in _DIGITS else ALIASES.get(word, word)


def canonical_words(words: Iterable[str]) -> list[str]:
    """Do as `canonical` does for many words, in one go."""
    known, digits = ALIASES.get, _DIGITS
    return [FIGURE if word[0] in digits else known(word, word) for word in words]

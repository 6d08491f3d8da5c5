"""Takes out of a text what nobody can see, and writes what remains in one way (NFC).

A reader, a detector and a model must see the same text. Zero-width characters, bidirectional
controls, tags and stray variation selectors can hide words from one of them, or cut a word in two.
Cleaning a clean text changes nothing.
"""

import re
import unicodedata
from typing import Final

from shared.contracts.base import Record

_MARKS: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors."""

_BLANKS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and marks without ink."""

_FORMATS: Final = (
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
"""Soft hyphen, zero-width characters, bidirectional controls, tags and other formats."""

_CONTROLS: Final = "\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f"
"""Control characters apart from tabs and the ends of lines."""

_HIDDEN: Final = re.compile(f"[{_CONTROLS}{_FORMATS}{_BLANKS}{_MARKS}]")
_LINE_END: Final = re.compile("\r\n|[\r\u000b\u000c\u0085\u2028\u2029]")
_SPACE: Final = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_PLAIN: Final = re.compile("[\n -~]*")
"""Printable ASCII: nothing to do, which is so for nearly every turn."""

_JOINERS: Final = "\u200c\u200d"
_EMOJI_MARKS: Final = "\ufe0e\ufe0f"
_EMOJI: Final = re.compile(
    "(?:[\u00a9\u00ae\u203c-\u3299#*0-9]|[\U0001f000-\U0001faff])[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]*$"
)
"""Where emoji take a selector or a joiner by right."""

_JOINING_SCRIPTS: Final = (0x0600, 0x0DFF)
"""Arabic to Sinhala: there a zero-width joiner is spelling, and stays."""


class Cleaned(Record, frozen=True, kw_only=True):
    """A text that shows everything it holds."""

    text: str
    removed: int
    """Invisible characters that were taken out; those that belong to emoji do not count."""


def clean(text: str) -> Cleaned:
    """Return the text without invisible characters, with plain spaces and line ends, in NFC."""
    if _PLAIN.fullmatch(text):
        return Cleaned(text=text, removed=0)
    removed = 0

    def take(match: re.Match[str]) -> str:
        nonlocal removed
        char, before = match.group(), text[max(0, match.start() - 8) : match.start()]
        if char in _JOINERS and before and _is_joining(before[-1]):
            return char
        if (char == "\u200d" or char in _EMOJI_MARKS) and _EMOJI.search(before):
            return ""
        removed += 1
        return ""

    text = _SPACE.sub(" ", _LINE_END.sub("\n", text))
    shown = _HIDDEN.sub(take, text)
    return Cleaned(text=unicodedata.normalize("NFC", shown), removed=removed)


def _is_joining(char: str) -> bool:
    first, last = _JOINING_SCRIPTS
    return first <= ord(char) <= last

"""The one way in: a conversation as it was sent, cleaned, checked and looked at."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from shared.contracts.base import Record
from shared.contracts.scoring import TranscriptTurn
from shared.errors import FieldError
from shared.intake.cleaning import clean
from shared.intake.language import is_supported, read_language
from shared.intake.limits import MAX_CHARACTERS, MIN_WORDS
from shared.intake.roles import look_at_roles

ROLES_LOOK_SWAPPED: Final = "roles_look_swapped"
"""Flag: who is labeled customer speaks like an agent, and the other way round."""

UNSUPPORTED_LANGUAGE: Final = "unsupported_language"
"""Flag: the analyzer does not know the language; there is no number without a language model."""

INVISIBLE_REMOVED: Final = "invisible_characters_removed"
"""Flag: the text held characters that nobody can see."""

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
"""Scripts that put no spaces between words: two of their letters count as one word."""


class Flag(Record, frozen=True, kw_only=True):
    """Something odd about a transcript."""

    code: str
    detail: str
    """One or two sentences for a person; never holds words of the transcript."""
    count: int = 0
    """Of `invisible_characters_removed`: how many."""


class Taken(Record, frozen=True, kw_only=True):
    """A conversation as it may be stored and judged."""

    turns: tuple[TranscriptTurn, ...]
    language: str
    flags: tuple[Flag, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The flags as the judge takes them."""
        return tuple(flag.code for flag in self.flags)

    @property
    def is_held(self) -> bool:
        """Say whether somebody must look at the roles before it is scored."""
        return ROLES_LOOK_SWAPPED in self.codes


def take_in(turns: Sequence[TranscriptTurn], language: str) -> Taken:
    """Clean the turns and look at language and roles; refuses nothing.

    Args:
        turns: as they were sent.
        language: as it was declared, a tag of BCP 47.
    """
    kept, removed = clean_turns(turns)
    spoken = read_language(language, (turn.text for turn in kept))
    flags = [] if not removed else [_invisible(removed)]
    if not is_supported(spoken):
        flags.append(_unsupported(spoken, language))
    else:
        look = look_at_roles(kept)
        if look.verdict == "swapped":
            flags.append(Flag(code=ROLES_LOOK_SWAPPED, detail=look.reason))
    return Taken(turns=kept, language=spoken, flags=tuple(flags))


def clean_turns(turns: Sequence[TranscriptTurn]) -> tuple[tuple[TranscriptTurn, ...], int]:
    """Return the turns without invisible characters, and how many were taken out."""
    kept: list[TranscriptTurn] = []
    total = 0
    for turn in turns:
        cleaned = clean(turn.text)
        total += cleaned.removed
        same = cleaned.text == turn.text
        kept.append(turn if same else msgspec.structs.replace(turn, text=cleaned.text))
    return tuple(kept), total


def refusals(turns: Sequence[TranscriptTurn]) -> Iterator[FieldError]:
    """Yield why cleaned turns are no conversation that can be taken; nothing when they are."""
    for index, turn in enumerate(turns):
        if not turn.text.strip():
            yield _error(f"/turns/{index}/text", "blank", "Nothing visible is left of this turn")
    if len({turn.role for turn in turns}) < 2:
        yield _error("/turns", "one-speaker", "A conversation has an agent and a customer")
    if sum(len(turn.text) for turn in turns) > MAX_CHARACTERS:
        detail = f"A conversation may have {MAX_CHARACTERS} characters in all"
        yield _error("/turns", "too-long", detail)
    words = count_words(turns, MIN_WORDS)
    if words == 0:
        yield _error("/turns", "no-words", "There are no words, only symbols")
    elif words < MIN_WORDS:
        detail = f"{words} words in all; {MIN_WORDS} are needed to judge anything"
        yield _error("/turns", "too-few-words", detail)


def count_words(turns: Sequence[TranscriptTurn], enough: int) -> int:
    """Count the words, turn by turn, until there are `enough`."""
    count = 0
    for turn in turns:
        if count >= enough:
            break
        text = turn.text
        if not text.isascii():
            unspaced = len(_UNSPACED.findall(text))
            count += (unspaced + 1) // 2
            text = _UNSPACED.sub(" ", text)
        count += len(_WORD.findall(text))
    return count


def _invisible(count: int) -> Flag:
    detail = f"{count} characters that nobody can see were taken out of the text."
    return Flag(code=INVISIBLE_REMOVED, detail=detail, count=count)


def _unsupported(spoken: str, declared: str) -> Flag:
    if spoken == declared:
        detail = f"Only a language model can give a number for the language `{declared}`."
    else:
        detail = (
            f"Declared as `{declared}`, but it reads like something else (`{spoken}`), for which"
            " only a language model can give a number."
        )
    return Flag(code=UNSUPPORTED_LANGUAGE, detail=detail)


def _error(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)

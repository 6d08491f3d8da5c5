"""Puts the customer's first line into another language."""

import re
from collections.abc import Iterator
from typing import Final

from shared.contracts.base import Record
from shared.contracts.llm import CallNote, WhyEmbedded
from shared.dialogue.lexicon import LEXICON
from shared.intake.cleaning import clean
from shared.intake.language import detect
from shared.llm.ports import ChatRequest, LanguageModel, ModelFailedError
from shared.rendering.asking import OpeningAnswer, opening_prompt, repair_prompt
from shared.rendering.checking import MAX_GROWTH, SLACK
from shared.rendering.cutting import has_words
from shared.rendering.numbers import agree
from shared.rendering.render import CHARS_PER_TOKEN, TOKENS_ATOP, Job, tries

_MARKUP: Final = re.compile(r"[*_#`<>{}|]|https?:|^\s*[-\u2022]|\n|^\W*\w+:\s", re.IGNORECASE)
"""Lists, emphasis, tags, addresses, and a speaker's name before the line."""

_ENGLISH_FROM: Final = 6
_ENGLISH_SHARE: Final = 0.35
"""Share of English small words in an ASCII line."""
_SMALL: Final = LEXICON.stopwords | {"a", "an", "i", "i'm", "in", "is", "it", "my", "of", "to"}


class Opening(Record, frozen=True, kw_only=True):
    """What a model sees of the customer for their first line."""

    language: str
    line: str
    """In English, as the scenario has it."""
    name: str
    style: str


async def say_in(
    model: LanguageModel, job: Job, opening: Opening
) -> tuple[str, tuple[CallNote, ...]]:
    """Return the line in the language; one answer that fails the checks is asked for again.

    Raises:
        ModelFailedError: no answer, or none that passed.
    """
    prompt = opening_prompt(opening, job.boundary)
    calls: tuple[CallNote, ...] = ()
    for number, left_s in tries(job):
        request = ChatRequest(
            purpose=job.purpose,
            prompt=prompt,
            key=job.key,
            max_output_tokens=TOKENS_ATOP + len(opening.line) * 2 // CHARS_PER_TOKEN,
            deadline_s=left_s,
            temperature=0.0,
            number=number,
        )
        try:
            answer = await model.structured(request, OpeningAnswer)
        except ModelFailedError as failed:
            raise ModelFailedError(failed.why, (*calls, *failed.calls)) from failed
        calls += answer.calls
        line = answer.value.line.strip()
        wrong = list(line_faults(opening.line, line, opening.language))
        if not wrong:
            return line, calls
        prompt = repair_prompt(prompt, wrong)
    raise ModelFailedError(WhyEmbedded.FAILED_CHECKS, calls)


def line_faults(english: str, line: str, language: str) -> Iterator[str]:
    """Yield what is wrong, in words, with a line that should say an English one in a language."""
    if not has_words(line):
        yield "nothing is said"
        return
    if clean(line).removed:
        yield "the line holds characters that nobody can see"
    if _MARKUP.search(line) and not _MARKUP.search(english):
        yield "the line is not plain spoken text"
    longest, shortest = max(len(english), len(line)), min(len(english), len(line))
    if longest > shortest * MAX_GROWTH + SLACK:
        yield "the line says more or less than it should"
    if not agree(line, english, language):
        yield "the numbers are not the same"
    if is_english(line, language):
        yield f"the line is not in the language {language}"


def is_english(line: str, language: str) -> bool:
    """Say whether a line that should be in another language is plainly English.

    A short one decides nothing.
    """
    if language.casefold().split("-")[0] == "en":
        return False
    words = line.split()
    if len(words) < _ENGLISH_FROM or not line.isascii():
        return False
    return detect([line]) is None and _share(line) >= _ENGLISH_SHARE


def _share(line: str) -> float:
    words = re.findall(r"[a-z']+", line.lower())
    return sum(word in _SMALL for word in words) / max(1, len(words))

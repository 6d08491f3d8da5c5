"""Asks a model for the English of texts, checks it, and lets it repair an answer once."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import CallNote, Prompt, WhyEmbedded
from shared.db.sealed import SealKey
from shared.llm.ports import ChatRequest, LanguageModel, ModelFailedError, Purpose
from shared.rendering.asking import (
    Answer,
    Asked,
    Before,
    RenderedSentence,
    joining_acts,
    rendering_prompt,
    repair_prompt,
)
from shared.rendering.checking import faults
from shared.rendering.cutting import Piece, cut, has_words
from shared.rendering.records import Rendering, Segment, as_it_is

TOKENS_PER_SENTENCE: Final = 40
"""Of the answer, for numbers, names and acts."""
TOKENS_ATOP: Final = 200
CHARS_PER_TOKEN: Final = 2
"""Of the English; no tokenizer gives less for English, and room is left for growth."""
LEAST_S: Final = 0.5
"""Seconds that must be left for a second question to be worth its money."""


class Spoken(Record, frozen=True, kw_only=True):
    """A text to be rendered."""

    role: Literal["agent", "customer"]
    text: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What all calls of one rendering share."""

    purpose: Purpose
    key: SealKey
    language: str
    boundary: str
    """Random, a line of its own."""
    deadline_s: float
    """For all calls together."""
    number: int = 0
    """Of the first call; a repair has the next."""


def tries(job: Job) -> Iterator[tuple[int, float]]:
    """Yield number and seconds of a question, and of its repair while there is time for one."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + job.deadline_s
    yield job.number, job.deadline_s
    left_s = ends_at - loop.time()
    if left_s >= LEAST_S:
        yield job.number + 1, left_s


async def render(
    model: LanguageModel, job: Job, texts: Sequence[Spoken], before: Sequence[Before] = ()
) -> tuple[tuple[Rendering, ...], tuple[CallNote, ...]]:
    """Return the renderings of texts, in order, and the calls that were made: none for texts
    without a word, else one question, which is asked again once when its answer fails the checks.

    Raises:
        ModelFailedError: no answer, or none that passed; it names what was paid for.
    """
    pieces = _pieces(texts)
    asked = _asked(texts, pieces)
    if not asked:
        return _renderings(texts, pieces, {}), ()
    answer, calls = await _answer(model, job, asked, before)
    by_number = {sentence.n: sentence for sentence in answer}
    return _renderings(texts, pieces, by_number), calls


def rendered(
    texts: Sequence[Spoken], answer: Answer | None, language: str
) -> tuple[Rendering, ...] | None:
    """Return what `render` has made of texts with this answer; None where it would not have."""
    pieces = _pieces(texts)
    asked = _asked(texts, pieces)
    sentences = () if answer is None else answer.sentences
    if asked and faults(asked, sentences, language):
        return None
    return _renderings(texts, pieces, {sentence.n: sentence for sentence in sentences})


def _pieces(texts: Sequence[Spoken]) -> list[tuple[Piece, ...]]:
    return [cut(spoken.text) if has_words(spoken.text) else () for spoken in texts]


def _asked(texts: Sequence[Spoken], pieces: Sequence[tuple[Piece, ...]]) -> list[Asked]:
    said = [
        (spoken.role, piece.text)
        for spoken, cuts in zip(texts, pieces, strict=True)
        for piece in cuts
    ]
    return [Asked(n=n, role=role, text=text) for n, (role, text) in enumerate(said, start=1)]


async def _answer(
    model: LanguageModel, job: Job, asked: Sequence[Asked], before: Sequence[Before]
) -> tuple[tuple[RenderedSentence, ...], tuple[CallNote, ...]]:
    prompt = rendering_prompt(job.language, before, asked, job.boundary)
    calls: tuple[CallNote, ...] = ()
    for number, left_s in tries(job):
        try:
            answer = await model.structured(_request(job, prompt, asked, number, left_s), Answer)
        except ModelFailedError as failed:
            raise ModelFailedError(failed.why, (*calls, *failed.calls)) from failed
        calls += answer.calls
        wrong = faults(asked, answer.value.sentences, job.language)
        if not wrong:
            return answer.value.sentences, calls
        prompt = repair_prompt(prompt, wrong)
    raise ModelFailedError(WhyEmbedded.FAILED_CHECKS, calls)


def _request(
    job: Job, prompt: Prompt, asked: Sequence[Asked], number: int, deadline_s: float
) -> ChatRequest:
    room = sum(
        TOKENS_PER_SENTENCE + max(len(sentence.text), 40) // CHARS_PER_TOKEN for sentence in asked
    )
    return ChatRequest(
        purpose=job.purpose,
        prompt=prompt,
        key=job.key,
        max_output_tokens=TOKENS_ATOP + room,
        deadline_s=deadline_s,
        temperature=0.0,
        number=number,
    )


def _renderings(
    texts: Sequence[Spoken],
    pieces: Sequence[tuple[Piece, ...]],
    answer: dict[int, RenderedSentence],
) -> tuple[Rendering, ...]:
    found: list[Rendering] = []
    n = 0
    for spoken, cuts in zip(texts, pieces, strict=True):
        segments: list[Segment] = []
        for piece in cuts:
            n += 1
            said = answer[n]
            segments.append(
                Segment(
                    start=piece.start,
                    end=piece.end,
                    english=" ".join(said.english.split()),
                    acts=joining_acts(said, piece.text) if spoken.role == "agent" else (),
                )
            )
        found.append(Rendering(segments=tuple(segments)) if cuts else as_it_is(spoken.text))
    return tuple(found)

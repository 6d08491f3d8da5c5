"""A text of another language with its English; what an engine reads, and what is stored."""

from collections.abc import Iterable

import msgspec

from shared.contracts.base import Record
from shared.contracts.dialogue import Act, ActSpan
from shared.contracts.llm import CallNote

APPRAISAL_COLUMN = "turns.appraisal"
"""What an `Appraisal` is sealed for; its row is `turn_row` of the customer's turn."""

_ENDS = (".", "!", "?", "\u2026", ":", ";")
"""A sentence of these ends does not run into the next one."""


class Segment(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One sentence, and what it says in English."""

    start: int
    end: int
    """Offsets in the original text, in Unicode code points."""
    english: str
    acts: tuple[Act, ...] = ()
    """What a model named; see `Rendering.named`."""


class Rendering(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A whole turn, sentence by sentence, in order."""

    segments: tuple[Segment, ...]

    @property
    def english(self) -> str:
        """The turn as an engine reads it: every sentence ends, and a space parts them."""
        return " ".join(self._parts())

    def named(self) -> tuple[ActSpan, ...]:
        """Return the acts that the model named, weak, each over the English of its sentence."""
        return tuple(
            ActSpan(act=act, start=start, end=end)
            for segment, (start, end) in zip(self.segments, self._places(), strict=True)
            for act in segment.acts
        )

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the whole sentences of the original behind a stretch of the English."""
        hit = [
            segment
            for segment, (left, right) in zip(self.segments, self._places(), strict=True)
            if left < end and start < right
        ]
        if not hit:  # a stretch between two sentences, or of nothing
            hit = [segment for segment in self.segments if segment.end][-1:]
        return (hit[0].start, hit[-1].end) if hit else (0, 0)

    def mapped(self, acts: Iterable[ActSpan]) -> tuple[ActSpan, ...]:
        """Return acts over the English as acts over the original, in order of their place."""
        moved: list[ActSpan] = []
        for act in acts:
            start, end = self.original(act.start, act.end)
            moved.append(msgspec.structs.replace(act, start=start, end=end))
        return tuple(sorted(moved, key=lambda span: (span.start, span.end, span.act)))

    def _parts(self) -> list[str]:
        last = len(self.segments) - 1
        return [
            segment.english
            if number == last or segment.english.rstrip("\"')]\u201d\u2019").endswith(_ENDS)
            else f"{segment.english}."
            for number, segment in enumerate(self.segments)
        ]

    def _places(self) -> list[tuple[int, int]]:
        places: list[tuple[int, int]] = []
        at = 0
        for part in self._parts():
            places.append((at, at + len(part)))
            at += len(part) + 1
        return places


def as_it_is(text: str) -> Rendering:
    """Return a text that needs no rendering as its own: nothing in it is a word."""
    return Rendering(segments=(Segment(start=0, end=len(text), english=text),))


class Appraisal(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What a learner's turn was read as, and what the reply says in English.

    Stored sealed with the reply: the engine's input, from which the same state follows again.
    """

    rendering: Rendering
    draft: str
    """The reply as the engine chose it, before it was worded in the language."""
    calls: tuple[CallNote, ...] = ()

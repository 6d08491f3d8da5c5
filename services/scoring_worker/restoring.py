"""Puts the evidence of a judgment back into the language in which it was said."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from shared.contracts.base import Record
from shared.contracts.scoring import Evidence, JudgeResult, RenderingNote, Transcript
from shared.rendering.records import Rendering

RENDERED: Final = "rendered_by_model"
"""Flag, and reason for a review: what was said was judged by what a model made of it in English."""


class Reading(Record, frozen=True, kw_only=True):
    """How a conversation in another language was read."""

    original: Transcript
    renderings: Mapping[str, Rendering]
    """By turn; empty when it was not rendered."""
    note: RenderingNote


def restored(result: JudgeResult, reading: Reading) -> JudgeResult:
    """Return a judgment of the English as one of what was said.

    Every quote becomes the whole sentences behind it, verbatim. What only English words can be
    measured by is left out.
    """
    if not reading.renderings:
        return replace(result, rendering=reading.note)
    texts = {turn.id: turn.text for turn in reading.original.turns}
    moved: JudgeResult = _moved(result, texts, reading.renderings)
    return replace(
        moved,
        behaviors=(),
        metrics=replace(
            moved.metrics,
            reading_ease=None,
            reading_grade=None,
            fillers_per_100_words=None,
            words_per_minute=None,
        ),
        needs_review=tuple(dict.fromkeys((*moved.needs_review, RENDERED))),
        appraisal="model",
        rendering=reading.note,
    )


def _moved(value: Any, texts: Mapping[str, str], renderings: Mapping[str, Rendering]) -> Any:
    """Return a value with every piece of evidence in it moved, wherever it is."""
    if isinstance(value, Evidence):
        return _evidence(value, texts, renderings)
    if isinstance(value, tuple):
        moved = [_moved(item, texts, renderings) for item in value]
        if value and isinstance(value[0], Evidence):
            return tuple(dict.fromkeys(moved))  # two quotes of one sentence became the same
        return tuple(moved)
    if isinstance(value, msgspec.Struct):
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        changed = {
            name: _moved(field, texts, renderings)
            for name, field in fields
            if isinstance(field, tuple | msgspec.Struct)
        }
        return replace(value, **changed)
    return value


def _evidence(
    evidence: Evidence, texts: Mapping[str, str], renderings: Mapping[str, Rendering]
) -> Evidence:
    start, end = renderings[evidence.turn_id].original(evidence.start, evidence.end)
    return replace(evidence, start=start, end=end, quote=texts[evidence.turn_id][start:end])

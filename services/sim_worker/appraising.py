"""Reads what a learner said in another language: a model renders it in English for the engine."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from services.sim_worker.wording import Asker
from shared.contracts.base import Record
from shared.contracts.dialogue import ActSpan
from shared.contracts.llm import CallNote, Task, WhyEmbedded
from shared.contracts.simulation import Line, Move
from shared.ids import IdMaker
from shared.intake.language import is_supported
from shared.llm.ports import LanguageModel, ModelFailedError
from shared.rendering.asking import Before
from shared.rendering.records import Appraisal, Rendering
from shared.rendering.render import Job, Spoken, render

LIMIT_S: Final = 8.0
"""Repair included: a request waits 20 seconds for its reply, and the line is still to be worded."""


class Reading(Record, frozen=True, kw_only=True):
    """A learner's line as the engine takes it."""

    text: str
    """In English."""
    also: tuple[ActSpan, ...] = ()
    """Acts that the model named over it."""
    rendering: Rendering | None = None
    """None: it was said in English."""
    calls: tuple[CallNote, ...] = ()

    def of_original(self, move: Move) -> Move:
        """Return the move with its acts over the words that the learner said."""
        if self.rendering is None:
            return move
        return replace(move, acts=self.rendering.mapped(move.acts))

    def stored(self, draft: str) -> bytes | None:
        """Return what is kept of it with the reply, whose English is `draft`; None for English."""
        if self.rendering is None:
            return None
        kept = Appraisal(rendering=self.rendering, draft=draft, calls=self.calls)
        return msgspec.json.encode(kept)


async def read_line(
    model: LanguageModel | None,
    lines: Sequence[Line],
    language: str | None,
    asker: Asker | None,
    ids: IdMaker,
) -> Reading:
    """Read the last of the lines, the learner's; English is read as it is.

    Raises:
        ModelFailedError: the line cannot be read; nothing may be guessed, so the job is tried
            again, and in the end the simulation fails.
    """
    said = lines[-1].text
    if language is None or is_supported(language):
        return Reading(text=said)
    if model is None or asker is None:
        raise ModelFailedError(WhyEmbedded.NO_MODEL)
    job = Job(
        purpose=replace(asker.purpose, task=Task.APPRAISAL),
        key=asker.key,
        language=language,
        boundary=ids.new().hex,
        deadline_s=LIMIT_S,
    )
    before = [Before(role=line.role, text=line.text) for line in lines[-2:-1]]
    (rendering,), calls = await render(model, job, [Spoken(role="agent", text=said)], before)
    return reading_of(rendering, calls)


def reading_of(rendering: Rendering, calls: tuple[CallNote, ...] = ()) -> Reading:
    """Return a line as it was rendered: a function of the rendering alone, so it replays."""
    return Reading(text=rendering.english, also=rendering.named(), rendering=rendering, calls=calls)

"""One reply of the customer: the engine's move, then its wording."""

from collections.abc import Sequence

from services.sim_worker.appraising import read_line
from services.sim_worker.context import Context
from services.sim_worker.engine.conversation import respond
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.engine.wording import wording_request
from services.sim_worker.steps import NewEvent, SpokenTurn
from services.sim_worker.wording import Asker, Place, Told, Worded, as_drafted
from shared.contracts.events import EventType
from shared.contracts.llm import WhyEmbedded, WordingNote
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Line, PersonaState
from shared.log import get_logger
from shared.telemetry import catalog

log = get_logger()

MOST_HOSTILE = 3
"""Where nobody bounds the customer's insults but the scenario."""
_NOT_WANTED = (None, WhyEmbedded.NO_MODEL, WhyEmbedded.TEST_KEY, WhyEmbedded.DISABLED)
"""Where no model was to word the line; nobody has to hear of it."""


async def make_reply(
    context: Context,
    scenario: ScenarioSpec,
    state: PersonaState,
    lines: Sequence[Line],
    *,
    seed: int,
    seq: int,
    word_budget: int | None = None,
    max_hostility: int = MOST_HOSTILE,
    language: str | None = None,
    asker: Asker | None = None,
    told: Told | None = None,
) -> SpokenTurn:
    """Return the customer's turn `seq`; `lines` ends with the customer's last line and the
    learner's.

    The move depends on scenario, state, lines, bounds and seed only; who words it changes nothing
    but the text. A model is asked for an `asker` only. Whoever reads along is `told` the same text
    in pieces.

    Raises:
        ModelFailedError: the learner speaks another language, and nobody could read it.
    """
    reading = await read_line(context.model, lines, language, asker, context.ids)
    move = respond(
        scenario,
        state,
        reading.text,
        seed=seed,
        seq=seq,
        max_hostility=max_hostility,
        word_budget=word_budget,
        also=reading.also,
    )
    request = wording_request(scenario, state, move, lines, seed=seed, seq=seq, language=language)
    place = Place(scenario=scenario, move=move, asker=asker)
    worded = await _worded(context, request, place, told)
    return SpokenTurn(
        seq=seq,
        turn_id=context.ids.new(),
        text=worded.text,
        move=reading.of_original(move),
        engine=worded.note.engine,
        wording=worded.note,
        appraisal=reading.stored(request.draft),
    )


async def _worded(
    context: Context, request: WordingRequest, place: Place, told: Told | None
) -> Worded:
    """Word the line; whatever goes wrong, there is one."""
    try:
        worded = await context.wording.word(request, place, told)
    except Exception:
        log.warning("wording.failed", seq=request.seq, exc_info=True)
        # what was told before is void: the stored turn replaces it
        why = WhyEmbedded.NO_MODEL if place.asker is None else WhyEmbedded.FAILED_CHECKS
        return await as_drafted(request, None, WordingNote(engine="embedded", why=why))
    note = worded.note
    if note.why is None or note.why not in _NOT_WANTED:
        catalog.LLM_REPLIES.add(note.engine)
    for code in note.drift:
        catalog.LLM_DRIFT.add(code)
    if note.drift or note.why not in _NOT_WANTED:
        log.info(
            "wording.drifted",
            seq=request.seq,
            engine=note.engine,
            why=note.why,
            drift=list(note.drift),
        )
    return worded


def events_of(context: Context, seq: int, end_reason: EndReason | None) -> tuple[NewEvent, ...]:
    """Return the events that a reply makes."""
    completed = NewEvent(
        event_id=context.ids.new(), type=EventType.TURN_COMPLETED, data={"seq": seq}
    )
    if end_reason is None:
        return (completed,)
    ended = NewEvent(
        event_id=context.ids.new(),
        type=EventType.SIMULATION_ENDED,
        data={"reason": end_reason.value},
    )
    return (completed, ended)

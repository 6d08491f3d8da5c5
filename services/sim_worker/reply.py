"""One reply of the customer: the engine's move, then its wording."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

from services.sim_worker.context import ENGINE, Context
from services.sim_worker.engine.conversation import respond
from services.sim_worker.engine.wording import wording_request
from services.sim_worker.steps import NewEvent, SpokenTurn
from shared.contracts.events import EventType
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Line, PersonaState
from shared.log import get_logger

log = get_logger()

Told = Callable[[str], Awaitable[None]]
"""Takes a piece of the wording as soon as it is there."""

_SENTENCE: Final = re.compile(r".+?(?:[.!?\u2026]+[\"'\u201d\u2019)]*\s+|$)", re.DOTALL)


async def make_reply(
    context: Context,
    scenario: ScenarioSpec,
    state: PersonaState,
    lines: Sequence[Line],
    *,
    seed: int,
    seq: int,
    word_budget: int | None = None,
    told: Told | None = None,
) -> SpokenTurn:
    """Return the customer's turn `seq`; `lines` ends with the customer's last line and the
    learner's.

    The move depends on scenario, state, lines and seed only; who words it changes nothing but the
    text. Whoever reads along is `told` the same text in pieces.
    """
    move = respond(
        scenario,
        state,
        lines[-1].text,
        seed=seed,
        seq=seq,
        word_budget=word_budget,
    )
    request = wording_request(scenario, state, move, lines, seed=seed, seq=seq)
    try:
        text = await context.wording.word(request)
    except Exception:
        log.warning("wording.failed", seq=seq, exc_info=True)
        text = request.draft
    if told is not None:
        for piece in pieces(text):
            await told(piece)
    return SpokenTurn(seq=seq, turn_id=context.ids.new(), text=text, move=move, engine=ENGINE)


def pieces(text: str) -> Iterator[str]:
    """Yield a line sentence by sentence, spaces included: joined, they are the line."""
    return (match[0] for match in _SENTENCE.finditer(text))


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

"""The embedded wording: the chosen phrases with their slots filled."""

from collections.abc import Sequence

from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.phrases import asks, phrase_text
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.engine.slots import fill, with_article
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import Line, Move, PersonaState

REMEMBERED_LINES = 6
"""How much of the conversation a wording sees."""
_MANNER = frozenset({"r", "vr", "e"})
"""Kinds of phrase keys: common and own reactions, last words."""


def word(scenario: ScenarioSpec, move: Move) -> str:
    """Return the embedded wording of a move; a pure function of the scenario and the move.

    The phrases were chosen by `respond` (with the seed) and rest in `move.phrases`.
    """
    return spoken(scenario, move.phrases, move.echo)


def spoken(scenario: ScenarioSpec, phrases: Sequence[str], echo: str) -> str:
    """Return the words of phrases, given by their keys."""
    slots = slots_of(scenario, echo)
    return " ".join(fill(phrase_text(scenario, key), slots) for key in phrases)


def is_manner(key: str) -> bool:
    """Say whether a phrase only shows how the customer takes it: a reaction, or last words."""
    return key.partition(":")[0] in _MANNER


def slots_of(scenario: ScenarioSpec, echo: str) -> dict[str, str]:
    """Return what the slots of a line are filled with; `echo` is what it takes up."""
    return {
        **scenario.case,
        "echo": echo,
        "a_echo": with_article(echo),
        "earlier": echo or "something else",
    }


def wording_request(
    scenario: ScenarioSpec,
    state_before: PersonaState,
    move: Move,
    lines: Sequence[Line],
    *,
    seed: int,
    seq: int,
    language: str | None = None,
) -> WordingRequest:
    """Collect what a wording may see of this move; without a `language` it is the scenario's."""
    texts = {fact.key: fact.text for fact in scenario.facts}
    return WordingRequest(
        name=scenario.persona.name,
        summary=scenario.persona.summary,
        style=scenario.persona.style,
        temper=scenario.temper,
        language=language or scenario.language,
        surface=move.surface,
        end_reason=move.end_reason,
        mood=mood(move.state.mind),
        mood_before=mood(state_before.mind),
        mind=move.state.mind,
        hostility=move.hostility,
        case=scenario.case,
        open_facts=tuple(texts[key] for key in move.state.open_facts),
        must_say=tuple(texts[key] for key in move.opened),
        draft=word(scenario, move),
        body=spoken(scenario, [key for key in move.phrases if not is_manner(key)], move.echo),
        asks=asks(scenario, move.phrases) is not None,
        last_lines=tuple(lines[-REMEMBERED_LINES:]),
        seed=seed,
        seq=seq,
    )

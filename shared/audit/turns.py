"""What the audit reads: turns with the state that each of the customer's left behind."""

from collections.abc import Sequence
from typing import Literal

from shared.contracts.base import Record
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import PersonaState, Surface


class AuditedTurn(Record, frozen=True, kw_only=True):
    """One turn as it was stored."""

    seq: int
    """0 is the customer's opening."""
    role: Literal["customer", "learner"]
    text: str
    state: PersonaState | None = None
    """After this turn; None for the learner's turns, and where it could not be read."""
    surface: Surface | None = None
    """None for the opening and for the learner's turns."""


class Heard(Record, frozen=True, kw_only=True):
    """A customer's turn with what the learner had said before it."""

    turn: AuditedTurn
    learner: tuple[str, ...]
    """The learner's lines before it, oldest first."""


def heard(turns: Sequence[AuditedTurn]) -> tuple[Heard, ...]:
    """Return the customer's turns in order of `seq`."""
    found: list[Heard] = []
    said: list[str] = []
    for turn in sorted(turns, key=lambda item: item.seq):
        if turn.role == "learner":
            said.append(turn.text)
        else:
            found.append(Heard(turn=turn, learner=tuple(said)))
    return tuple(found)


def public_texts(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Return the texts that may be known or said from the start."""
    return (
        *(scenario.title, scenario.brief, scenario.persona.name, scenario.persona.summary),
        *scenario.goals,
        *scenario.case.values(),
        *scenario.opening.lines,
        *(answer.text for answer in scenario.answers),
    )


def spoken_texts(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Return what the customer may say at any time beside `public_texts`: no fact is in it."""
    voice = scenario.voice
    found: list[str] = []
    for name in voice.__struct_fields__:
        bank = getattr(voice, name)
        groups = bank.values() if isinstance(bank, dict) else (bank,)
        found += [text for group in groups for text in group]
    for fact in scenario.facts:
        found += [*fact.guard, fact.partial]
    for twist in scenario.twists:
        found += twist.lines
    return tuple(found)


def all_texts(scenario: ScenarioSpec) -> tuple[str, ...]:
    """Return every text of the scenario in which a number may stand."""
    return (
        *public_texts(scenario),
        *spoken_texts(scenario),
        *(fact.text for fact in scenario.facts),
        *(fact.reflected for fact in scenario.facts),
        *(step.title for step in scenario.steps),
        *(need.title for need in scenario.needs),
        *(item.title for item in scenario.resolutions),
        *(item.title for item in scenario.forbidden),
        *(twist.title for twist in scenario.twists),
        *scenario.persona.traits,
        *scenario.persona.calms,
        *scenario.persona.escalates,
    )

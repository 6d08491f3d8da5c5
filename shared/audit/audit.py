"""Audits a finished conversation: the simulator's own faults, and how each fact ended."""

from collections.abc import Iterable, Sequence

from shared.audit.ends import wrong_ends
from shared.audit.leaks import LEAKED, Vault
from shared.audit.speech import Speech
from shared.audit.turns import AuditedTurn, heard
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import FactOutcome, Fault, PersonaState

__all__ = ["AuditedTurn", "audit", "fact_outcomes"]

ANY_LANGUAGE = frozenset({"empty_line", "markup", "repeated_line", "too_long", "out_of_range"})
"""Faults of speech that do not take English to be seen."""


def audit(
    scenario: ScenarioSpec,
    turns: Sequence[AuditedTurn],
    end_reason: str | None,
    *,
    is_english: bool = True,
) -> tuple[Fault, ...]:
    """Return the simulator's faults in order of the turns; none for a good conversation.

    `end_reason` is None while the conversation is open. What the learner does is never a fault.
    Where another language is spoken, only what shows in any language is looked for.

    Raises:
        ValueError: `end_reason` is not an `EndReason`.
    """
    vault, speech = Vault(scenario), Speech(scenario)
    said = heard(turns)
    found: list[Fault] = []
    for item in said:
        found += vault.leaks(item, is_english=is_english)
        found += (
            fault for fault in speech.faults(item) if is_english or fault.code in ANY_LANGUAGE
        )
    found += wrong_ends(scenario, [item.turn for item in said], end_reason)
    return tuple(sorted(found, key=lambda fault: (fault.seq, fault.code, fault.subject)))


def fact_outcomes(
    scenario: ScenarioSpec, state: PersonaState, faults: Iterable[Fault]
) -> dict[str, FactOutcome]:
    """Return how each fact of the scenario ended, by key, in the scenario's order."""
    leaked = {fault.subject for fault in faults if fault.code == LEAKED}
    told = {
        **dict.fromkeys(state.open_facts, FactOutcome.ELICITED),
        **dict.fromkeys(state.volunteered, FactOutcome.VOLUNTEERED),
        **dict.fromkeys(leaked, FactOutcome.LEAKED),
    }
    return {fact.key: told.get(fact.key, FactOutcome.UNDISCOVERED) for fact in scenario.facts}

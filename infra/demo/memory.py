"""What a scripted learner knows of the customer, pieced together from the API's replies alone."""

from collections.abc import Sequence

from msgspec.structs import replace

from infra.demo.views import Turn
from shared.contracts.dialogue import Act
from shared.contracts.scenario import ScenarioSpec, Step
from shared.contracts.simulation import PersonaState, Surface
from shared.dialogue.segments import mentions


def first_impression(scenario: ScenarioSpec, opening: Turn) -> PersonaState:
    """Return what is known after the customer's first line."""
    return PersonaState(mind=opening.mind or scenario.opening.mind)


def notice(scenario: ScenarioSpec, known: PersonaState, said: str, reply: Turn) -> PersonaState:
    """Return what is known after a reply: what was told, done, proposed and agreed."""
    acts = frozenset(span.act for span in reply.acts or ())
    proposed = _proposed(scenario, known, said, acts)
    agreed = known.resolution
    if reply.surface == Surface.ACCEPT and agreed is None:
        agreed = next(iter(reversed(proposed)), None)
    return replace(
        known,
        mind=reply.mind or known.mind,
        turns=known.turns + 1,
        open_facts=known.open_facts
        + tuple(
            fact.key
            for fact in scenario.facts
            if fact.key not in known.open_facts and fact.text in reply.text
        ),
        done_steps=_done(scenario, known.done_steps, said, acts),
        proposed=proposed,
        resolution=agreed,
    )


def _proposed(
    scenario: ScenarioSpec, known: PersonaState, said: str, acts: frozenset[Act]
) -> tuple[str, ...]:
    new = [
        item.key for item in scenario.resolutions if _touches(said, acts, item.acts, item.topics)
    ]
    return (*(key for key in known.proposed if key not in new), *new)


def _done(
    scenario: ScenarioSpec, done: Sequence[str], said: str, acts: frozenset[Act]
) -> tuple[str, ...]:
    keys = list(done)
    for step in scenario.steps:
        if (
            step.key not in keys
            and _touches(said, acts, step.acts, step.topics)
            and not _too_early(scenario, step, keys)
        ):
            keys.append(step.key)
    return tuple(keys)


def _too_early(scenario: ScenarioSpec, step: Step, done: Sequence[str]) -> bool:
    return any(other.before == step.key and other.key not in done for other in scenario.steps)


def _touches(
    said: str, acts: frozenset[Act], wanted: tuple[Act, ...], topics: tuple[str, ...]
) -> bool:
    return (not wanted or not acts.isdisjoint(wanted)) and (not topics or mentions(said, topics))

"""What opens and what is done: facts and process steps."""

from services.sim_worker.engine.appraisal import Reading
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Fact, Mind, ScenarioSpec, Step
from shared.contracts.simulation import PersonaState
from shared.dialogue.segments import line_mentions

PARTIAL_SHORT = 10
"""Points of trust that may be missing for half of the truth."""
_ASKED = (Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.PROBE)


def is_locked(state: PersonaState, key: str) -> bool:
    """Say whether a fact may not be said yet."""
    return key not in state.open_facts


def opened_fact(
    scenario: ScenarioSpec, state: PersonaState, mind: Mind, reading: Reading
) -> Fact | None:
    """Return the one locked fact that this turn opens, in the scenario's order."""
    if not _confides(state, reading):
        return None
    for fact in _ready(scenario, state):
        if _trusts(fact, mind, fact.min_trust) and _touches(
            reading, fact.needs_acts, fact.needs_topics
        ):
            return fact
    return None


def partial_fact(
    scenario: ScenarioSpec, state: PersonaState, mind: Mind, reading: Reading
) -> Fact | None:
    """Return a fact asked for rightly with a little trust missing, of which half can be said."""
    if not _confides(state, reading) or not reading.has(*_ASKED):
        return None
    for fact in _ready(scenario, state):
        near = _trusts(fact, mind, fact.min_trust - PARTIAL_SHORT)
        if not fact.partial or not near or state.counts.get(f"partial:{fact.key}"):
            continue
        if _touches(reading, fact.needs_acts, fact.needs_topics):
            return fact
    return None


def volunteered_fact(
    scenario: ScenarioSpec, state: PersonaState, mind: Mind, reading: Reading
) -> Fact | None:
    """Return a fact that the customer would tell unasked out of trust."""
    if state.resolution or not _confides(state, reading):
        return None
    for fact in _ready(scenario, state):
        if fact.volunteer_trust is not None and _trusts(fact, mind, fact.volunteer_trust):
            return fact
    return None


def guarded_fact(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Fact | None:
    """Return a locked fact that was asked for too early and that the customer guards."""
    if not reading.has(*_ASKED):
        return None
    for fact in _ready(scenario, state):
        if fact.guard and _touches(reading, fact.needs_acts, fact.needs_topics):
            return fact
    return None


def done_steps(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> tuple[str, ...]:
    """Return the keys of all steps done, the new ones last."""
    done = list(state.done_steps)
    for step in scenario.steps:
        if step.key not in done and _does(reading, step) and not _too_early(scenario, step, done):
            done.append(step.key)
    return tuple(done)


def _confides(state: PersonaState, reading: Reading) -> bool:
    """Say whether a person could tell a secret in answer to this turn at all."""
    if reading.is_hostile or reading.is_noise or _is_formal(reading):
        return False
    return not reading.sells or state.resolution is not None


def _trusts(fact: Fact, mind: Mind, trust: int) -> bool:
    return mind.trust >= trust and mind.frustration <= fact.max_frustration


def _ready(scenario: ScenarioSpec, state: PersonaState) -> list[Fact]:
    """Return the locked facts whose turn has come: after the facts and the twist they wait for."""
    return [
        fact
        for fact in scenario.facts
        if fact.key not in state.open_facts
        and set(fact.after_facts) <= set(state.open_facts)
        and (fact.after_twist is None or fact.after_twist in state.twists)
    ]


def _is_formal(reading: Reading) -> bool:
    """Say whether the turn checks details or sums up: people answer that, they do not confide."""
    if reading.has(Act.OPEN_QUESTION, Act.PROBE):
        return False
    return reading.has(Act.VERIFY_IDENTITY, Act.RECAP)


def _touches(reading: Reading, acts: tuple[Act, ...], topics: tuple[str, ...]) -> bool:
    return (not acts or reading.has(*acts)) and (not topics or line_mentions(reading.line, topics))


def _does(reading: Reading, step: Step) -> bool:
    return _touches(reading, step.acts, step.topics)


def _too_early(scenario: ScenarioSpec, step: Step, done: list[str]) -> bool:
    """A step named in another step's `before` waits until that other step is done."""
    return any(other.before == step.key and other.key not in done for other in scenario.steps)

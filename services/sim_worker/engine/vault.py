"""What opens, what is done and what is agreed: facts, process steps and resolutions."""

from msgspec.structs import replace

from services.sim_worker.engine.appraisal import Reading
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Fact, Mind, Resolution, ScenarioSpec, Step
from shared.contracts.simulation import PersonaState
from shared.dialogue.segments import line_mentions

_AGREEING = (
    Act.OFFER,
    Act.NEXT_STEP,
    Act.CHECK_UNDERSTANDING,
    Act.RECAP,
)
"""Acts after which a customer comes back to something that was proposed before."""


def opened_fact(
    scenario: ScenarioSpec, state: PersonaState, mind: Mind, reading: Reading
) -> Fact | None:
    """Return the one locked fact that this turn opens, in the scenario's order."""
    if reading.is_hostile or reading.is_noise or _is_formal(reading):
        return None
    for fact in _locked(scenario, state):
        if mind.trust >= fact.min_trust and _touches(reading, fact.needs_acts, fact.needs_topics):
            return fact
    return None


def guarded_fact(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Fact | None:
    """Return a locked fact that was asked for too early and that the customer guards."""
    if not reading.has(Act.OPEN_QUESTION, Act.CLOSED_QUESTION):
        return None
    for fact in _locked(scenario, state):
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


def proposed(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> tuple[str, ...]:
    """Return the keys of all resolutions put forward so far, the newest last."""
    new = [item.key for item in proposals(scenario, reading)]
    return tuple(key for key in state.proposed if key not in new) + tuple(new)


def proposals(scenario: ScenarioSpec, reading: Reading) -> list[Resolution]:
    """Return the resolutions that this turn puts forward, the best match first."""
    found = [x for x in scenario.resolutions if _touches(reading, x.acts, x.topics)]
    return sorted(found, key=lambda x: -sum(line_mentions(reading.line, (t,)) for t in x.topics))


def acceptable(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Resolution | None:
    """Return the proposed resolution that the customer accepts now; `state` is after this turn."""
    if state.resolution or reading.is_hostile or reading.is_noise or not reading.has(*_AGREEING):
        return None
    now = proposals(scenario, reading)
    asks = reading.has(Act.OPEN_QUESTION)
    earlier = [x for x in scenario.resolutions if x.key in state.proposed and not asks]
    return next((item for item in (*now, *earlier) if _meets(item, state)), None)


def lacks_only_facts(scenario: ScenarioSpec, state: PersonaState) -> bool:
    """Say whether a proposed resolution would be accepted if its facts had been heard."""
    return any(
        _meets(replace(item, needs_facts=()), state)
        for item in scenario.resolutions
        if item.key in state.proposed
    )


def _meets(resolution: Resolution, state: PersonaState) -> bool:
    return (
        set(resolution.needs_facts) <= set(state.open_facts)
        and set(resolution.needs_steps) <= set(state.done_steps)
        and state.mind.trust >= resolution.min_trust
        and state.mind.frustration <= resolution.max_frustration
    )


def _is_formal(reading: Reading) -> bool:
    """Say whether the turn checks details or sums up: people answer that, they do not confide."""
    if reading.has(Act.OPEN_QUESTION):
        return False
    return reading.has(Act.VERIFY_IDENTITY, Act.RECAP)


def _locked(scenario: ScenarioSpec, state: PersonaState) -> list[Fact]:
    return [fact for fact in scenario.facts if fact.key not in state.open_facts]


def _touches(reading: Reading, acts: tuple[Act, ...], topics: tuple[str, ...]) -> bool:
    return (not acts or reading.has(*acts)) and (not topics or line_mentions(reading.line, topics))


def _does(reading: Reading, step: Step) -> bool:
    return _touches(reading, step.acts, step.topics)


def _too_early(scenario: ScenarioSpec, step: Step, done: list[str]) -> bool:
    """A step named in another step's `before` waits until that other step is done."""
    return any(other.before == step.key and other.key not in done for other in scenario.steps)

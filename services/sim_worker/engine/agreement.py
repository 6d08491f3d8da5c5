"""What was put forward, and when the customer agrees to it."""

from msgspec.structs import replace

from services.sim_worker.engine.appraisal import Reading
from services.sim_worker.engine.terms import are_accepted
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Resolution, ScenarioSpec
from shared.contracts.simulation import PersonaState
from shared.dialogue.segments import line_mentions, word_line

_AGREEING = (
    Act.OFFER,
    Act.OFFER_CHOICE,
    Act.CONCEDE,
    Act.NEXT_STEP,
    Act.CHECK_UNDERSTANDING,
    Act.RECAP,
)
"""Acts after which a customer comes back to something that was proposed before."""
_KINDS_OF_OFFER = (Act.CONCEDE, Act.OFFER_CHOICE, Act.GIVE_AWAY)
"""Acts that put something forward wherever an offer does."""


def proposed(state: PersonaState, now: list[Resolution]) -> tuple[str, ...]:
    """Return the keys of all resolutions put forward so far, the newest last."""
    new = [item.key for item in now]
    return tuple(key for key in state.proposed if key not in new) + tuple(new)


def proposals(scenario: ScenarioSpec, reading: Reading) -> list[Resolution]:
    """Return the resolutions that this turn puts forward, the best match first."""
    line = _line_without_refusals(reading) if reading.has(Act.REFUSE) else reading.line
    found = [
        item
        for item in scenario.resolutions
        if reading.has(*item.acts, *(_KINDS_OF_OFFER if Act.OFFER in item.acts else ()))
        and (not item.topics or line_mentions(line, item.topics))
    ]
    return sorted(found, key=lambda x: -sum(line_mentions(line, (t,)) for t in x.topics))


def acceptable(
    scenario: ScenarioSpec, state: PersonaState, reading: Reading, now: list[Resolution]
) -> Resolution | None:
    """Return the proposed resolution that the customer accepts now; `state` is after this turn,
    `now` what the turn puts forward.
    """
    if state.resolution or not reading.has(*_AGREEING):
        return None
    if reading.is_hostile or reading.is_noise or reading.sells:
        return None
    if state.turns < turns_before_agreement(scenario):
        return None
    # Whoever names a solution means that one, else the one named last; and a question is no offer.
    about = now
    if not now and not reading.has(Act.OPEN_QUESTION):
        about = [x for x in scenario.resolutions if x.key in state.proposed[-1:]]
    return next((item for item in about if _meets(item, state)), None)


def turns_before_agreement(scenario: ScenarioSpec) -> int:
    """Return how many turns of the learner it takes at least."""
    return 2 + scenario.difficulty // 2


def lacks_only_facts(scenario: ScenarioSpec, state: PersonaState) -> bool:
    """Say whether a proposed resolution would be accepted if its missing facts had been heard."""
    return any(
        _meets(replace(item, needs_facts=()), state)
        for item in scenario.resolutions
        if item.key in state.proposed and not set(item.needs_facts) <= set(state.open_facts)
    )


def is_possible(resolution: Resolution, state: PersonaState) -> bool:
    """Say whether the twists so far allow a resolution."""
    later = resolution.after_twist is None or resolution.after_twist in state.twists
    return later and (resolution.until_twist is None or resolution.until_twist not in state.twists)


def _meets(resolution: Resolution, state: PersonaState) -> bool:
    return (
        set(resolution.needs_facts) <= set(state.open_facts)
        and set(resolution.needs_steps) <= set(state.done_steps)
        and state.mind.trust >= resolution.min_trust
        and state.mind.frustration <= resolution.max_frustration
        and is_possible(resolution, state)
        and are_accepted(resolution, state.counts)
    )


def _line_without_refusals(reading: Reading) -> str:
    """Return the words of a turn without the clauses that say no."""
    text, keep = reading.raw, []
    at = 0
    for span in reading.analysis.acts:
        if span.act is Act.REFUSE and span.start >= at:
            keep.append(text[at : span.start])
            at = min(
                (p for m in ".!?;,\n" if (p := text.find(m, span.end)) >= 0), default=len(text)
            )
    return word_line(" ".join((*keep, text[at:])))

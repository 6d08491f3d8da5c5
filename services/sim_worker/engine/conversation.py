"""One learner turn: appraise it, move the mind, open or keep shut the vault, decide the reply."""

from msgspec.structs import replace

from services.sim_worker.engine.appraisal import REMEMBERED_TURNS, Reading, appraise
from services.sim_worker.engine.mind import move_mind
from services.sim_worker.engine.phrases import choose
from services.sim_worker.engine.surface import Decision, Turn, decide
from services.sim_worker.engine.vault import acceptable, done_steps, opened_fact, proposed
from shared.contracts.scenario import Mind, Resolution, ScenarioSpec
from shared.contracts.simulation import Move, PersonaState, Surface

WITHDRAW_ABOVE = 15
"""Frustration above a resolution's bound at which the customer takes the agreement back."""


def start(scenario: ScenarioSpec) -> PersonaState:
    """Return the state at the customer's first line (seq 0)."""
    return PersonaState(mind=scenario.opening.mind)


def respond(
    scenario: ScenarioSpec,
    state: PersonaState,
    learner_text: str,
    *,
    previous_customer: str,
    seed: int,
    seq: int,
) -> Move:
    """Return the engine's answer to one learner turn: a function of its arguments, integers only.

    `seq` is the learner's turn (odd). The phrases of the reply are chosen here, so the state does
    not depend on who words the line.
    """
    reading = appraise(state, learner_text, previous_customer=previous_customer)
    mind, causes = move_mind(scenario, state, reading)
    after = _remember(scenario, state, mind, reading)
    accepted = acceptable(scenario, after, reading)
    after = _agree(scenario, after, accepted)
    fact = None if accepted else opened_fact(scenario, state, mind, reading)
    turn = Turn(
        scenario=scenario,
        before=state,
        after=after,
        reading=reading,
        causes=causes,
        opened=fact,
        accepted=accepted,
    )
    decision = decide(turn)
    return _move(turn, decision, previous_customer=previous_customer, seed=seed, seq=seq)


def _move(turn: Turn, decision: Decision, *, previous_customer: str, seed: int, seq: int) -> Move:
    phrases, echo = choose(turn, decision, previous_customer=previous_customer, seed=seed, seq=seq)
    # a fact is open once the customer has said it: never when another surface came first
    told = turn.opened if decision.surface is Surface.REVEAL else None
    opened = (told.key,) if told else ()
    warned = decision.surface is Surface.WARN_LEAVE
    state = replace(
        turn.after,
        open_facts=turn.after.open_facts + opened,
        used_phrases=(*turn.after.used_phrases, *phrases),
        warnings=turn.after.warnings + warned,
    )
    return Move(
        state=state,
        acts=turn.reading.analysis.acts,
        causes=turn.causes,
        surface=decision.surface,
        opened=opened,
        end_reason=decision.end_reason,
        phrases=phrases,
        echo=echo,
    )


def _remember(
    scenario: ScenarioSpec, state: PersonaState, mind: Mind, reading: Reading
) -> PersonaState:
    counts = dict(state.counts)
    for act in reading.strengths:
        counts[act.value] = counts.get(act.value, 0) + 1
    if reading.quality is not None:
        counts[reading.quality.value] = counts.get(reading.quality.value, 0) + 1
    return replace(
        state,
        mind=mind,
        turns=state.turns + 1,
        counts=dict(sorted(counts.items())),
        last_words=(*state.last_words, reading.fingerprint)[-REMEMBERED_TURNS:],
        done_steps=done_steps(scenario, state, reading),
        proposed=proposed(scenario, state, reading),
    )


def _agree(
    scenario: ScenarioSpec, state: PersonaState, accepted: Resolution | None
) -> PersonaState:
    """Note a new agreement, or take one back from a learner who has turned on the customer."""
    if accepted is not None:
        return replace(state, resolution=accepted.key, accepted_at=state.turns)
    if state.resolution is None:
        return state
    bound = next(
        item.max_frustration for item in scenario.resolutions if item.key == state.resolution
    )
    if state.mind.frustration <= bound + WITHDRAW_ABOVE:
        return state
    return replace(state, resolution=None, accepted_at=None)

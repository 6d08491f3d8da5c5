"""One learner turn: appraise it, move the mind, open or keep shut the vault, decide the reply."""

from msgspec.structs import replace

from services.sim_worker.engine.agreement import acceptable, is_possible, proposals, proposed
from services.sim_worker.engine.appraisal import REMEMBERED_TURNS, Reading, appraise
from services.sim_worker.engine.commitments import commitments
from services.sim_worker.engine.decision import Decision, Turn
from services.sim_worker.engine.hints import hint
from services.sim_worker.engine.memory import Notice, notices, recall, with_counts, with_promises
from services.sim_worker.engine.mind import move_mind, turn_rules
from services.sim_worker.engine.phrases import asks, choose
from services.sim_worker.engine.surface import decide, objects
from services.sim_worker.engine.terms import weigh
from services.sim_worker.engine.twists import due_twist
from services.sim_worker.engine.vault import done_steps, opened_fact, volunteered_fact
from services.sim_worker.engine.waiting import is_due, next_question, waiting
from services.sim_worker.engine.wording import spoken
from shared.contracts.dialogue import ActSpan
from shared.contracts.scenario import Mind, Resolution, ScenarioSpec, opening_line
from shared.contracts.simulation import Move, PersonaState, Surface

WITHDRAW_ABOVE = 15
"""Frustration above a resolution's bound at which the customer takes the agreement back."""
EASY = 1
"""Difficulty at which a customer agrees without having objected once."""


def start(scenario: ScenarioSpec) -> PersonaState:
    """Return the state at the customer's first line (seq 0)."""
    return PersonaState(mind=scenario.opening.mind)


def respond(
    scenario: ScenarioSpec,
    state: PersonaState,
    learner_text: str,
    *,
    seed: int,
    seq: int,
    max_hostility: int = 3,
    word_budget: int | None = None,
    also: tuple[ActSpan, ...] = (),
) -> Move:
    """Return the engine's answer to one learner turn: a function of its arguments, integers only.

    `seq` is the reply's (even). The phrases of the reply are chosen here, and what the
    learner says is read against those of the reply before: so the state does not depend on who
    words the lines. `max_hostility` (0 to 3) bounds the customer's insults beside
    the scenario's own bound; at `word_budget` words of the learner in all the conversation ends.
    Of a turn in another language, `learner_text` is its English, and `also` are the acts that its
    reader named over it.
    """
    before = draft_before(scenario, state, seed)
    reading = appraise(state, learner_text, previous_customer=before, also=also)
    turn = _turn(scenario, state, reading)
    turn = replace(turn, max_hostility=max_hostility, word_budget=word_budget)
    decision = decide(turn)
    return _move(turn, decision, previous_customer=before, seed=seed, seq=seq)


def draft_before(scenario: ScenarioSpec, state: PersonaState, seed: int) -> str:
    """Return the embedded wording of the customer's last line."""
    if not state.turns:
        return opening_line(scenario, seed)
    return spoken(scenario, state.reply, state.reply_echo)


def _turn(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Turn:
    said = commitments(reading)
    now = [] if reading.is_noise else proposals(scenario, reading)
    deal = weigh(scenario, state, said, now)
    twist = None if deal.breaches else due_twist(scenario, state)
    known = recall(scenario, state, reading, deal, said)
    noticed = turn_rules(state, reading, notices(scenario, state, reading, deal, known))
    mind, causes = move_mind(scenario, state, reading, noticed, known, twist)
    after = _remember(scenario, state, mind, reading, noticed)
    counts = with_counts(after.counts, deal, known)
    after = replace(
        after,
        counts=counts,
        proposed=proposed(state, now),
        promises=with_promises(state, deal),
        breaches=tuple(dict.fromkeys((*state.breaches, *deal.breaches))),
        twists=(*state.twists, twist.key) if twist else state.twists,
    )
    ready = None if twist or deal.breaches else acceptable(scenario, after, reading, now)
    doubted = ready is not None and scenario.difficulty > EASY and not counts.get("objected")
    accepted = None if doubted else ready
    after = _agree(scenario, after, accepted)
    settled = twist is not None or accepted is not None
    return Turn(
        scenario=scenario,
        before=state,
        after=after,
        reading=reading,
        causes=causes,
        opened=None if settled else opened_fact(scenario, state, mind, reading),
        accepted=accepted,
        doubted=doubted,
        twist=twist,
        deal=deal,
        noticed=noticed,
        reminds=is_due(state, reading),
        volunteer=None if settled else volunteered_fact(scenario, state, mind, reading),
    )


def _move(turn: Turn, decision: Decision, *, previous_customer: str, seed: int, seq: int) -> Move:
    phrases, echo = choose(turn, decision, previous_customer=previous_customer, seed=seed, seq=seq)
    told = _told(decision)
    state = replace(_after_reply(turn, decision, phrases), reply=phrases, reply_echo=echo)
    return Move(
        state=replace(state, hint=hint(turn, decision, state)),
        acts=turn.reading.analysis.acts,
        causes=turn.causes,
        surface=decision.surface,
        opened=(told,) if told else (),
        end_reason=decision.end_reason,
        phrases=phrases,
        echo=echo,
        hostility=decision.hostility,
        twist=turn.twist.key if turn.twist and decision.surface is Surface.TWIST else None,
    )


def _after_reply(turn: Turn, decision: Decision, phrases: tuple[str, ...]) -> PersonaState:
    """Return the state with what the customer has said now."""
    state, surface = turn.after, decision.surface
    told = _told(decision)
    unasked = told and (turn.opened is None or turn.opened.key != told)
    counts = dict(state.counts)
    _count(counts, f"said:{surface}")
    if objects(decision) or turn.doubted:
        _count(counts, "objected")
    if surface is Surface.PARTIAL:
        _count(counts, decision.source)
    return replace(
        state,
        counts={name: counts[name] for name in sorted(counts)},
        open_facts=state.open_facts + ((told,) if told else ()),
        volunteered=state.volunteered + ((told,) if told and unasked else ()),
        used_phrases=(*state.used_phrases, *phrases),
        warnings=state.warnings + (surface is Surface.WARN_LEAVE),
        demands=state.demands + (surface is Surface.SUPERVISOR),
        waiting_for=next_question(
            state, asks(turn.scenario, phrases), reminded=surface is Surface.REMIND
        ),
        last_surface=surface,
    )


def _told(decision: Decision) -> str | None:
    """Return the fact that a reply tells: it is open once said, not when other words came first."""
    kind, _, key = decision.source.partition(":")
    return key if decision.surface is Surface.REVEAL and kind == "fact" else None


def _remember(
    scenario: ScenarioSpec,
    state: PersonaState,
    mind: Mind,
    reading: Reading,
    noticed: tuple[Notice, ...],
) -> PersonaState:
    counts = dict(state.counts)
    for act in reading.strengths:
        _count(counts, act.value)
    for notice in noticed:
        if notice.rule != "time":
            _count(counts, notice.rule)
    return replace(
        state,
        mind=mind,
        turns=state.turns + 1,
        words=state.words + reading.analysis.words,
        counts=counts,
        last_words=(*state.last_words, reading.fingerprint)[-REMEMBERED_TURNS:],
        done_steps=done_steps(scenario, state, reading),
        waiting_for=waiting(state, reading),
    )


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _agree(
    scenario: ScenarioSpec, state: PersonaState, accepted: Resolution | None
) -> PersonaState:
    """Note a new agreement, or take one back: a twist made it impossible, or the learner hurts."""
    if accepted is not None:
        return replace(state, resolution=accepted.key, accepted_at=state.turns)
    agreed = next((x for x in scenario.resolutions if x.key == state.resolution), None)
    if agreed is None:
        return state
    bearable = state.mind.frustration <= agreed.max_frustration + WITHDRAW_ABOVE
    if bearable and is_possible(agreed, state):
        return state
    return replace(state, resolution=None, accepted_at=None)

"""One short hint for the learner's next turn, by ordered rules; it gives nothing away."""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec

from services.sim_worker.engine.appraisal import Quality
from services.sim_worker.engine.decision import Decision, Turn
from services.sim_worker.engine.rules import read_table
from shared.contracts.dialogue import Act
from shared.contracts.simulation import PersonaState, Surface

MAX_CHARS = 90
"""The longest hint."""
_NAMES_IT = (Act.ACKNOWLEDGE_FEELING, Act.ACKNOWLEDGE_IMPACT)
_OFFERS = (Act.OFFER, Act.CONCEDE, Act.OFFER_CHOICE)


class Hint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule of the table."""

    when: str
    say: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=MAX_CHARS)], ...], msgspec.Meta(min_length=1)
    ]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an exchange, as the conditions look at it."""

    turn: Turn
    decision: Decision
    state: PersonaState
    """After the reply."""

    def did(self, *acts: Act) -> bool:
        """Say whether the learner's turn held any of these acts."""
        return self.turn.reading.has(*acts)

    def ever(self, *acts: Act) -> bool:
        """Say whether any turn of the learner held any of these acts."""
        return any(self.state.counts.get(act, 0) for act in acts)

    def broke(self, *rules: str) -> bool:
        """Say whether any of these rules of the turn as a whole held."""
        return any(notice.rule in rules for notice in self.turn.noticed)

    @property
    def agreed(self) -> bool:
        """Say whether the customer has agreed."""
        return self.state.resolution is not None


def hint(turn: Turn, decision: Decision, state: PersonaState) -> str:
    """Return the hint after a reply; empty when none is due, never the one shown before."""
    if decision.end_reason is not None:
        return ""
    moment = Moment(turn=turn, decision=decision, state=state)
    for rule in HINTS:
        if CONDITIONS[rule.when](moment):
            fresh = [text for text in rule.say if text != turn.before.hint]
            if fresh:
                return fresh[0]
    return ""


def _open_steps(moment: Moment) -> bool:
    """Say whether a step that comes before the end is open though something was put forward."""
    steps = moment.turn.scenario.steps
    return bool(moment.state.proposed) and any(
        step.key not in moment.state.done_steps and Act.RECAP not in step.acts for step in steps
    )


def _closed_only(moment: Moment) -> bool:
    return moment.state.turns >= 2 and not moment.ever(Act.OPEN_QUESTION) and not moment.agreed


def _may_offer(moment: Moment) -> bool:
    mind, state = moment.state.mind, moment.state
    ready = mind.trust >= 55 and mind.frustration <= 45 and len(state.open_facts) >= 2
    return ready and not state.proposed


CONDITIONS: Mapping[str, Callable[[Moment], bool]] = {
    "leaving": lambda m: m.decision.surface is Surface.WARN_LEAVE,
    "twisted": lambda m: m.decision.surface is Surface.TWIST,
    "contradicted": lambda m: m.broke("contradicted"),
    "insulted": lambda m: m.decision.surface is Surface.INSULT,
    "hurt": lambda m: m.turn.reading.is_hostile,
    "supervisor": lambda m: m.decision.surface is Surface.SUPERVISOR,
    "sold": lambda m: m.turn.reading.sells and not m.agreed,
    "noise": lambda m: (
        m.turn.reading.is_noise
        or m.turn.reading.quality is Quality.CLIPPED
        or m.broke("off_topic", "empty_turn")
    ),
    "asked_again": lambda m: m.broke("asked_twice", "asked_again"),
    "policy": lambda m: m.did(Act.CITE_POLICY),
    "jargon": lambda m: m.did(Act.JARGON),
    "too_long": lambda m: m.broke("monologue"),
    "recap": lambda m: m.agreed and not m.did(Act.RECAP) and m.state.accepted_at == m.state.turns,
    "goodbye": lambda m: m.agreed,
    "reminded": lambda m: m.decision.surface is Surface.REMIND,
    "told": lambda m: m.decision.surface in {Surface.REVEAL, Surface.PARTIAL},
    "guarded": lambda m: m.decision.source.startswith("guard:"),
    "bargains": lambda m: m.decision.surface is Surface.BARGAIN,
    "refused_only": lambda m: m.did(Act.REFUSE) and not m.did(*_OFFERS),
    "hesitates": lambda m: m.decision.source == "hesitate",
    "heated": lambda m: m.state.mind.frustration >= 60 and not m.did(*_NAMES_IT),
    "afraid": lambda m: m.state.mind.anxiety >= 70 and not m.did(Act.REASSURE),
    "step_missing": _open_steps,
    "untimed": lambda m: m.turn.reading.strengths.get(Act.NEXT_STEP, 0) == 1,
    "unanswered": lambda m: (
        m.state.waiting_for is not None and m.state.waiting_for.turn < m.state.turns
    ),
    "lost": lambda m: m.state.mind.clarity <= 30 and not m.did(Act.EXPLAIN),
    "tests": lambda m: m.decision.surface is Surface.TEST,
    "closed_only": _closed_only,
    "early_offer": lambda m: m.did(*_OFFERS) and not m.state.open_facts,
    "may_offer": _may_offer,
}
"""The conditions by name."""

HINTS = msgspec.convert(read_table("hints.yaml"), tuple[Hint, ...])
"""The table of this engine version, in order."""

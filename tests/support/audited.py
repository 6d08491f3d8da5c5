"""Conversations for the audit: with planted replies, and as the engine plays them."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from services.sim_worker.engine.conversation import start
from services.sim_worker.engine.playing import Trace
from shared.audit.audit import AuditedTurn, audit
from shared.contracts.dialogue import Act
from shared.contracts.scenario import (
    Answer,
    Fact,
    Leaving,
    Mind,
    Opening,
    Persona,
    Resolution,
    Role,
    ScenarioSpec,
    Temper,
)
from shared.contracts.simulation import PersonaState, Surface

CALM = Mind(trust=70, frustration=20, patience=70, clarity=70, anxiety=20, fairness=70)
OPENING = "The boiler is dead again and I've paid $312 for it in March."
SCENARIO = ScenarioSpec(
    slug="support-angry-boiler",
    title="The boiler",
    role=Role.SUPPORT,
    temper=Temper.ANGRY,
    difficulty=2,
    language="en",
    brief="Marta Lindqvist paid $312 in March. You may refund up to 20 percent within 14 days.",
    goals=("Find out why it matters.",),
    persona=Persona(name="Marta Lindqvist", summary="Runs a bakery.", style="plain"),
    opening=Opening(lines=(OPENING,), mind=replace(CALM, trust=30)),
    case={"company": "Hearth & Pipe"},
    facts=(
        Fact(
            key="inspector",
            text="The health inspector comes on the ninth. Without hot water he closes the bakery"
            " for good, and the loan was $48,250.",
            marks=("health inspector", "the ninth"),
        ),
        Fact(
            key="valve",
            text="My cousin bypassed the safety valve with a piece of garden hose. He swore nobody"
            " would ever notice it behind the cabinet.",
            marks=("garden hose", "my cousin"),
        ),
        Fact(
            key="money",
            text="The health inspector already fined me once, and the fine ate my rent.",
            marks=("fined me",),
            after_facts=("inspector",),
        ),
    ),
    steps=(),
    resolutions=(
        Resolution(
            key="technician",
            title="send a technician tomorrow",
            acts=(Act.OFFER,),
            needs_facts=("inspector",),
            min_trust=50,
            max_frustration=45,
        ),
    ),
    rubric="support",
    max_turns=8,
    idle_timeout_s=600,
    expected_handle_time_s=400,
    answers=(Answer(key="model", text="It's the small gray one in the cellar."),),
    leaving=Leaving(patience=8, frustration=88, warnings=1),
)
START = PersonaState(mind=SCENARIO.opening.mind)
AFTER = PersonaState(mind=CALM, turns=1)


def talk(
    *replies: str,
    said: str = "What happened?",
    state: PersonaState = AFTER,
    surface: Surface = Surface.ANSWER,
) -> list[AuditedTurn]:
    """Return a conversation in which the learner says one thing and hears these replies."""
    turns = [AuditedTurn(seq=0, role="customer", text=OPENING, state=START)]
    for number, reply in enumerate(replies):
        turns.append(AuditedTurn(seq=2 * number + 1, role="learner", text=said))
        turns.append(
            AuditedTurn(
                seq=2 * number + 2, role="customer", text=reply, state=state, surface=surface
            )
        )
    return turns


def codes(*replies: str, end_reason: str | None = None, **options: Any) -> list[str]:
    """Return the codes of the faults in a conversation with these replies."""
    return [fault.code for fault in audit(SCENARIO, talk(*replies, **options), end_reason)]


def audited(
    scenario: ScenarioSpec, trace: Trace, instead: Mapping[int, str] | None = None
) -> tuple[AuditedTurn, ...]:
    """Return the turns of a played conversation; `instead` has other words for some of them."""
    turns = [AuditedTurn(seq=0, role="customer", text=trace.opening, state=start(scenario))]
    for number, exchange in enumerate(trace.exchanges):
        seq = 2 * number + 2
        turns.append(AuditedTurn(seq=seq - 1, role="learner", text=exchange.learner))
        turns.append(
            AuditedTurn(
                seq=seq,
                role="customer",
                text=(instead or {}).get(seq, exchange.reply),
                state=exchange.move.state,
                surface=exchange.move.surface,
            )
        )
    return tuple(turns)

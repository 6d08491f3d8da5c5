"""What is known about a learner turn, and what the customer does about it."""

import msgspec

from services.sim_worker.engine.appraisal import Reading
from services.sim_worker.engine.memory import Notice
from services.sim_worker.engine.terms import Deal
from shared.contracts.scenario import Fact, Resolution, ScenarioSpec, Twist
from shared.contracts.simulation import Cause, EndReason, PersonaState, Surface


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about a learner turn once the mind has moved."""

    scenario: ScenarioSpec
    before: PersonaState
    after: PersonaState
    reading: Reading
    causes: tuple[Cause, ...]
    opened: Fact | None
    """The fact that the learner's words open."""
    accepted: Resolution | None
    doubted: bool = False
    """Whether the customer would agree, had they not to object once first."""
    twist: Twist | None = None
    """What changes in this turn."""
    deal: Deal = Deal()
    """What the turn commits the learner to."""
    noticed: tuple[Notice, ...] = ()
    """The rules of the turn as a whole that held."""
    reminds: bool = False
    """Whether a question of the customer has waited long enough."""
    volunteer: Fact | None = None
    """A fact that the customer would tell unasked."""
    max_hostility: int = 3
    word_budget: int | None = None
    """Words that the learner may say in all; None: no limit."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The surface, where its words come from, and the end, if it ends."""

    surface: Surface
    source: str = ""
    """`answer:<key>`, `fact:<key>`, `guard:<key>`, `partial:<key>`, `twist:<key>`,
    `insult:<level>`, `remind:<kind>` or the name of a bank of phrases."""
    end_reason: EndReason | None = None
    hostility: int = 0
    """The level of an insult, 1 to 3; else 0."""


def stated(surface: Surface) -> Decision:
    """Return a reply from the bank that bears the surface's name."""
    return Decision(surface=surface, source=str(surface))

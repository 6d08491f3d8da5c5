"""State and results of the persona engine."""

from enum import StrEnum
from typing import Literal

import msgspec

from shared.contracts.base import Record
from shared.contracts.dialogue import ActSpan
from shared.contracts.scenario import Mind

Profile = Literal[
    "skilled",
    "average",
    "unskilled",
    "policy-robot",
    "over-apologizer",
    "pushover",
    "rude",
    "silent",
    "parrot",
    "prompt-attacker",
]
"""Scripted learners; `services/sim_worker/engine/learners` plays them."""


class EndReason(StrEnum):
    """Why a simulation ended; decided in code, never by wording."""

    GOAL_MET = "goal_met"
    LEARNER_ENDED = "learner_ended"
    CUSTOMER_LEFT = "customer_left"
    MAX_TURNS = "max_turns"
    OUT_OF_POLICY = "out_of_policy"
    """The customer got what policy forbids: agreed, and no good end."""
    ESCALATED = "escalated"
    """The learner passed the customer on to somebody else."""
    BUDGET = "budget"
    """The conversation's budget of words is spent."""
    IDLE = "idle"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """The next turn could not be made; never the learner's doing."""


class Surface(StrEnum):
    """What the customer visibly does in a reply."""

    ANSWER = "answer"
    REVEAL = "reveal"
    OBJECT = "object"
    VENT = "vent"
    DEFLECT = "deflect"
    TEST = "test"
    SOFTEN = "soften"
    CONFUSED = "confused"
    WARN_LEAVE = "warn_leave"
    ACCEPT = "accept"
    REFUSE = "refuse"
    FAREWELL = "farewell"
    HANG_UP = "hang_up"
    PARTIAL = "partial"
    """Half of the truth."""
    SARCASM = "sarcasm"
    INSULT = "insult"
    """`Move.hostility` has the level."""
    INTERRUPT = "interrupt"
    SUPERVISOR = "supervisor"
    SILENCE = "silence"
    THANK = "thank"
    BARGAIN = "bargain"
    CORRECT = "correct"
    """Points out a contradiction."""
    REMIND = "remind"
    """Returns to an unanswered question."""
    TWIST = "twist"


class Cause(Record, frozen=True, kw_only=True):
    """One change of the mind and what the learner did to cause it."""

    dimension: str
    """A field of `Mind`."""
    delta: int
    why: str
    """A short rule text, free of the learner's words, for example `acknowledged the feeling`."""


class Promise(Record, frozen=True, kw_only=True):
    """A number or day that the learner committed to; the customer remembers it."""

    turn: int
    """Learner turn, from 1."""
    kind: str
    """A `QuantityKind`, or `day` for a named day or hour."""
    value: str
    """The number, or the day from a closed list: never free text."""
    about: str = ""
    """Key of the resolution it belongs to; empty when it belongs to none."""


class Asked(Record, frozen=True, kw_only=True):
    """A question of the customer that waits for an answer."""

    turn: int
    kind: str
    """`when`, `who`, `how`, `why`, `sure` or `what`."""
    reminded: int = 0


class PersonaState(Record, frozen=True, kw_only=True):
    """Everything the engine remembers between turns: the checkpoint after each reply."""

    mind: Mind
    open_facts: tuple[str, ...] = ()
    """Keys, in the order they opened."""
    volunteered: tuple[str, ...] = ()
    """The open facts that the customer told unasked."""
    done_steps: tuple[str, ...] = ()
    """Keys, in the order they were done."""
    resolution: str | None = None
    """Key of the accepted resolution."""
    turns: int = 0
    """Learner turns so far."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each act came, by act value; stock phrases wear out. Also what the customer
    remembers by name (`asked:<answer>`, `touch:<n>`)."""
    last_words: tuple[int, ...] = ()
    """Stable hashes of the learner's last turns, to notice repetition."""
    used_phrases: tuple[str, ...] = ()
    """Keys of phrases already said, so that none comes twice."""
    reply: tuple[str, ...] = ()
    """Keys of the phrases of the last reply. What the learner says next is read against these, and
    not against the worded line: so no wording can change what the customer feels."""
    reply_echo: str = ""
    """`Move.echo` of the last reply."""
    proposed: tuple[str, ...] = ()
    """Keys of resolutions that the learner has put forward; the customer remembers them."""
    promises: tuple[Promise, ...] = ()
    waiting_for: Asked | None = None
    """The customer's own question that was not answered yet."""
    twists: tuple[str, ...] = ()
    """Keys of the twists that happened."""
    breaches: tuple[str, ...] = ()
    """Keys of what the learner gave against policy (`give_away` for an unbounded gift)."""
    warnings: int = 0
    """How often the customer said that they are about to leave."""
    demands: int = 0
    """How often the customer asked for a supervisor."""
    words: int = 0
    """Words said by the learner so far."""
    accepted_at: int | None = None
    """Learner turn in which the resolution was accepted."""
    last_surface: Surface | None = None
    """What the customer visibly did in the last reply; None before the first."""
    hint: str = ""
    """A short hint for the learner's next turn, derived from the rules; shown only where hints are
    on. Empty: none is due."""


class Move(Record, frozen=True, kw_only=True):
    """The engine's answer to one learner turn, before wording."""

    state: PersonaState
    acts: tuple[ActSpan, ...]
    causes: tuple[Cause, ...]
    surface: Surface
    opened: tuple[str, ...]
    """Keys of the facts that opened in this turn."""
    end_reason: EndReason | None
    phrases: tuple[str, ...] = ()
    """Keys of the phrases that the embedded wording says, in order; chosen here, so that the state
    is the same whoever words the line."""
    echo: str = ""
    """What the customer takes up: a day or hour, an amount, an everyday noun from a closed list, or
    an earlier promise; never free text."""
    hostility: int = 0
    """0 civil .. 3 gross; never above the scenario's (or tenant's) `max_hostility`."""
    twist: str | None = None
    """Key of the twist that happened in this reply."""


class FactOutcome(StrEnum):
    """How a fact of the vault ended."""

    ELICITED = "elicited"
    """The learner earned it."""
    VOLUNTEERED = "volunteered"
    """The customer told it unasked."""
    LEAKED = "leaked"
    """It was said while it was locked: a fault of the simulator."""
    UNDISCOVERED = "undiscovered"


class Fault(Record, frozen=True, kw_only=True):
    """A fault of the simulator, found by the audit; docs/persona.md lists the codes."""

    code: str
    seq: int
    """The customer's turn that shows it."""
    subject: str = ""
    """Key of the fact or resolution, where one is meant."""


class Outcome(StrEnum):
    """What a conversation came to."""

    RESOLVED = "resolved"
    OUT_OF_POLICY = "out_of_policy"
    UNRESOLVED = "unresolved"


def outcome_of(state: PersonaState) -> Outcome:
    """Return what the conversation came to so far."""
    if state.breaches:
        return Outcome.OUT_OF_POLICY
    return Outcome.RESOLVED if state.resolution else Outcome.UNRESOLVED


class Line(Record, frozen=True, kw_only=True):
    """One line of a conversation as the engines see it."""

    role: str
    """`agent` (the learner) or `customer`."""
    text: str

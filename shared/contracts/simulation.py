"""State and results of the persona engine."""

from enum import StrEnum

import msgspec

from shared.contracts.base import Record
from shared.contracts.dialogue import ActSpan
from shared.contracts.scenario import Mind


class EndReason(StrEnum):
    """Why a simulation ended; decided in code, never by wording."""

    GOAL_MET = "goal_met"
    LEARNER_ENDED = "learner_ended"
    CUSTOMER_LEFT = "customer_left"
    MAX_TURNS = "max_turns"
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


class Cause(Record, frozen=True, kw_only=True):
    """One change of the mind and what the learner did to cause it."""

    dimension: str
    """A field of `Mind`."""
    delta: int
    why: str
    """A short rule text, free of the learner's words, for example `acknowledged the feeling`."""


class PersonaState(Record, frozen=True, kw_only=True):
    """Everything the engine remembers between turns: the checkpoint after each reply."""

    mind: Mind
    open_facts: tuple[str, ...] = ()
    """Keys, in the order they opened."""
    done_steps: tuple[str, ...] = ()
    """Keys, in the order they were done."""
    resolution: str | None = None
    """Key of the accepted resolution."""
    turns: int = 0
    """Learner turns so far."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each act came, by act value; stock phrases wear out."""
    last_words: tuple[int, ...] = ()
    """Stable hashes of the learner's last turns, to notice repetition."""
    used_phrases: tuple[str, ...] = ()
    """Keys of phrases already said, so that none comes twice."""
    proposed: tuple[str, ...] = ()
    """Keys of resolutions that the learner has put forward; the customer remembers them."""
    warnings: int = 0
    """How often the customer said that they are about to leave."""
    accepted_at: int | None = None
    """Learner turn in which the resolution was accepted."""


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
    """A day or hour that the learner named, for the customer to take up; from a closed list."""


class Line(Record, frozen=True, kw_only=True):
    """One line of a conversation as the engines see it."""

    role: str
    """`agent` (the learner) or `customer`."""
    text: str

"""Scenario versions: immutable data that the persona engine runs and the API shows."""

from enum import StrEnum
from typing import Annotated

import msgspec

from shared.contracts.base import Authored, Record
from shared.contracts.dialogue import Act

Level = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""A quantity of the customer's mind, 0 (none) to 100 (utmost)."""


class Role(StrEnum):
    """The learner's job in the conversation."""

    SUPPORT = "support"
    SALES = "sales"
    FRAUD = "fraud"
    COLLECTIONS = "collections"


class Temper(StrEnum):
    """How the customer arrives."""

    ANGRY = "angry"
    SUSPICIOUS = "suspicious"
    NERVOUS = "nervous"
    DEFENSIVE = "defensive"
    FRUSTRATED = "frustrated"
    CONFUSED = "confused"


class Mind(Record, frozen=True, kw_only=True):
    """What the customer feels now; integers, so that every machine computes the same."""

    trust: Level
    frustration: Level
    patience: Level
    clarity: Level
    anxiety: Level
    fairness: Level
    """Perceived fairness of the treatment."""


class Opening(Authored, frozen=True, kw_only=True):
    """How the conversation starts."""

    lines: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """First lines of the customer; the seed picks one."""
    mind: Mind


class Fact(Authored, frozen=True, kw_only=True):
    """Something the customer knows and does not say until the learner earns it."""

    key: str
    text: str
    """The customer's own sentence that reveals it."""
    needs_acts: tuple[Act, ...] = ()
    """Any one of these acts in the learner's turn opens the fact; empty means no act is needed."""
    needs_topics: tuple[str, ...] = ()
    """Any one of these stems must be in the learner's turn; empty: no topic is needed."""
    min_trust: Level = 0
    guard: tuple[str, ...] = ()
    """What the customer says when asked about it too early; must not give the fact away."""
    reflected: str = ""
    """The fact as a good listener gives it back, in the second person, without a capital or full
    stop (`you moved the party to Saturday`). Scripted learners use it once the fact is open."""


class Answer(Authored, frozen=True, kw_only=True):
    """Something the customer says freely when asked; no secret."""

    key: str
    text: str
    acts: tuple[Act, ...] = ()
    """Any one of these acts calls for it; empty means any question."""
    topics: tuple[str, ...] = ()
    """Any one of these stems must be in the learner's turn; empty: no topic is needed."""
    min_trust: Level = 0


class Voice(Authored, frozen=True, kw_only=True):
    """The customer's own lines for this case, by what they do with them; each is said once.

    Lines may hold slots of `case` in braces, and none of them may hint at a locked fact.
    """

    vent: tuple[str, ...] = ()
    press: tuple[str, ...] = ()
    """Comes back to the problem when the learner has moved nothing on."""
    object: tuple[str, ...] = ()
    """Answers an offer that is not good enough yet."""
    test: tuple[str, ...] = ()
    deflect: tuple[str, ...] = ()
    soften: tuple[str, ...] = ()
    confused: tuple[str, ...] = ()
    hesitate: tuple[str, ...] = ()
    """Says no to an offer that would fit, because something that matters was never asked."""
    refuse: tuple[str, ...] = ()
    warn_leave: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    farewell: tuple[str, ...] = ()
    """Last line after a good end."""
    cut_short: tuple[str, ...] = ()
    """Last line when the learner ends without a solution."""
    out_of_time: tuple[str, ...] = ()
    """Last line when the turns run out."""
    hang_up: tuple[str, ...] = ()
    reactions: dict[Act, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """First words of a reply to this act of the learner."""


class Step(Authored, frozen=True, kw_only=True):
    """A required process step, done when any of its acts (and topics) is seen in a learner turn."""

    key: str
    title: str
    acts: tuple[Act, ...]
    topics: tuple[str, ...] = ()
    before: str | None = None
    """Key of a step that must not come earlier than this one."""


class Resolution(Authored, frozen=True, kw_only=True):
    """What the customer accepts as a good end."""

    key: str
    title: str
    acts: tuple[Act, ...]
    topics: tuple[str, ...] = ()
    needs_facts: tuple[str, ...] = ()
    """Facts that must be open before this resolution can be accepted."""
    needs_steps: tuple[str, ...] = ()
    min_trust: Level = 0
    max_frustration: Level = 100


class Persona(Authored, frozen=True, kw_only=True):
    """Who the customer is."""

    name: str
    summary: str
    style: str
    """`curt`, `chatty`, `formal` or `plain`: which phrase bank words the lines."""
    soft_spots: tuple[Act, ...] = ()
    """Acts that work twice as well on this person."""
    triggers: tuple[Act, ...] = ()
    """Acts that hurt twice as much."""


class ScenarioSpec(Authored, frozen=True, kw_only=True):
    """One version of a scenario."""

    slug: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    title: str
    role: Role
    temper: Temper
    difficulty: Annotated[int, msgspec.Meta(ge=1, le=5)]
    language: str
    brief: str
    """What the learner reads before the start."""
    goals: tuple[str, ...]
    persona: Persona
    opening: Opening
    case: dict[str, str]
    """Slots for wording: names, amounts, products."""
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]
    resolutions: tuple[Resolution, ...]
    rubric: str
    """Slug of the rubric that scores it."""
    max_turns: Annotated[int, msgspec.Meta(ge=2, le=60)]
    """Learner turns after which the conversation ends."""
    idle_timeout_s: Annotated[int, msgspec.Meta(ge=60)]
    expected_handle_time_s: int
    answers: tuple[Answer, ...] = ()
    voice: Voice = Voice()


def opening_line(scenario: ScenarioSpec, seed: int) -> str:
    """Return the customer's first line for this seed."""
    return scenario.opening.lines[seed % len(scenario.opening.lines)]

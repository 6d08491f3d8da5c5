"""Scenario versions: immutable data that the persona engine runs and the API shows."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from shared.contracts.base import Authored, Record
from shared.contracts.dialogue import Act, QuantityKind

Level = Annotated[int, msgspec.Meta(ge=0, le=100)]
"""A quantity of the customer's mind, 0 (none) to 100 (utmost)."""

Dimension = Literal["trust", "frustration", "patience", "clarity", "anxiety", "fairness"]
"""A field of `Mind`."""

_MOST_SECONDS = 2**31 - 1

Whole = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""Within what a client in any language counts."""

Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Key = Annotated[str, msgspec.Meta(pattern="^[a-z0-9]+(_[a-z0-9]+)*$", max_length=60)]
"""The name of a part of a scenario, unique among the parts of its kind."""


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

    key: Key
    text: str
    """The customer's own sentence that reveals it."""
    marks: tuple[str, ...] = ()
    """Words of `text` that give the fact away wherever they appear (`safe account`), whatever the
    case and spacing. They are in no line that may be said before the fact opens."""
    needs_acts: tuple[Act, ...] = ()
    """Any one of these acts in the learner's turn opens the fact; empty means no act is needed."""
    needs_topics: tuple[str, ...] = ()
    """Any one of these stems must be in the learner's turn; empty: no topic is needed."""
    min_trust: Level = 0
    max_frustration: Level = 100
    after_facts: tuple[str, ...] = ()
    """Facts that must be open before this one can be."""
    after_twist: str | None = None
    """The twist that must have happened before."""
    volunteer_trust: Level | None = None
    """Trust from which the customer tells it unasked, when nothing else must be answered."""
    guard: tuple[str, ...] = ()
    """What the customer says when asked about it too early; must not give the fact away."""
    partial: str = ""
    """Half of the truth: said once when the learner asks rightly but is up to ten points of trust
    short; must not give the fact away. Empty: the customer only guards."""
    reflected: str = ""
    """The fact as a good listener gives it back, in the second person, without a capital or full
    stop (`you moved the party to Saturday`). Scripted learners use it once the fact is open."""


class Answer(Authored, frozen=True, kw_only=True):
    """Something the customer says freely when asked; no secret."""

    key: Key
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
    sarcasm: tuple[str, ...] = ()
    interrupt: tuple[str, ...] = ()
    """Cuts in on a learner who talks too long or past the point."""
    insult: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Insults by level, `1` (needling) to `3` (gross); said only within `max_hostility`."""
    supervisor: tuple[str, ...] = ()
    """Demands somebody else to talk to."""
    bargain: tuple[str, ...] = ()
    """Answers an offer that goes the right way and not far enough."""
    thank: tuple[str, ...] = ()
    correct: tuple[str, ...] = ()
    """Points out that the learner has contradicted an earlier promise."""
    remind: tuple[str, ...] = ()
    """Comes back to a question that the learner left unanswered."""
    silence: tuple[str, ...] = ()
    """Says nearly nothing (`...`, `Mm.`)."""
    out_of_policy: tuple[str, ...] = ()
    """Takes what the learner should never have given; the last line of that conversation."""
    escalated: tuple[str, ...] = ()
    """Last line when the learner passes the customer on."""
    idle: tuple[str, ...] = ()
    """Last line when the learner stays away."""
    budget: tuple[str, ...] = ()
    """Last line when the conversation's budget of words is spent."""


class Step(Authored, frozen=True, kw_only=True):
    """A required process step, done when any of its acts (and topics) is seen in a learner turn."""

    key: Key
    title: str
    acts: tuple[Act, ...]
    topics: tuple[str, ...] = ()
    before: str | None = None
    """Key of a step that must not come earlier than this one."""


class Need(Authored, frozen=True, kw_only=True):
    """What the customer really needs, behind what they ask for."""

    key: Key
    title: str


class Term(Authored, frozen=True, kw_only=True):
    """A number in a deal, and its bounds; None means no bound on that side.

    Money is in hundredths. A number counts for the term when the learner names it in an offering
    turn near one of the `about` stems. A turn that names none leaves the term as the title has it.
    """

    kind: QuantityKind
    about: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Stems of which one stands near the number (`credit`, `refund`, `per month`)."""
    accept_min: Whole | None = None
    """The customer takes nothing below this (`bargain`)."""
    accept_max: Whole | None = None
    """The customer takes nothing above this (a price, a waiting time)."""
    policy_min: Whole | None = None
    """The learner may not go below this."""
    policy_max: Whole | None = None
    """The learner may not go above this."""


class Resolution(Authored, frozen=True, kw_only=True):
    """What the customer accepts as a good end: it meets needs, within policy."""

    key: Key
    title: str
    """What the learner would do, after `I can` or `I'll` (`send a courier tonight`); its own
    numbers lie within the terms."""
    acts: tuple[Act, ...]
    topics: tuple[str, ...] = ()
    meets: tuple[str, ...] = ()
    """Keys of the needs that it meets."""
    terms: tuple[Term, ...] = ()
    needs_facts: tuple[str, ...] = ()
    """Facts that must be open before this resolution can be accepted."""
    needs_steps: tuple[str, ...] = ()
    min_trust: Level = 0
    max_frustration: Level = 100
    after_twist: str | None = None
    """The twist from which on it is possible."""
    until_twist: str | None = None
    """The twist that makes it impossible; the customer takes an agreement on it back."""


class Forbidden(Authored, frozen=True, kw_only=True):
    """What policy does not allow the learner to give; the customer would gladly take it."""

    key: Key
    title: str
    """What an easy touch would promise, after `I can` or `I'll` (`waive the whole balance`)."""
    topics: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Stems; any one of them in a turn that offers, concedes or gives away is a breach."""


class Twist(Authored, frozen=True, kw_only=True):
    """Something that changes mid-way, once: in the turn in which its first condition holds."""

    key: Key
    title: str
    lines: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """The customer's line; the seed picks one."""
    turn: Annotated[int, msgspec.Meta(ge=2, le=40)] | None = None
    """Happens in this turn of the learner, unless something was agreed before."""
    after_fact: str | None = None
    """Happens in the turn after this fact opened."""
    after_proposal: str | None = None
    """Happens in the turn after this resolution was put forward."""
    change: dict[Dimension, Whole] = msgspec.field(default_factory=dict)
    """Points by dimension, as they are."""


class Touch(Authored, frozen=True, kw_only=True):
    """Words that touch this person, whatever act they come in."""

    stems: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    why: str
    """The cause that is shown (`brought up her brother`)."""
    change: dict[Dimension, Whole]


class Persona(Authored, frozen=True, kw_only=True):
    """Who the customer is."""

    name: str
    summary: str
    style: Literal["curt", "chatty", "formal", "plain"]
    """Which phrases word the common lines."""
    traits: tuple[str, ...] = ()
    """In a word or two each (`proud`, `counts every cent`)."""
    calms: tuple[str, ...] = ()
    """What calms this person, for authors and trainers; the rules below do it."""
    escalates: tuple[str, ...] = ()
    """What escalates, likewise."""
    soft_spots: tuple[Act, ...] = ()
    """Acts that work twice as well on this person."""
    triggers: tuple[Act, ...] = ()
    """Acts that hurt twice as much."""
    sore_points: tuple[Touch, ...] = ()
    """Words that hurt this person; each does so once per turn, at most twice in a conversation."""
    warm_points: tuple[Touch, ...] = ()
    """Words that do them good; each works once."""


class Leaving(Authored, frozen=True, kw_only=True):
    """When this customer has had enough."""

    patience: Level = 8
    """Leaves at this patience or below."""
    frustration: Level = 88
    """Leaves at this frustration or above, once patience is at 30 or below."""
    warnings: Annotated[int, msgspec.Meta(ge=0, le=3)] = 1
    """How often they announce it first."""
    supervisor: Level | None = None
    """Frustration from which they demand a supervisor, once; None: never."""


class ScenarioSpec(Authored, frozen=True, kw_only=True):
    """One version of a scenario."""

    slug: Slug
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
    idle_timeout_s: Annotated[int, msgspec.Meta(ge=60, le=_MOST_SECONDS)]
    expected_handle_time_s: Annotated[int, msgspec.Meta(ge=0, le=_MOST_SECONDS)]
    answers: tuple[Answer, ...] = ()
    voice: Voice = Voice()
    needs: tuple[Need, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    allows_give_away: bool = False
    """Whether a gift without bound (`give_away`) is within policy here; else it is a breach."""
    twists: tuple[Twist, ...] = ()
    leaving: Leaving = Leaving()
    max_hostility: Annotated[int, msgspec.Meta(ge=0, le=3)] = 2
    """0 no insults .. 3 gross ones."""
    skills: tuple[str, ...] = ()
    """Keys of the skill taxonomy that this case exercises most."""


_CLOSING = {
    "idle": "Hello? ... I don't think anybody is there. I'm hanging up.",
    "budget": "I'm sorry, I have to stop here. I've no time left for this.",
}
"""Last lines for scenarios that bring none of their own."""


def closing_line(own: Sequence[str], case: Mapping[str, str], reason: str, seed: int) -> str | None:
    """Return the customer's last line for an end that no reply makes, as `idle`.

    `own` are the scenario's lines for this reason. None when there is nothing to say: `cancelled`,
    `failed`.
    """
    if not own:
        return _CLOSING.get(reason)
    line = own[seed % len(own)]
    for slot, value in case.items():
        line = line.replace(f"{{{slot}}}", value)
    return line


def opening_line(scenario: ScenarioSpec, seed: int) -> str:
    """Return the customer's first line for this seed."""
    return scenario.opening.lines[seed % len(scenario.opening.lines)]

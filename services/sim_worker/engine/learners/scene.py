"""What a scripted learner has in mind when it is their turn, and how they pick a line."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.mood import mood
from services.sim_worker.engine.slots import fill
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Resolution, ScenarioSpec, Step
from shared.contracts.simulation import Line, PersonaState

HEATED = frozenset({"furious", "angry", "out of patience"})
"""Moods in which a person wants to be heard before anything else."""
AFRAID = frozenset({"frightened", "nervous", "uneasy"})
DOUBTING = frozenset({"suspicious", "wary"})
CALM = frozenset({"calmer", "won over"})

_OPENING_CHARS = 12
"""Lines that share as many first characters sound alike."""
_TELLING = frozenset({"promise", "cause", "disclosure", "ownership", "impact"})
"""Slots that carry a message: heard once, they are not told again while there is a choice."""
_SLOT = re.compile(r"\{(\w+)\}")


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """The learner's view: the public case, what was said, the mood, and nothing of the rules."""

    scenario: ScenarioSpec
    state: PersonaState
    seed: int
    own: tuple[str, ...]
    """The learner's lines so far."""
    said: str
    """The same in one text."""
    heard: tuple[str, ...]
    """The customer's lines so far, the opening first."""

    @property
    def turns(self) -> int:
        """How often the learner has spoken."""
        return len(self.own)

    @property
    def last(self) -> str:
        """What the customer said last."""
        return self.heard[-1] if self.heard else ""

    @property
    def mood(self) -> str:
        """The mood in a word, as a person would hear it."""
        return mood(self.state.mind)

    def chance(self, place: str, percent: int) -> bool:
        """Draw for this turn: true in so many of a hundred cases."""
        return draw(self.seed, self.turns, f"{self.scenario.slug}:{place}", 100) < percent

    def lot(self, place: str, sides: int) -> int:
        """Draw once for the whole conversation: 0..sides-1."""
        return draw(self.seed, 0, f"{self.scenario.slug}:{place}", sides)

    def has_told(self, slot: str) -> bool:
        """Say whether the words of this slot of the case were said."""
        return self.scenario.case[slot][1:].rstrip(".") in self.said

    def say(
        self, options: Sequence[str], place: str, extra: Mapping[str, str] | None = None
    ) -> str:
        """Return an option not said yet, slots filled; another again when all were said.

        An option that begins like something said before counts as said, and one that would tell
        the same thing again comes late.
        """
        slots = {**self.scenario.case, **extra} if extra else self.scenario.case
        start = self.lot(place, len(options))
        turned = (*options[start:], *options[:start])
        retold: str | None = None
        for option in turned:
            if self._was_begun(option, slots):
                continue
            if not any(map(self.has_told, _telling(option))):
                return fill(option, slots)
            retold = option if retold is None else retold
        return fill(turned[self.turns % len(turned)] if retold is None else retold, slots)

    def was_said(self, options: Sequence[str]) -> bool:
        """Say whether one of these lines, which begin without a slot, was said before."""
        return any(option.partition("{")[0] in self.said for option in options)

    def _was_begun(self, option: str, slots: Mapping[str, str]) -> bool:
        lead = option.partition("{")[0]
        if len(lead) < _OPENING_CHARS:  # too few words before the slot to tell lines apart
            lead = fill(option, slots)
        return lead in self.said if lead else "" in self.own  # a silence is a line, too


def look(scenario: ScenarioSpec, state: PersonaState, lines: Sequence[Line], *, seed: int) -> Scene:
    """Return the scene after these lines."""
    own = tuple(line.text for line in lines if line.role == "agent")
    return Scene(
        scenario=scenario,
        state=state,
        seed=seed,
        own=own,
        said="\n".join(own),
        heard=tuple(line.text for line in lines if line.role == "customer"),
    )


def due_step(scene: Scene) -> Step | None:
    """Return the next process step that belongs before an offer, in the scenario's order."""
    for step in scene.scenario.steps:
        if step.key in scene.state.done_steps or Act.RECAP in step.acts:
            continue
        if {Act.VERIFY_IDENTITY, Act.DISCLOSE, Act.EXPLAIN} & set(step.acts):
            return step
    return None


def agreed(scene: Scene) -> Resolution | None:
    """Return what was agreed, if anything."""
    key = scene.state.resolution
    return next((item for item in scene.scenario.resolutions if item.key == key), None)


def offers_of(scene: Scene, resolution: Resolution) -> int:
    """Return how often the learner has named this solution."""
    return scene.said.count(resolution.title)


@cache
def _telling(option: str) -> tuple[str, ...]:
    return tuple(slot for slot in _SLOT.findall(option) if slot in _TELLING)

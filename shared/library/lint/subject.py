"""A scenario under examination: what can be reached in it at all."""

from collections.abc import Iterator
from functools import cached_property

from shared.contracts.dialogue import Act
from shared.contracts.scenario import Fact, Resolution, ScenarioSpec, Twist

LANGUAGES = frozenset({"en"})
"""What the embedded engine speaks."""

TOP_TRUST = 90
"""No good path gets above this within a conversation, whoever the customer is."""

TRUST_PER_TURN = 8
"""Points of trust that an excellent turn brings."""

LOW_FRUSTRATION = 8
"""No angry customer gets calmer than this."""

HURTFUL = frozenset(
    {
        Act.BLAME,
        Act.CITE_POLICY,
        Act.DISMISS,
        Act.HOLD,
        Act.INSULT,
        Act.INTERRUPT,
        Act.JARGON,
        Act.PRESSURE,
        Act.REPEAT,
        Act.REPROACH,
        Act.RUSH,
        Act.SARCASM,
        Act.STOCK_EMPATHY,
        Act.THREATEN,
        Act.UPSELL,
    }
)
"""Acts that do a customer no good."""


class Subject:
    """A scenario, and what the rules need to know of it; everything is computed once."""

    def __init__(self, spec: ScenarioSpec, rubrics: frozenset[str]) -> None:
        self.spec = spec
        self.rubrics = rubrics
        """Slugs of the rubrics that exist."""

    @cached_property
    def trust(self) -> int:
        """The highest trust that can be reached."""
        gained = self.spec.opening.mind.trust + TRUST_PER_TURN * self.spec.max_turns
        return max(self.spec.opening.mind.trust, min(TOP_TRUST, gained))

    @cached_property
    def cyclic_steps(self) -> frozenset[str]:
        """Keys of the steps that wait for themselves."""
        after = {step.key: step.before for step in self.spec.steps}
        return frozenset(key for key in after if key in _followed(after, key))

    @cached_property
    def _reached(self) -> tuple[frozenset[str], frozenset[str]]:
        """Facts that can open and twists that can happen: grown until nothing is added."""
        facts: set[str] = set()
        twists: set[str] = set()
        before = -1
        while before != len(facts) + len(twists):
            before = len(facts) + len(twists)
            twists |= {x.key for x in self.spec.twists if self._may_fire(x, facts)}
            facts |= {x.key for x in self.spec.facts if not any(self.locks(x, facts, twists))}
        return frozenset(facts), frozenset(twists)

    @property
    def facts(self) -> frozenset[str]:
        """Keys of the facts that some path opens."""
        return self._reached[0]

    @property
    def twists(self) -> frozenset[str]:
        """Keys of the twists that can happen."""
        return self._reached[1]

    def _may_fire(self, twist: Twist, facts: set[str]) -> bool:
        resolutions = {resolution.key for resolution in self.spec.resolutions}
        return (
            (twist.turn is not None and twist.turn <= self.spec.max_turns)
            or twist.after_fact in facts
            or twist.after_proposal in resolutions
        )

    def locks(
        self, fact: Fact, facts: "frozenset[str] | set[str]", twists: "frozenset[str] | set[str]"
    ) -> Iterator[str]:
        """Yield why a fact stays shut, when these facts and twists are to be had."""
        if fact.min_trust > self.trust:
            yield f"it needs trust {fact.min_trust}, and no path gets above {self.trust}"
        if fact.max_frustration < LOW_FRUSTRATION:
            yield f"it needs frustration {fact.max_frustration} or less, which nobody reaches"
        missing = sorted(set(fact.after_facts) - set(facts))
        if missing:
            yield f"it waits for {', '.join(missing)}, which cannot open before it"
        if fact.after_twist is not None and fact.after_twist not in twists:
            yield f"it waits for the twist {fact.after_twist}, which never happens"

    def obstacles(self, resolution: Resolution) -> Iterator[str]:
        """Yield why no path reaches a resolution."""
        facts = sorted(set(resolution.needs_facts) - self.facts)
        if facts:
            yield f"it needs the fact {', '.join(facts)}, which no path opens"
        known = {step.key for step in self.spec.steps}
        steps = sorted(set(resolution.needs_steps) - (known - self.cyclic_steps))
        if steps:
            yield f"it needs the step {', '.join(steps)}, which cannot be done"
        if resolution.after_twist is not None and resolution.after_twist not in self.twists:
            yield f"it waits for the twist {resolution.after_twist}, which never happens"
        if resolution.after_twist is not None and resolution.after_twist == resolution.until_twist:
            yield "the twist that makes it possible makes it impossible as well"
        if resolution.min_trust > self.trust:
            yield f"it needs trust {resolution.min_trust}, and no path gets above {self.trust}"
        if resolution.max_frustration < LOW_FRUSTRATION:
            yield f"it needs frustration {resolution.max_frustration} or less, which nobody reaches"


def _followed(after: dict[str, str | None], key: str) -> set[str]:
    """Return every step that comes after this one."""
    found: set[str] = set()
    now = after[key]
    while now is not None and now not in found:
        found.add(now)
        now = after.get(now)
    return found

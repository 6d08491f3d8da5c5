"""What a detector hands to the arithmetic: occasions, and where the behavior was shown."""

from shared.contracts.base import Record


class Observation(Record, frozen=True, kw_only=True):
    """One occasion on which the behavior could have been shown, or could have happened."""

    agent: int
    """Position in the transcript of the agent turn that is quoted."""
    start: int
    end: int
    """The quoted words: what shows the behavior, or the answer that lacks it."""
    hit: bool
    customer: int | None = None
    """Position of the customer turn that made the occasion."""


class Finding(Record, frozen=True, kw_only=True):
    """Everything one detector saw."""

    observations: tuple[Observation, ...] = ()
    census: bool = False
    """A check of the whole conversation: one look settles it, so no caution for few occasions."""

    @property
    def hits(self) -> int:
        """How often the behavior was shown."""
        return sum([item.hit for item in self.observations])

    @property
    def opportunities(self) -> int:
        """How often it could have been."""
        return len(self.observations)

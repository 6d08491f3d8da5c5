"""The conversation that feedback is bound to: what was heard, answered and known at each turn."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.feedback.slots import service_things
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import fold
from shared.contracts.dialogue import Act
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import MindShift, Transcript, TranscriptTurn

GOOD_WORK = frozenset(
    {
        Act.ACKNOWLEDGE_FEELING,
        Act.ACKNOWLEDGE_IMPACT,
        Act.PARAPHRASE,
        Act.TAKE_OWNERSHIP,
        Act.REASSURE,
        Act.EXPLAIN,
        Act.NEXT_STEP,
        Act.OFFER,
        Act.OPEN_QUESTION,
        Act.RECAP,
        Act.CHECK_UNDERSTANDING,
    }
)
"""Acts after which a turn is no place to show what else was missing."""

SPOILING = frozenset(
    {
        Act.CITE_POLICY,
        Act.REFUSE,
        Act.BLAME,
        Act.DISMISS,
        Act.REPROACH,
        Act.INSULT,
        Act.THREATEN,
        Act.RUSH,
        Act.PRESSURE,
        Act.SARCASM,
        Act.INTERRUPT,
        Act.UPSELL,
        Act.GIVE_AWAY,
        Act.JARGON,
    }
)
"""Acts beside which nothing is praised."""

RISE_HELPS = {
    "trust": True,
    "frustration": False,
    "anxiety": False,
    "fairness": True,
    "patience": True,
    "clarity": True,
}
"""Dimensions of a simulated mind in the order in which they are told; whether more is good."""


_OFF_TOPIC = frozenset({"talked about instructions instead of the problem", "made no sense"})
"""Causes of a change that a turn had nothing to do with the matter."""


_WORD = re.compile(r"[a-z]+")
_CASE = 2
"""Different things brought up that make it a case."""


class Scene:
    """One conversation, looked at by those who choose and word the feedback."""

    def __init__(
        self,
        transcript: Transcript,
        reading: Reading,
        measured: Mapping[str, Sequence[Measured]] | None = None,
    ) -> None:
        self.turns: tuple[TranscriptTurn, ...] = transcript.turns
        self.transcript = transcript
        self.reading = reading
        self.minds: dict[str, MindShift] = {shift.turn_id: shift for shift in transcript.mind}
        self._measured = measured or {}
        self._moved: dict[int, dict[str, int]] = {}

    @cached_property
    def salt(self) -> str:
        """The words of the conversation that decide among equal wordings."""
        return f"{len(self.turns)}|{self.turns[0].text[:80] if self.turns else ''}"

    @cached_property
    def is_service(self) -> bool:
        """Whether there is a case to look after, as between a customer and a company."""
        if any(
            span.act is Act.VERIFY_IDENTITY for turn in self.reading.agent for span in turn.raw.acts
        ):
            return True
        brought: set[str] = set()
        for turn in self.turns:
            if turn.role == "customer":
                brought |= service_things(turn.text)
        return len(brought) >= _CASE

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word is said in the whole conversation."""
        return Counter(word for turn in self.turns for word in _WORD.findall(fold(turn.text)))

    @cached_property
    def busy(self) -> frozenset[int]:
        """Agent turns that do good work."""
        return frozenset(
            turn.index
            for turn in self.reading.agent
            if not self.spoiled(turn.index) and turn.first(GOOD_WORK) is not None
        )

    @cached_property
    def _hurt(self) -> frozenset[int]:
        """Agent turns that bad behavior was found in."""
        return frozenset(
            seen.agent
            for items in self._measured.values()
            for item in items
            if item.indicator.polarity is Polarity.BAD
            for seen in item.finding.observations
            if seen.hit
        )

    def spoiled(self, agent: int) -> bool:
        """Say whether a turn holds something that nobody would praise."""
        return agent in self._hurt or any(
            span.act in SPOILING for span in self.reading.turns[agent].raw.acts
        )

    def is_off_topic(self, agent: int) -> bool:
        """Say whether a turn was not meant for the customer, as far as that is known."""
        shift = self.minds.get(self.turns[agent].id)
        known = () if shift is None else shift.changes
        return bool(self.reading.turns[agent].flags) or any(
            why in _OFF_TOPIC for _, _, why in known
        )

    def heard(self, agent: int) -> str:
        """Return everything the customer said right before an agent turn; empty at the start."""
        said: list[str] = []
        for turn in reversed(self.turns[:agent]):
            if turn.role != "customer":
                if said:
                    break
                continue
            said.insert(0, turn.text)
        return " ".join(said)

    def replied(self, agent: int) -> str:
        """Return what the customer said right after an agent turn; empty at the end."""
        said: list[str] = []
        for turn in self.turns[agent + 1 :]:
            if turn.role != "customer":
                break
            said.append(turn.text)
        return " ".join(said)

    def moved(self, agent: int) -> dict[str, int] | None:
        """Return the change of a simulated mind by dimension, zeros left out; None if unknown."""
        if not self.minds:
            return None
        known = self._moved.get(agent)
        if known is None:
            shift = self.minds.get(self.turns[agent].id)
            known = self._moved[agent] = {} if shift is None else net(shift.changes)
        return known

    def helped(self, agent: int) -> int | None:
        """Return the points by which an answer helped (or hurt, below 0); None if unknown."""
        moved = self.moved(agent)
        if moved is None:
            return None
        return sum(
            points if RISE_HELPS.get(name, True) else -points for name, points in moved.items()
        )


def net(changes: Iterable[tuple[str, int, str]]) -> dict[str, int]:
    """Add the changes of a mind up by dimension; what came to nothing is left out."""
    total: dict[str, int] = {}
    for dimension, points, _ in changes:
        total[dimension] = total.get(dimension, 0) + points
    return {name: points for name, points in total.items() if points}

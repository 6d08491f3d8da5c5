"""A whole reading as the detectors look at it."""

from collections.abc import Callable
from functools import cached_property

from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn


class Scene:
    """The whole conversation."""

    def __init__(self, reading: Reading) -> None:
        """Prepare what does not wait until it is asked for."""
        self.reading = reading
        self.said = tuple(
            Said(turn, reading.heard.get(turn.index))
            for turn in reading.turns
            if turn.turn.role == "agent"
        )
        """Every agent turn."""
        self.judged = tuple(item for item in self.said if item.counts)
        """Agent turns with something to judge."""
        self.moments = self._moments()
        self._occasions: dict[Callable[[Moment], bool], list[Moment]] = {}
        self._misses: dict[Callable[[Moment], bool], Finding] = {}
        self.findings: dict[str, Finding] = {}
        """What detectors found so far, by key."""

    def occasions(self, when: Callable[[Moment], bool]) -> list[Moment]:
        """Return the moments that are occasions; asked once for each of these questions."""
        known = self._occasions.get(when)
        if known is None:
            known = self._occasions[when] = [moment for moment in self.moments if when(moment)]
        return known

    def misses(self, when: Callable[[Moment], bool]) -> Finding:
        """Return what a detector finds on these occasions where no answer shows anything.

        After a customer who thanked or agreed nothing is owed.
        """
        known = self._misses.get(when)
        if known is None:
            owed = (moment.miss for moment in self.occasions(when) if not moment.settled)
            known = self._misses[when] = Finding(observations=tuple(owed))
        return known

    @cached_property
    def marks(self) -> frozenset[str]:
        """All acts and signs of the agent's turns."""
        return frozenset().union(*(said.marks for said in self.said))

    @cached_property
    def clean(self) -> Finding:
        """What a detector of bad behavior finds where there is none."""
        return Finding(
            observations=tuple(said.clean for said in self.said if said.index in self.answering)
        )

    @cached_property
    def answering(self) -> frozenset[int]:
        """The first agent turn of each answer: saying it in pieces makes no more occasions."""
        firsts = (next((s for s in moment.said if s.counts), None) for moment in self.moments)
        return frozenset(said.index for said in firsts if said is not None)

    def after(self, moment: Moment) -> Moment | None:
        """Return the moment that follows."""
        following = moment.number + 1
        return self.moments[following] if following < len(self.moments) else None

    def reply(self, moment: Moment) -> Moment | None:
        """Return what the customer said next, answered or not."""
        following = self.after(moment)
        if following is not None or not self._last_words:
            return following
        return Moment(Exchange(customer=self._last_words, agent=()), (), moment)

    @cached_property
    def _last_words(self) -> tuple[ReadTurn, ...]:
        """The customer turns at the end that nobody answers."""
        turns = self.reading.turns
        count = 0
        while count < len(turns) and turns[-1 - count].turn.role == "customer":
            count += 1
        return turns[len(turns) - count :]

    @cached_property
    def first_said(self) -> dict[str, int]:
        """Number of the moment in which the customer first used a stem."""
        found: dict[str, int] = {}
        for moment in self.moments:
            for stem in moment.customer_topics:
                found.setdefault(stem, moment.number)
        return found

    def _moments(self) -> tuple[Moment, ...]:
        by_index = {item.index: item for item in self.said}
        moments: list[Moment] = []
        for exchange in self.reading.exchanges:
            said = tuple(by_index[turn.index] for turn in exchange.agent)
            moments.append(Moment(exchange, said, moments[-1] if moments else None))
        return tuple(moments)


class _Latest:
    """The scene that was looked at last: detectors come one after the other over one reading."""

    scene: Scene | None = None


def look(reading: Reading) -> Scene:
    """Return the scene of a reading; the same object as long as no other reading comes between."""
    scene = _Latest.scene
    if scene is None or scene.reading is not reading:
        scene = _Latest.scene = Scene(reading)
    return scene

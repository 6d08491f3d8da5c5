"""Building blocks of detectors: what the customer did, what the answer shows, and how it counts.

A detector is put together from a `When` (which moments are occasions) and a `Find` (which words
of an answer show the behavior). No occasion means no observation, never a miss.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import Scene, look
from services.scoring_worker.judging.detectors.signs import AGENT_SIGNS
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

ACKNOWLEDGING = frozenset({Act.ACKNOWLEDGE_FEELING, Act.ACKNOWLEDGE_IMPACT})
FIXING = frozenset({Act.OFFER, Act.NEXT_STEP})

Detector = Callable[[Reading], Finding]
"""Looks at a whole reading and answers one indicator."""

When = Callable[[Moment], bool]
"""Says whether a moment is an occasion."""

Look = Callable[[Said], Span | None]
"""Looks for a behavior in one agent turn."""


class Find:
    """Looks for a behavior in one agent turn, and knows where it need not look."""

    __slots__ = ("look", "marks")

    def __init__(self, look: Look, marks: frozenset[str] | None = None) -> None:
        """Take what looks, and the acts and signs of which a turn must show one (None: any)."""
        self.look = look
        self.marks = marks

    def __call__(self, said: Said) -> Span | None:
        """Return the words that show it."""
        if self.marks is not None and self.marks.isdisjoint(said.marks):
            return None
        return self.look(said)


def always(_moment: Moment) -> bool:
    """Every answer is an occasion."""
    return True


def act(*acts: Act) -> Find:
    """Find the sentence that shows one of these acts best."""
    wanted = frozenset(acts)
    return Find(lambda said: said.best(wanted), wanted)


def bad(*acts: Act) -> Find:
    """Find the first sentence that clearly holds one of these acts, in the original text."""
    wanted = frozenset(acts)
    return Find(lambda said: said.first_bad(wanted), wanted)


def sign(*names: str) -> Find:
    """Find the sentence of the first of these signs that the turn shows."""

    def find(said: Said) -> Span | None:
        found = next((said.signs[name] for name in names if name in said.signs), None)
        return None if found is None else said.sentence(found)

    return Find(find, AGENT_SIGNS.known(names))


def bad_sign(*names: str) -> Find:
    """Do as `sign` does, in the original text."""

    def find(said: Said) -> Span | None:
        found = next((said.bad_signs[name] for name in names if name in said.bad_signs), None)
        return None if found is None else said.sentence(found)

    return Find(find, AGENT_SIGNS.known(names))


def any_of(*finds: Find) -> Find:
    """Find what the first of these finds."""

    def find(said: Said) -> Span | None:
        for one in finds:
            span = one(said)
            if span is not None:
                return span
        return None

    marks = [one.marks for one in finds]
    known = [found for found in marks if found is not None]
    return Find(find, frozenset().union(*known) if len(known) == len(marks) else None)


def both(shown: Find, *others: Find) -> Find:
    """Find what the first one finds, in turns in which the others find something too."""

    def find(said: Said) -> Span | None:
        span = shown(said)
        return span if span is not None and all(one(said) is not None for one in others) else None

    return Find(find, shown.marks)


def unless(shown: Find, *others: Find) -> Find:
    """Find what the first one finds, in turns in which none of the others finds anything."""

    def find(said: Said) -> Span | None:
        span = shown(said)
        return span if span is not None and all(one(said) is None for one in others) else None

    return Find(find, shown.marks)


NOTHING = Find(lambda _: None, frozenset())
"""Finds nothing: for detectors that know better than the turn."""


def observe(moment: Moment, find: Find) -> Observation:
    """Look through the agent turns of a moment; a miss quotes the opening of the answer."""
    marks, find_in = find.marks, find.look
    if marks is None or not marks.isdisjoint(moment.marks):
        for said in moment.said:
            if marks is not None and marks.isdisjoint(said.marks):
                continue
            span = find_in(said)
            if span is not None:
                return said.observed(span, moment.cause)
    return moment.miss


def kindly(find: Find) -> Find:
    """Find only in turns that hold no act that undoes what is said beside it."""
    look = find.look
    return Find(lambda said: None if said.harsh else look(said), find.marks)


def over(moments: Iterable[Moment], find: Find) -> Finding:
    """Return one observation for each of these moments.

    After a customer who thanked or agreed nothing is owed: there only what was done counts.
    """
    observations: list[Observation] = []
    for moment in moments:
        item = observe(moment, find)
        if item.hit or not moment.settled:
            observations.append(item)
    return Finding(observations=tuple(observations))


def shown(when: When, find: Find) -> Detector:
    """Return a detector of good behavior: one observation for each occasion.

    What stands beside a harsh act does not count.
    """
    return plain(when, kindly(find))


def plain(when: When, find: Find) -> Detector:
    """Do as `shown` does where a harsh act beside it does not matter, or is what is looked for."""
    marks = find.marks

    def detect(reading: Reading) -> Finding:
        scene = look(reading)
        if marks is not None and marks.isdisjoint(scene.marks):
            return scene.misses(when)
        return over(scene.occasions(when), find)

    return detect


def owed(when: When, find: Find) -> Detector:
    """Return a detector of good behavior that is owed on some occasions and counts on all."""
    kind, marks = kindly(find), find.marks

    def detect(reading: Reading) -> Finding:
        scene = look(reading)
        if marks is not None and marks.isdisjoint(scene.marks):
            return scene.misses(when)
        observations: list[Observation] = []
        for moment in scene.moments:
            item = observe(moment, kind)
            if item.hit or (not moment.settled and when(moment)):
                observations.append(item)
        return Finding(observations=tuple(observations))

    return detect


def per_turn(scene: Scene, find: Find) -> Finding:
    """Return one observation for each answer, more if more than one turn of it is a hit.

    Misses of bad behavior are never quoted.
    """
    marks, find_in = find.marks, find.look
    if marks is not None and marks.isdisjoint(scene.marks):
        return scene.clean
    observations: list[Observation] = []
    for said in scene.said:
        nothing = marks is not None and marks.isdisjoint(said.marks)
        span = None if nothing else find_in(said)
        if span is not None:
            observations.append(said.observed(span, said.cause))
        elif said.index in scene.answering:
            observations.append(said.clean)
    return Finding(observations=tuple(observations))


def at_turns(scene: Scene, places: Mapping[int, Span]) -> Finding:
    """Do the same for places that were found before, by the position of the turn."""
    return per_turn(scene, Find(lambda said: places.get(said.index)))


def anywhere(find: Find) -> Detector:
    """Return a detector of bad behavior that every agent turn could have held."""
    return lambda reading: per_turn(look(reading), find)


def bad_act(*acts: Act) -> Detector:
    """Return a detector of bad acts: every agent turn could have held one."""
    return anywhere(bad(*acts))


def answered(hits: Sequence[Moment], misses: Iterable[Moment], find: Find) -> Finding:
    """Return observations of moments that are known to be right and others that are not."""
    found = over(hits, kindly(find)).observations
    return Finding(observations=(*found, *(m.miss for m in misses if not m.settled)))


def once(turns: Sequence[Said], find: Find, *, late: bool = False) -> Finding:
    """Return one observation for all these turns together: was it done at least once?

    A miss quotes the first turn, or with `late` the last one: where it would have had its place.
    """
    if not turns:
        return Finding(census=True)
    marks, find_in = find.marks, find.look
    for said in turns:
        nothing = marks is not None and marks.isdisjoint(said.marks)
        span = None if nothing else find_in(said)
        if span is not None:
            return Finding(observations=(said.observed(span, None),), census=True)
    place = turns[-1 if late else 0]
    start, end = place.opening
    miss = Observation(agent=place.index, start=start, end=end, hit=False)
    return Finding(observations=(miss,), census=True)

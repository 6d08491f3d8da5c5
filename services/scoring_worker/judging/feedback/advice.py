"""Chooses and words at most two strengths and two improvements, each bound to a quote."""

from collections.abc import Mapping, Sequence

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.evidence import cite, verify
from services.scoring_worker.judging.feedback.better import Slots, better
from services.scoring_worker.judging.feedback.candidates import Candidate, improvements, strengths
from services.scoring_worker.judging.feedback.coaching import corrections, praise
from services.scoring_worker.judging.feedback.effect import Point, effect
from services.scoring_worker.judging.feedback.filling import choose
from services.scoring_worker.judging.feedback.places import correction_key, improvable, praiseworthy
from services.scoring_worker.judging.feedback.scene import Scene
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.scoring import Advice, CriterionResult, Transcript

MAX_EACH = 2
"""More than two points of each kind are not remembered."""


def advise(
    results: Sequence[CriterionResult],
    measured: Mapping[str, Sequence[Measured]],
    transcript: Transcript,
    reading: Reading,
) -> tuple[Advice, ...]:
    """Return strengths, then improvements; no two about the same skill or the same turn.

    Args:
        results: the criteria of the form, in its order, which decides between equals.
        measured: what was found, by key of the scored criteria only.
        transcript: where the quotes are; its `mind` says what an answer changed.
        reading: the same conversation, read.
    """
    scene = Scene(transcript, reading, measured)
    chosen = _Chosen(scene)
    # improvements first: what is praised beside them must not speak about the same skill
    better_ones = chosen.take(improvements(results, measured), is_praise=False)
    good_ones = chosen.take(strengths(results, measured), is_praise=True)
    return (*good_ones, *better_ones)


class _Chosen:
    """Takes the weightiest candidates whose skill, turn and wording are not taken yet."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._skills: set[str] = set()
        self._turns: set[int] = set()
        self._keys: set[str] = set()

    def take(self, candidates: Sequence[Candidate], *, is_praise: bool) -> list[Advice]:
        """Return the advice on up to two of these; equal ones in the form's order."""
        taken: list[Advice] = []
        for candidate in sorted(candidates, key=lambda item: -item.value):
            if len(taken) == MAX_EACH:
                break
            key = _topic(candidate)
            if candidate.skill in self._skills or key in self._keys:
                continue
            place = self._place(candidate, is_praise=is_praise)
            if place is None:
                continue
            taken.append(_word(candidate, place, self._scene, is_praise=is_praise))
            self._skills.add(candidate.skill)
            self._turns.add(place.agent)
            self._keys.add(key)
        return taken

    def _place(self, candidate: Candidate, *, is_praise: bool) -> Observation | None:
        scene = self._scene
        item = candidate.item
        places = [
            seen
            for seen in item.finding.observations
            if seen.hit is (is_praise or not item.is_good)
            and seen.agent not in self._turns
            and verify(
                cite(scene.turns[seen.agent], seen.start, seen.end),
                scene.transcript,
                polarity=item.indicator.polarity,
            )
        ]
        return (praiseworthy if is_praise else improvable)(places, item, scene)


def _topic(candidate: Candidate) -> str:
    """Return what must not be said twice: the wording of an improvement, else the indicator."""
    key = candidate.item.coached_as or candidate.item.indicator.key
    known = corrections().get(key)
    return key if known is None else known.move


def _word(candidate: Candidate, place: Observation, scene: Scene, *, is_praise: bool) -> Advice:
    slots = Slots(scene, place.agent, place.customer, Span(place.start, place.end))
    return (_praise if is_praise else _correct)(candidate, place, slots, scene)


def _praise(candidate: Candidate, place: Observation, slots: Slots, scene: Scene) -> Advice:
    key = candidate.item.indicator.key
    said = praise()[key]
    point = Point(agent=place.agent, indicator=key, is_praise=True, why=said.why)
    return Advice(
        skill=candidate.skill,
        kind="strength",
        text=choose(said.text, slots.get, f"{slots.salt}|{key}") or said.text[0],
        evidence=cite(scene.turns[place.agent], place.start, place.end),
        effect=effect(point, scene),
    )


def _correct(candidate: Candidate, place: Observation, slots: Slots, scene: Scene) -> Advice:
    item = candidate.item
    key = correction_key(item, place, scene)
    known = corrections()[key]
    title = item.indicator.title[:1].lower() + item.indicator.title[1:]
    salt = f"{slots.salt}|{key}"

    def get(name: str) -> str | None:
        return title if name == "title" else slots.get(name)

    text = choose(known.text, get, salt) or known.text[-1]
    if item.coached_as and key == item.coached_as:
        text = f"A required step was missing: {title}."
    point = Point(
        agent=place.agent,
        indicator=key,
        is_praise=False,
        is_whole=item.is_good and item.finding.census,
        why=known.why,
    )
    return Advice(
        skill=candidate.skill,
        kind="improvement",
        text=text,
        evidence=cite(scene.turns[place.agent], place.start, place.end),
        effect=effect(point, scene),
        better=better(known.move, slots.get, salt),
    )

"""Picks the turn in which a point shows best: no good turn is criticized, no trifle is praised."""

from collections.abc import Sequence

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.customer import find_feeling
from services.scoring_worker.judging.feedback.caution import (
    CURT_WORDS,
    OF_A_CLOSED_CASE,
    is_founded,
    is_misread,
    is_owed,
)
from services.scoring_worker.judging.feedback.coaching import causes, corrections
from services.scoring_worker.judging.feedback.saying import say_back
from services.scoring_worker.judging.feedback.scene import Scene
from services.scoring_worker.judging.feedback.showing import shows
from services.scoring_worker.judging.feedback.slots import is_copied
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.words import count_words, is_telling, topics

_LATE = frozenset(
    {
        "offers_option",
        "moves_forward",
        "gives_next_step",
        "names_who_and_when",
        "names_time",
        "takes_it_on",
        "explains",
        "confirms_shared_view",
    }
)
"""Indicators whose absence shows best near the end."""

_FELT = 6
"""Topics that a feeling outweighs when the most visible miss is looked for."""

_HANDY_WORDS = range(5, 31)
"""A quote of this length is read at a glance."""

_SOFT = frozenset({"wall_of_text", "small_portions", "robotic", "closed_chain", "loops"})
"""Bad behavior of form only: in a turn that helps it is not worth a remark."""

_NOTABLE = 3
"""Points of help under which there is nothing to praise."""

_HELPED = 4
"""Points of help (docs/feedback.md) from which a turn is a good one."""


def praiseworthy(places: Sequence[Observation], item: Measured, scene: Scene) -> Observation | None:
    """Return the place to praise: telling, in the agent's own words, nothing bad beside it.

    Where a simulation knows that the answer did not help, or that something else helped, there is
    nothing to praise.
    """
    key = item.indicator.key
    fit = [
        seen
        for seen in places
        if is_telling(_quote(seen, scene))
        and not scene.spoiled(seen.agent)
        and not is_copied(_quote(seen, scene), scene.heard(seen.agent))
        and _helped_enough(seen, scene)
        and _is_borne_out(seen, key, scene)
        and shows(key, _quote(seen, scene))
    ]
    return max(fit, key=lambda seen: _worth_praising(seen, scene), default=None)


def _helped_enough(seen: Observation, scene: Scene) -> bool:
    helped = scene.helped(seen.agent)
    return helped is None or helped >= _NOTABLE


def _is_borne_out(seen: Observation, key: str, scene: Scene) -> bool:
    """Say whether the simulation felt what is to be praised; where nothing is known, it may be."""
    shift = scene.minds.get(scene.turns[seen.agent].id)
    if shift is None:
        return True
    related = {why for why, keys in causes().items() if key in keys}
    felt = {why.partition(", about ")[0] for _, _, why in shift.changes}
    return not related or not related.isdisjoint(felt)


def _worth_praising(seen: Observation, scene: Scene) -> tuple[bool, bool, int, int, int]:
    """Prefer what helped, a quote that is read at a glance and says much, then the later one."""
    quote = _quote(seen, scene)
    helped = scene.helped(seen.agent) or 0
    handy = count_words(quote) in _HANDY_WORDS
    return handy, helped >= _HELPED, helped // _HELPED, len(topics(quote)), seen.agent


def improvable(places: Sequence[Observation], item: Measured, scene: Scene) -> Observation | None:
    """Return the place at which the lack shows most, or the harm.

    A turn that does other good work, or is known to have helped, is not criticized for what it
    leaves out; checks of the whole conversation have only one place.
    """
    if item.is_good and item.finding.census:
        if item.indicator.key in OF_A_CLOSED_CASE and not scene.is_service:
            return None
    elif item.is_good:
        places = [
            seen
            for seen in places
            if not _is_good_turn(seen, scene) and is_owed(seen, item.indicator.key, scene)
        ]
    elif item.indicator.key in _SOFT:
        places = [
            seen
            for seen in places
            if not _is_good_turn(seen, scene) and _is_borne_out(seen, item.indicator.key, scene)
        ]
    elif not item.is_good:
        places = [seen for seen in places if is_founded(seen, item.indicator.key, scene)]
    return max(places, key=lambda seen: _visible(seen, item, scene), default=None)


def correction_key(item: Measured, place: Observation, scene: Scene) -> str:
    """Return whose correction fits: of what was missing, or of what the answer was instead.

    Somebody who says `Hm.`, repeats the customer or talks to a machine needs to hear that first.
    """
    key = item.coached_as or item.indicator.key
    if item.is_good and not item.finding.census:
        said = scene.turns[place.agent].text
        if scene.is_off_topic(place.agent):
            return "off_topic"
        if is_copied(said, scene.heard(place.agent)):
            return "copied"
        if count_words(said) < CURT_WORDS and item.indicator.key in corrections():
            return "curt_answers"
    if key in corrections():
        return key
    return "unnamed" if item.is_good else "unnamed_bad"


def _is_good_turn(seen: Observation, scene: Scene) -> bool:
    helped = scene.helped(seen.agent)
    is_busy = seen.agent in scene.busy or is_misread(seen.agent, scene)
    if helped is None or is_misread(seen.agent, scene):
        return is_busy
    return helped >= _HELPED or (is_busy and helped > -2 * _HELPED)


def _visible(
    seen: Observation, item: Measured, scene: Scene
) -> tuple[bool, bool, int, bool, bool, int, int]:
    """Prefer a telling quote under a telling customer turn, and where harm is known to be done.

    Solutions are missed late in a conversation, feelings and questions early.
    """
    heard = None if seen.customer is None else scene.turns[seen.customer].text
    late = item.indicator.key in _LATE
    half = (seen.agent * 2 >= len(scene.turns)) is late
    harm = -(scene.helped(seen.agent) or 0)
    return (
        is_telling(_quote(seen, scene)),
        heard is not None and is_telling(heard),
        max(0, harm) // _HELPED,
        heard is not None and say_back(heard) is not None,
        half,
        _stake(heard),
        seen.agent if late else -seen.agent,
    )


def _stake(heard: str | None) -> int:
    """Return how much the customer put into the turn that was answered: feelings, then topics."""
    if heard is None:
        return 0
    return _FELT * (find_feeling(heard) is not None) + len(topics(heard))


def _quote(seen: Observation, scene: Scene) -> str:
    return scene.turns[seen.agent].text[seen.start : seen.end]

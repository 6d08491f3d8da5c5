"""Says why something mattered to the customer: known in a simulation, else in their next words."""

from collections.abc import Mapping, Sequence

from services.scoring_worker.judging.feedback.caution import is_misread
from services.scoring_worker.judging.feedback.coaching import causes
from services.scoring_worker.judging.feedback.excerpt import excerpt
from services.scoring_worker.judging.feedback.scene import RISE_HELPS, Scene
from services.scoring_worker.judging.words import count_words
from shared.contracts.base import Record
from shared.contracts.scoring import MindShift

_NAMES = {
    "trust": "trust",
    "frustration": "frustration",
    "anxiety": "worry",
    "fairness": "sense of fairness",
    "patience": "patience",
    "clarity": "understanding",
}
_SHOWN = 2
"""Dimensions in one sentence."""

_NOTABLE = 3
"""Points (of 100) from which a change is worth telling."""

_OTHERWISE = {
    "made no sense": "the answer did not fit the conversation",
    "greeted": "you greeted them",
    "threatened": "you threatened them",
    "used words the customer does not know": "you used words that they do not know",
    "said no": "you said no",
}
"""Causes that cannot be said as `you ...` word by word."""

_MAX_REPLY_CHARS = 110
_MIN_REPLY_WORDS = 2


class Point(Record, frozen=True, kw_only=True):
    """What is said about one answer."""

    agent: int
    """Position of the answer."""
    indicator: str
    is_praise: bool
    is_whole: bool = False
    """It is about the whole conversation, so that the next words say nothing about it."""
    why: str
    """Why it matters, where nothing more is known."""


def effect(point: Point, scene: Scene) -> str:
    """Return what the answer changed where a simulation knows it, else why it matters.

    The customer's next words follow when they show it. Nothing is inferred about the agent.
    """
    known = _known(point, scene)
    if known is not None:
        return known
    reply = _telling_reply(point, scene)
    return f"{point.why} {reply}" if reply else point.why


def _known(point: Point, scene: Scene) -> str | None:
    """Tell the largest changes in the fitting direction, and what caused them."""
    moved = scene.moved(point.agent)
    shift = scene.minds.get(scene.turns[point.agent].id)
    if moved is None or shift is None or point.is_whole or is_misread(point.agent, scene):
        return None
    fitting = [
        name
        for name, rise_helps in RISE_HELPS.items()
        if abs(moved.get(name, 0)) >= _NOTABLE
        and ((moved[name] > 0) is rise_helps) is point.is_praise
    ]
    told = sorted(fitting, key=lambda name: -abs(moved[name]))[:_SHOWN]
    if not told:
        return None
    return f"Right after it the customer's {_changes(told, moved)}{_cause(shift, told, point)}."


def _changes(told: Sequence[str], moved: Mapping[str, int]) -> str:
    return " and their ".join(
        f"{_NAMES[name]} {'rose' if moved[name] > 0 else 'fell'} by {abs(moved[name])} points"
        for name in told
    )


def _cause(shift: MindShift, told: Sequence[str], point: Point) -> str:
    """Name the cause that has to do with what is said, else the one that did most of it."""
    weights: dict[str, int] = {}
    for name, points, reason in shift.changes:
        if name in told and ((points > 0) is RISE_HELPS[name]) is point.is_praise:
            why = reason.partition(", about ")[0]
            weights[why] = weights.get(why, 0) + abs(points)
    if not weights:
        return ""
    most = max(weights, key=lambda why: weights[why])
    named = [why for why in weights if point.indicator in causes().get(why, ())]
    if named:
        return f", because {_clause(named[0])}"
    if not point.is_praise and most == "apologized":
        return ", because you only apologized"
    link = "mostly because" if point.is_praise else "because"
    return f", {link} {_clause(most)}"


def _clause(why: str) -> str:
    if why in _OTHERWISE:
        return _OTHERWISE[why]
    said = f"were{why[3:]}" if why.startswith("was ") else why
    return f"you {said}".replace("the customer's", "their").replace("the customer", "them")


def _telling_reply(point: Point, scene: Scene) -> str | None:
    """Quote what the customer said next, when it shows what the answer did."""
    following = point.agent + 1
    if point.is_whole or following >= len(scene.turns):
        return None
    cues = scene.reading.turns[following].cues
    if cues is None:
        return None
    shows = cues.settled if point.is_praise else cues.tests_patience
    said = excerpt(scene.turns[following].text, _MAX_REPLY_CHARS)
    if not shows or count_words(said) < _MIN_REPLY_WORDS:
        return None
    return f"The customer's next words were “{said}”"

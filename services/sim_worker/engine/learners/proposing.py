"""When the skilled learner offers something, and what."""

import re

from services.sim_worker.engine.learners.scene import HEATED, Scene, offers_of
from services.sim_worker.engine.learners.script import SCRIPT
from shared.contracts.scenario import Resolution

_ENOUGH_HEARD = 2
_ENOUGH_ASKED = 3
"""Questions before an offer when only one thing came out."""
_LATE_ASKED = 6
"""Questions after which an offer is made whatever the mood."""
_HURRY_TURNS = 3
"""Turns before the end from which an offer no longer waits for a better moment."""
_LONGEST_LOOK = 3
"""Turns between two offers at most, however many were refused."""
_STEM_CHARS = 5
"""Words that share as many first letters are taken for the same."""
_WORD = re.compile(r"[a-z]{5,}")


def may_offer(scene: Scene, *, is_telling: bool) -> bool:
    """Offer once the person has told something and has calmed down, or has been asked enough.

    After a refusal something is missing: each one asks for a longer look, unless the customer has
    just told more. `is_telling`: the last line confided something.
    """
    waited = _since_offer(scene)
    if waited == 0:
        return False  # a refusal is a reason to ask, not to repeat
    if scene.turns >= scene.scenario.max_turns - _HURRY_TURNS:
        return True
    if waited is not None and not is_telling and waited < min(_offers(scene), _LONGEST_LOOK):
        return False
    questions = sum("?" in line for line in scene.own)
    heard = len(scene.state.open_facts)
    enough = heard >= _ENOUGH_HEARD or (heard and questions > _ENOUGH_ASKED)
    is_calm = scene.mood not in HEATED and scene.mood != "frightened"
    return bool(enough) and (is_calm or questions > _LATE_ASKED)


def _names_a_solution(scene: Scene, line: str) -> bool:
    return any(item.title in line for item in scene.scenario.resolutions)


def _offers(scene: Scene) -> int:
    return sum(_names_a_solution(scene, line) for line in scene.own)


def _since_offer(scene: Scene) -> int | None:
    """Return the learner's turns since the last offer, 0 right after it; None: none was made."""
    turns = enumerate(reversed(scene.own))
    return next((back for back, line in turns if _names_a_solution(scene, line)), None)


def was_refused(scene: Scene) -> bool:
    """Say whether the last thing said was an offer; had it been taken, there were an agreement."""
    return _since_offer(scene) == 0


def offer(scene: Scene) -> str:
    """Return an offer: a first one, another way, or the same in a new light."""
    chosen = _best(scene)
    if offers_of(scene, chosen):
        bank, place = SCRIPT.offer_again, "offer_again"
    elif any(offers_of(scene, item) for item in scene.scenario.resolutions):
        bank, place = SCRIPT.offer_other, "offer_other"
    else:
        bank, place = SCRIPT.offer, "offer"
    said = scene.say(bank, place, {"resolution": chosen.title})
    return f"{said} {scene.say(SCRIPT.check, 'check')}"


def _best(scene: Scene) -> Resolution:
    """Return the solution that has most to do with what the customer told.

    Each gets a second chance before the next one does: a first no is often a question.
    """
    told = {item.key: item.reflected for item in scene.scenario.facts}
    words = _stems(" ".join([*scene.heard, *(told[key] for key in scene.state.open_facts)]))

    def rank(place: int) -> tuple[int, int, int]:
        item = scene.scenario.resolutions[place]
        return max(1, offers_of(scene, item)), -len(words & _stems(item.title)) // 3, place

    options = scene.scenario.resolutions
    return options[min(range(len(options)), key=rank)]


def _stems(text: str) -> set[str]:
    return {word[:_STEM_CHARS] for word in _WORD.findall(text.lower())}

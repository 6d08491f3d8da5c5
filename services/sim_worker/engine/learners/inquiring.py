"""What the skilled learner asks next."""

from services.sim_worker.engine.learners.hearing import cue, named_things
from services.sim_worker.engine.learners.proposing import was_refused
from services.sim_worker.engine.learners.scene import AFRAID, DOUBTING, HEATED, Scene
from services.sim_worker.engine.learners.script import SCRIPT


def question(scene: Scene, *, is_telling: bool) -> str:
    """Ask for what is missing, after something the customer named, or a question not asked yet."""
    if was_refused(scene) and not scene.was_said(SCRIPT.missing):
        return scene.say(SCRIPT.missing, "missing")
    return (None if is_telling else _probe(scene)) or _general(scene)


def _probe(scene: Scene) -> str | None:
    """Ask after something the customer has just named: now and then, and never in the heat."""
    may = scene.mood not in HEATED and scene.turns % 3 == 0 and cue(scene.last) is None
    if not may:
        return None
    known = f"{scene.said} {' '.join(scene.scenario.case.values())}".lower()
    things = named_things(scene.last, known)
    return scene.say(SCRIPT.probe, "probe", {"thing": things[-1]}) if things else None


def _general(scene: Scene) -> str:
    order = SCRIPT.order[_group(scene.mood)]
    ranked = sorted(order, key=lambda name: order.index(name) * 2 + scene.lot(name, 5))
    lines = [SCRIPT.questions[name][form] for form in (0, 1) for name in ranked]
    return next((line for line in lines if line not in scene.said), lines[scene.turns % len(lines)])


def _group(word: str) -> str:
    if word in HEATED:
        return "heated"
    if word in AFRAID:
        return "afraid"
    return "doubting" if word in DOUBTING else "calm"

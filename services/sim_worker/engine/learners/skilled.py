"""The skilled learner: hears people out, is open, and offers what fits what was heard."""

from services.sim_worker.engine.learners.hearing import asked, cue
from services.sim_worker.engine.learners.inquiring import question
from services.sim_worker.engine.learners.proposing import may_offer, offer, was_refused
from services.sim_worker.engine.learners.scene import (
    AFRAID,
    DOUBTING,
    HEATED,
    Scene,
    agreed,
    due_step,
)
from services.sim_worker.engine.learners.script import SCRIPT
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Role, ScenarioSpec

_TRIES = 2
"""How often one step is tried in other words."""
_VERIFIES_FIRST = frozenset({Role.FRAUD, Role.COLLECTIONS})
_UPSET = HEATED | AFRAID | {"irritated"}


def skilled(scene: Scene) -> str | None:
    """Return what somebody who is good at this would say now."""
    if scene.turns == 0:
        return _open(scene)
    if scene.state.resolution:
        return _wrap_up(scene)
    told = _reflection(scene)
    step = _step(scene, is_telling=told is not None)
    if step is None and may_offer(scene, is_telling=told is not None):
        return f"{told or _bridge(scene)} {offer(scene)}"
    if told is None and was_refused(scene) and _kind(scene) is not None:
        return _stand_by(scene)
    parts = [told or _take_up(scene)]
    if step is not None:
        parts.append(step)
    if step is None or not step.endswith("?"):
        parts.append(question(scene, is_telling=told is not None))
    return " ".join(parts)


def _stand_by(scene: Scene) -> str:
    """Answer what the customer asks about an offer, and stay with it."""
    kind = _kind(scene)
    is_open = kind in {None, "what", "sure"}
    lead = scene.say(SCRIPT.vouch, "vouch") if is_open else _answer(scene, kind)
    check = scene.say(SCRIPT.check, "check")
    return f"{lead} {scene.say(SCRIPT.stand_by, 'stand_by')} {check}"


def _open(scene: Scene) -> str:
    scenario = scene.scenario
    hello = scene.say(SCRIPT.open[scenario.role], "open")
    first = scenario.role in _VERIFIES_FIRST and _has_identity(scenario)
    return f"{hello} {scene.say(SCRIPT.open_verify if first else SCRIPT.open_ask, 'open_ask')}"


def _has_identity(scenario: ScenarioSpec) -> bool:
    return any(Act.VERIFY_IDENTITY in step.acts for step in scenario.steps)


def _wrap_up(scene: Scene) -> str:
    """Recap once, take up what is still asked, then say goodbye."""
    deal = agreed(scene)
    title = deal.title if deal else ""
    since = scene.own[scene.state.accepted_at or 0 :]
    if not any(title in line for line in since):
        return scene.say(SCRIPT.recap, "recap", {"resolution": title})
    if len(since) == 1 and (scene.state.waiting_for or "?" in scene.last):
        return f"{scene.say(SCRIPT.settled, 'settled')} {scene.say(SCRIPT.close, 'close')}"
    return scene.say(SCRIPT.close, "close")


def _bridge(scene: Scene) -> str:
    """Lead over to an offer, past a question if one waits."""
    if scene.state.twists and not scene.was_said(SCRIPT.twist):
        return scene.say(SCRIPT.twist, "twist")
    if not scene.has_told("disclosure"):
        return scene.say(SCRIPT.disclose, "disclosure")
    kind = _kind(scene)
    if kind in {None, "what", "how", "when"}:  # the offer itself is the answer
        return scene.say(SCRIPT.bridge, "bridge")
    return _answer(scene, kind)


def _reflection(scene: Scene) -> str | None:
    """Give back the newest thing the customer has confided and not yet heard back."""
    told = {fact.key: fact.reflected for fact in scene.scenario.facts}
    for key in reversed(scene.state.open_facts):
        if told[key] and told[key] not in scene.said:
            back = scene.say(SCRIPT.reflect, "reflect", {"reflected": told[key]})
            upset = scene.mood in _UPSET or key == scene.state.open_facts[0]
            warmth = scene.say(SCRIPT.warm, "warm") if upset else scene.say(SCRIPT.glad, "glad")
            return f"{back} {warmth}"
    return None


def _take_up(scene: Scene) -> str:
    """Take up the customer's last line: what stands out in it, their question, or their mood."""
    if scene.state.twists and not scene.was_said(SCRIPT.twist):
        return scene.say(SCRIPT.twist, "twist")
    heard = cue(scene.last)
    if heard is not None:
        return scene.say(getattr(SCRIPT, heard), heard)
    if was_refused(scene):
        return scene.say(SCRIPT.refused, "refused")
    if scene.scenario.case["verify"] in scene.own[-1] and scene.state.waiting_for is None:
        return scene.say(SCRIPT.noted, "noted")
    kind = _kind(scene)
    if kind is not None:
        return _answer(scene, kind)
    return _attune(scene)


def _attune(scene: Scene) -> str:
    """Meet the mood; a calm person only needs to know that they were heard."""
    if scene.mood in HEATED or (scene.mood == "irritated" and scene.turns % 2):
        return scene.say(SCRIPT.heat, "heat")
    if scene.mood in AFRAID and scene.turns % 2:
        return scene.say(SCRIPT.fear, "fear")
    if scene.mood in DOUBTING and scene.turns % 2:
        return scene.say(SCRIPT.doubt, "doubt")
    return scene.say(SCRIPT.heard, "heard")


def _kind(scene: Scene) -> str | None:
    """Return the kind of the question that waits for an answer, just asked or still open."""
    waiting = scene.state.waiting_for
    return waiting.kind if waiting is not None else asked(scene.last)


def _answer(scene: Scene, kind: str | None) -> str:
    return scene.say(getattr(SCRIPT, kind or "what", SCRIPT.what), kind or "what")


def _step(scene: Scene, *, is_telling: bool) -> str | None:
    """Do the process step that is due; who is just being confided in lets it wait a turn."""
    step = due_step(scene)
    is_late = scene.turns >= scene.scenario.max_turns // 3
    if is_telling and not is_late:
        return None
    if step is not None and Act.VERIFY_IDENTITY in step.acts:
        return _try(scene, "verify", SCRIPT.verify)
    kinds = set(step.acts) if step is not None else set()
    if Act.DISCLOSE in kinds:
        return _try(scene, "disclosure", SCRIPT.disclose)
    if Act.EXPLAIN in kinds or (not kinds and not scene.has_told("cause")):
        return _try(scene, "cause", SCRIPT.explain)
    return None


def _try(scene: Scene, slot: str, options: tuple[str, ...]) -> str | None:
    tried = scene.said.count(scene.scenario.case[slot][1:].rstrip("."))
    return scene.say(options, slot) if tried < _TRIES else None

"""The average learner: good lines and clumsy ones, by a form that changes from call to call."""

import msgspec

from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.learners.scene import (
    CALM,
    HEATED,
    Scene,
    agreed,
    due_step,
    offers_of,
)
from services.sim_worker.engine.learners.tables import read_lines
from shared.contracts.dialogue import Act

_FORM_FROM, _FORM_SPAN = 45, 54
"""On a bad day 45 of 100 moves are good, on the best day 98."""
_OFFERS_FROM = 4
_STAYS, _LETS_GO = 15, 12
"""Turns without an agreement after which they say goodbye: to most people, and to a calm or a
heated one, whom they leave too early."""


class _Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    open: tuple[str, ...]
    verify: tuple[str, ...]
    verify_again: tuple[str, ...]
    disclose: tuple[str, ...]
    explain: tuple[str, ...]
    reflect: tuple[str, ...]
    react: tuple[str, ...]
    own: tuple[str, ...]
    ask: tuple[str, ...]
    clumsy: tuple[str, ...]
    offer: tuple[str, ...]
    offer_again: tuple[str, ...]
    recap: tuple[str, ...]
    close: tuple[str, ...]


_SCRIPT = msgspec.convert(read_lines("average.yaml"), _Script)


def average(scene: Scene) -> str | None:
    """Return what somebody with half the training would say now."""
    if scene.turns == 0:
        return scene.say(_SCRIPT.open, "open")
    if scene.state.resolution:
        return _wrap_up(scene)
    if scene.turns > (_LETS_GO if scene.mood in CALM | HEATED else _STAYS):
        return scene.say(_SCRIPT.close, "close")
    is_good = scene.chance("move", _FORM_FROM + scene.lot("form", _FORM_SPAN))
    step = _step(scene) if is_good or scene.chance("step", 40) else None
    if step is not None:
        return step
    if scene.turns >= _OFFERS_FROM and scene.chance("offer", 40):
        return _offer(scene)
    return _good(scene) if is_good else _clumsy(scene)


def _wrap_up(scene: Scene) -> str:
    """Recap or forget to, then say goodbye."""
    deal = agreed(scene)
    title = deal.title if deal else ""
    since = scene.own[scene.state.accepted_at or 0 :]
    if not since and scene.chance("recap", 70):
        return scene.say(_SCRIPT.recap, "recap", {"resolution": title})
    return scene.say(_SCRIPT.close, "close")


def _step(scene: Scene) -> str | None:
    step = due_step(scene)
    if step is None:
        return None
    if Act.VERIFY_IDENTITY in step.acts:
        return scene.say(_SCRIPT.verify, "verify")
    is_open = Act.DISCLOSE in step.acts
    return scene.say(_SCRIPT.disclose if is_open else _SCRIPT.explain, "step")


def _offer(scene: Scene) -> str:
    """Offer one of the solutions, not always the one that fits."""
    options = scene.scenario.resolutions
    place = draw(scene.seed, scene.turns, f"{scene.scenario.slug}:which", len(options) + 1)
    chosen = options[place % len(options)]
    bank = _SCRIPT.offer_again if offers_of(scene, chosen) else _SCRIPT.offer
    return scene.say(bank, "offer", {"resolution": chosen.title})


def _good(scene: Scene) -> str:
    lead = _reflection(scene)
    if lead is None:
        lead = scene.say(_SCRIPT.own if scene.chance("own", 25) else _SCRIPT.react, "react")
    return f"{lead} {scene.say(_SCRIPT.ask, 'ask')}"


def _reflection(scene: Scene) -> str | None:
    """Give back what was just confided, if they happen to notice."""
    told = {fact.key: fact for fact in scene.scenario.facts}
    for key in scene.state.open_facts[-1:]:
        is_new = told[key].reflected not in scene.said and told[key].text in scene.last
        if is_new and scene.chance("notice", 70):
            return scene.say(_SCRIPT.reflect, "reflect", {"reflected": told[key].reflected})
    return None


def _clumsy(scene: Scene) -> str:
    if scene.state.done_steps and scene.chance("again", 6):
        return scene.say(_SCRIPT.verify_again, "verify_again")
    return scene.say(_SCRIPT.clumsy, "clumsy")

"""The parrot: says the customer's own words back, and nothing of their own."""

import re

from services.sim_worker.engine.draws import draw
from services.sim_worker.engine.learners.scene import Scene

_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_MAX_CHARS = 240
"""Longer lines are cut to their end: that is what a parrot remembers."""
_MANNERS = ("{line}", "{last}", "So, {last}", "{first}", "{last} {last}", "Okay: {line}")


def parrot(scene: Scene) -> str | None:
    """Return the customer's last line again, or a part of it."""
    sentences = [part.strip() for part in _SENTENCE.findall(scene.last) if part.strip()]
    if not sentences:
        return scene.last
    manner = draw(scene.seed, scene.turns, f"{scene.scenario.slug}:parrot", len(_MANNERS))
    return _MANNERS[manner].format(
        line=scene.last[-_MAX_CHARS:].strip(), last=sentences[-1], first=sentences[0]
    )

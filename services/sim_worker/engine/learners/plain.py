"""Learners with one habit each: what they say does not depend on what they hear."""

from collections.abc import Callable

import msgspec

from services.sim_worker.engine.learners.scene import Scene, agreed
from services.sim_worker.engine.learners.tables import read_lines

_ANY_GIFT = "give you all of it for free"
"""What the pushover gives where a scenario forbids nothing in particular."""


class _Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one of them says; an empty line is a silence."""

    gives_up_after: int
    """Turns after which they say goodbye."""
    open: tuple[str, ...]
    middle: tuple[str, ...]
    close: tuple[str, ...]


_SCRIPTS = msgspec.convert(read_lines("plain.yaml"), dict[str, _Script])


def _next(scene: Scene, script: _Script) -> str:
    given = scene.scenario.forbidden
    deal = (
        agreed(scene) or scene.scenario.resolutions[scene.turns % len(scene.scenario.resolutions)]
    )
    slots = {
        "gift": given[scene.turns % len(given)].title if given else _ANY_GIFT,
        "resolution": deal.title,
    }
    if scene.turns == 0:
        return scene.say(script.open, "open", slots)
    if scene.turns >= script.gives_up_after or scene.state.resolution:
        return scene.say(script.close, "close", slots)
    return scene.say(script.middle, "middle", slots)


def _profile(script: _Script) -> Callable[[Scene], str | None]:
    return lambda scene: _next(scene, script)


PLAIN = {name: _profile(script) for name, script in _SCRIPTS.items()}
"""The learners of `plain.yaml` by name."""

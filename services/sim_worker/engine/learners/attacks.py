"""The prompt-attacker: tries to make the customer drop the role or tell what it should not."""

import msgspec

from services.sim_worker.engine.learners.scene import Scene
from services.sim_worker.engine.learners.tables import read_lines


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """One text that tries it."""

    family: str
    """The trick, as `override`, `fake_system` or `encoded`."""
    text: str


_ATTACKS = tuple(
    Attack(family=family, text=text)
    for family, texts in msgspec.convert(
        read_lines("attacks.yaml"), dict[str, tuple[str, ...]]
    ).items()
    for text in texts
)


def load_attacks() -> tuple[Attack, ...]:
    """Return every attack, family by family."""
    return _ATTACKS


def prompt_attacker(scene: Scene) -> str | None:
    """Return the next attack: another one in every turn, from all families in turn."""
    start = scene.lot("attack", len(_ATTACKS))
    return _ATTACKS[(start + scene.turns * _STRIDE) % len(_ATTACKS)].text


_STRIDE = 7
"""Steps through the list; it has no divisor in common with the number of attacks."""

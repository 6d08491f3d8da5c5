"""The published table of how a mind moves, read once from `rules.yaml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shared.contracts.dialogue import Act, Topic
from shared.contracts.scenario import Temper
from shared.yaml_files import read_yaml


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one act (or one quality of a turn) does to the mind."""

    why: str
    change: Mapping[str, int]
    """Points by dimension, before percentages."""
    about: bool = False
    """Whether the shown cause also says what the act was about."""
    wear: str = "none"
    by_strength: tuple[int, int, int] = (60, 100, 100)
    """Percent for weak, clear and strong examples."""


class TemperRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Percent by dimension for helpful and for hurtful changes."""

    gain: Mapping[str, int]
    harm: Mapping[str, int]


class Nearness(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a helpful change is left close to a level's best end."""

    within: int
    """Points from the best end, 0 or 100."""
    percent: int


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table; percentages are integers."""

    wear: Mapping[str, tuple[int, ...]]
    acts: Mapping[Act, Effect]
    turns: Mapping[str, Effect]
    time_every: int
    """Learner turns after which the passing of time is felt."""
    soft_spot: int
    trigger: int
    early_offer: int
    spoiled: int
    early_upsell: int
    eased_no: int
    limit_from: int
    """Frustration from which setting a limit is in place."""
    turn_limit: Mapping[str, int]
    near_best: tuple[Nearness, ...]
    """The closest first."""
    gain_by_difficulty: tuple[int, int, int, int, int]
    harm_by_difficulty: tuple[int, int, int, int, int]
    tempers: Mapping[Temper, TemperRule]
    topics: Mapping[Topic, str]
    """How causes name what an act was about."""
    off_role: tuple[str, ...]

    def worn(self, name: str, count: int) -> int:
        """Return the percentage for something that came `count` times before."""
        table = self.wear[name]
        return table[min(count, len(table) - 1)]


def read_table(name: str) -> Any:
    """Return a data file of this package, parsed."""
    return read_yaml(Path(__file__).with_name(name))


RULES = msgspec.convert(read_table("rules.yaml"), Rules)
"""The table that this engine version runs."""

HOSTILE = frozenset(
    {
        Act.BLAME,
        Act.DISMISS,
        Act.REPROACH,
        Act.THREATEN,
        Act.INSULT,
        Act.PRESSURE,
        Act.RUSH,
        Act.SARCASM,
        Act.INTERRUPT,
    }
)
"""Acts that close a customer's mouth: nothing is revealed or accepted in such a turn."""

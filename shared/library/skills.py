"""Loads the skill taxonomy: what rubrics score and scenarios exercise."""

from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec
import yaml

from shared.contracts.base import Authored

_FILE = Path(__file__).with_name("skills.yaml")


class Seen(StrEnum):
    """Where a skill can honestly be scored."""

    TRANSCRIPT = "transcript"
    TREND = "trend"
    """Over many conversations."""
    OUTSIDE = "outside"
    """In no customer conversation."""


class Skill(Authored, frozen=True, kw_only=True):
    """One skill."""

    name: str
    definition: str
    seen: tuple[Seen, ...]


class SkillRoot(Authored, frozen=True, kw_only=True):
    """A family of skills, to which reports roll up."""

    name: str
    definition: str
    skills: dict[str, Skill]
    """By the second half of the key."""


@cache
def load_skill_roots() -> dict[str, SkillRoot]:
    """Return the roots by key, in the file's order.

    Raises:
        msgspec.ValidationError: the file does not describe a taxonomy.
    """
    raw = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(raw, dict[str, SkillRoot])


@cache
def load_skills() -> dict[str, Skill]:
    """Return every skill by its whole key (`relate.empathy`), in the file's order."""
    return {
        f"{root}.{name}": skill
        for root, family in load_skill_roots().items()
        for name, skill in family.skills.items()
    }

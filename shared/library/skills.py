"""Loads the skill taxonomy: what rubrics score and scenarios exercise."""

import hashlib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from shared.contracts.base import Authored
from shared.yaml_files import read_yaml

_FILE = Path(__file__).with_name("skills.yaml")


class Seen(StrEnum):
    """Where a skill can honestly be scored."""

    TRANSCRIPT = "transcript"
    TREND = "trend"
    """Over many conversations."""
    OUTSIDE = "outside"
    """In no customer conversation."""


Sign = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Signs = Annotated[tuple[Sign, ...], msgspec.Meta(min_length=1, max_length=6)]


class Skill(Authored, frozen=True, kw_only=True):
    """One skill."""

    name: str
    definition: str
    seen: tuple[Seen, ...]
    good: Signs
    """What shows it, in plain words."""
    bad: Signs
    """What speaks against it."""


class SkillRoot(Authored, frozen=True, kw_only=True):
    """A family of skills, to which reports roll up."""

    name: str
    definition: str
    skills: dict[str, Skill]
    """By the second half of the key."""


class Taxonomy(Authored, frozen=True, kw_only=True):
    """The whole file."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    """Raised when keys, names or meanings change."""
    roots: dict[str, SkillRoot]


@cache
def load_taxonomy() -> Taxonomy:
    """Return the taxonomy.

    Raises:
        msgspec.ValidationError: the file does not describe one.
    """
    return msgspec.convert(read_yaml(_FILE), Taxonomy)


def load_skill_roots() -> dict[str, SkillRoot]:
    """Return the roots by key, in the file's order; raises as `load_taxonomy` does."""
    return load_taxonomy().roots


def taxonomy_version() -> int:
    """Return the version that the file names."""
    return load_taxonomy().version


@cache
def taxonomy_hash() -> str:
    """Return the hash of the content, 12 hex digits; layout and comments do not matter."""
    content = msgspec.json.encode(load_taxonomy(), order="deterministic")
    return hashlib.sha256(content).hexdigest()[:12]


@cache
def load_skills() -> dict[str, Skill]:
    """Return every skill by its whole key (`relate.empathy`), in the file's order."""
    return {
        f"{root}.{name}": skill
        for root, family in load_skill_roots().items()
        for name, skill in family.skills.items()
    }
